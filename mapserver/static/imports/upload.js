/** The files of the upload form in their order, one a level. */
import { byId, data, el } from "jt/dom";
import { fill } from "jt/text";
import { fieldsOf, sendWhole, uploadFault, watchDatum } from "jt/files/form";

const { gettext } = window;

/** @param {{maxFiles: number, maxFileBytes: number}} page @param {(form: FormData) => Promise<Error|null>} send */
export function startForm({ maxFiles, maxFileBytes }, send) {
  const form = byId("upload");
  let files = [];
  watchDatum(form);
  byId("files").addEventListener("change", ({ target }) => {
    files = [...target.files];
    list();
  });
  sendWhole(form, byId("upload-error"), () => tooMany() || uploadFault(form, files, maxFileBytes), () => send(ordered()));

  const tooMany = () =>
    files.length > maxFiles && fill(gettext("一次最多 {n} 个文件（每级一个）。请合并同一级的文件。"), { n: maxFiles });

  function ordered() {
    const fields = fieldsOf(form);
    fields.delete("files");
    for (const file of files) fields.append("files", file);
    return fields;
  }

  function list() {
    const several = files.length > 1;
    byId("chosen").hidden = !several;
    byId("chosen").replaceChildren(
      ...(several ? files : []).map((file, index) =>
        el(
          "li",
          {},
          data(file.name, { class: "file-name", title: file.name }),
          index > 0 && el("button", { type: "button", class: "quiet", onclick: () => raise(index) }, gettext("上移")),
        ),
      ),
    );
  }

  function raise(index) {
    files.splice(index - 1, 0, ...files.splice(index, 1));
    list();
  }
}
