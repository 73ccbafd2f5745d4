/** The two forms that the page begins with: a file to import, a layer to export. */
import { byId } from "jt/dom";
import { download } from "jt/download";
import { fieldsOf, sendWhole, uploadFault, watchDatum } from "jt/files/form";

/** @param {(form: FormData) => Promise<Error|null>} upload */
export function startForms(page, upload) {
  const [taken, given] = [byId("upload"), byId("export")];
  watchDatum(taken);
  watchDatum(given);
  const fault = () => uploadFault(taken, [...taken.elements.file.files], page.maxFileBytes);
  sendWhole(taken, byId("upload-error"), fault, () => upload(fieldsOf(taken)));
  given.addEventListener("submit", (event) => {
    event.preventDefault();
    const { layer, format, datum } = Object.fromEntries(fieldsOf(given));
    download(event.submitter, `/api/layers/${layer}/export?${new URLSearchParams({ format, datum })}`);
  });
}
