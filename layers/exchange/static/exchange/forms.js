/** The two forms that the page begins with: a file to import, a layer to export. */
import { saveFile } from "jt/api";
import { byId } from "jt/dom";
import { fieldsOf, sendWhole, uploadFault, watchDatum } from "jt/files/form";

/** @param {(form: FormData) => Promise<Error|null>} upload */
export function startForms(page, upload) {
  const [taken, given] = [byId("upload"), byId("export")];
  watchDatum(taken);
  watchDatum(given);
  const fault = () => uploadFault(taken, [...taken.elements.file.files], page.maxFileBytes);
  sendWhole(taken, byId("upload-error"), fault, () => upload(fieldsOf(taken)));
  sendWhole(given, byId("export-error"), () => "", () => download(fieldsOf(given)));
}

/** A refusal is said on this page. @returns {Promise<Error|null>} */
function download(data) {
  const [layer, format] = [data.get("layer"), data.get("format")];
  const query = new URLSearchParams({ format, datum: data.get("datum") });
  return saveFile(`layers/${layer}/export?${query}`, `${layer}.${{ shp: "zip" }[format] ?? format}`).then(() => null, (error) => error);
}
