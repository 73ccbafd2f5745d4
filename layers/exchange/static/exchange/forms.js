/** The two forms that the page begins with: a file to import, a layer to export. */
import { ApiError } from "jt/api";
import { byId } from "jt/dom";
import { fieldsOf, sendWhole, uploadFault, watchDatum } from "jt/files/form";

const { gettext } = window;

/** @param {(form: FormData) => Promise<Error|null>} upload */
export function startForms(page, upload) {
  const [taken, given] = [byId("upload"), byId("export")];
  watchDatum(taken);
  watchDatum(given);
  const fault = () => uploadFault(taken, [...taken.elements.file.files], page.maxFileBytes);
  sendWhole(taken, byId("upload-error"), fault, () => upload(fieldsOf(taken)));
  sendWhole(given, byId("export-error"), () => "", () => download(fieldsOf(given)));
}

/** Fetches the file and hands it to the browser, so that a refusal is said on this page. */
async function download(data) {
  const query = new URLSearchParams({ format: data.get("format"), datum: data.get("datum") });
  let response;
  try {
    response = await fetch(`/api/layers/${data.get("layer")}/export?${query}`);
  } catch {
    return new ApiError(0, { text: gettext("连接不上服务器，请检查网络后再试。") });
  }
  if (!response.ok) return new ApiError(response.status, await response.json().catch(() => ({})));
  const address = URL.createObjectURL(await response.blob());
  const suffix = { shp: "zip" }[data.get("format")] ?? data.get("format");
  const link = Object.assign(document.createElement("a"), { href: address, download: `${data.get("layer")}.${suffix}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return null;
}
