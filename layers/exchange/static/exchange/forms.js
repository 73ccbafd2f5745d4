/** The two forms that the page begins with: a file to import, a layer to export. */
import { ApiError } from "jt/api";
import { byId } from "jt/dom";
import { fill } from "jt/text";

const { gettext } = window;

/** @param {(form: FormData) => Promise<Error|null>} upload */
export function startForms(page, upload) {
  for (const form of [byId("upload"), byId("export")]) {
    form.elements.datum.addEventListener("change", ({ target }) => {
      form.querySelector(".epsg").hidden = target.value !== "epsg";
    });
  }
  handle(byId("upload"), byId("upload-error"), (form) => {
    const fault = faultOf(form, page);
    return fault ? new Error(fault) : upload(withDatum(form));
  });
  handle(byId("export"), byId("export-error"), (form) => download(withDatum(form)));
}

/** Sends a form once, and says at its place what was wrong. */
function handle(form, message, send) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    const error = await send(form);
    button.disabled = false;
    message.textContent = error?.message ?? "";
    message.hidden = !error;
    if (error) message.scrollIntoView({ block: "nearest" });
  });
}

function faultOf(form, { maxFileBytes }) {
  const [file] = form.elements.file.files;
  if (!file) return gettext("请选择要导入的文件。");
  if (file.size > maxFileBytes) {
    return fill(gettext("{file} 超过 {n} MB。请分成几个文件。"), { file: file.name, n: maxFileBytes >> 20 });
  }
  if (!form.elements.datum.value) return gettext("请选择坐标系：系统不会猜测。");
  if (form.elements.datum.value === "epsg" && !form.elements.epsg.value.trim()) return gettext("请填写 EPSG 代码，例如 4547。");
  return "";
}

function withDatum(form) {
  const data = new FormData(form);
  if (data.get("datum") === "epsg") data.set("datum", data.get("epsg").trim());
  data.delete("epsg");
  return data;
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
