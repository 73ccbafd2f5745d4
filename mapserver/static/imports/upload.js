/** The upload form: files in their order, the datum, and what else helps to read them. */
import { byId, data, el } from "jt/dom";
import { fill } from "jt/text";

const { gettext } = window;

export class UploadForm {
  #page;
  #form = byId("upload");
  #error = byId("upload-error");
  #files = [];

  /** @param {(form: FormData) => Promise<Error|null>} send */
  constructor(page, send) {
    this.#page = page;
    byId("files").addEventListener("change", ({ target }) => {
      this.#files = [...target.files];
      this.#list();
    });
    byId("datum").addEventListener("change", ({ target }) => {
      byId("epsg-label").hidden = target.value !== "epsg";
    });
    this.#form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const fault = this.#fault();
      this.#say(fault);
      if (fault) return;
      const button = this.#form.querySelector("[type=submit]");
      button.disabled = true;
      const error = await send(this.#data());
      button.disabled = false;
      if (error) this.#say(error.message);
    });
  }

  show() {
    this.#form.hidden = false;
    // A file that was corrected meanwhile has to be chosen anew: the browser refuses to send one that has changed.
    byId("files").value = "";
    this.#files = [];
    this.#list();
    this.#say("");
  }

  hide() {
    this.#form.hidden = true;
  }

  #say(text) {
    this.#error.textContent = text;
    this.#error.hidden = !text;
    if (text) this.#error.scrollIntoView({ block: "nearest" });
  }

  #fault() {
    const { maxFiles, maxFileBytes } = this.#page;
    if (!this.#files.length) return gettext("请选择要导入的文件。");
    if (this.#files.length > maxFiles) {
      return fill(gettext("一次最多 {n} 个文件（每级一个）。请合并同一级的文件。"), { n: maxFiles });
    }
    const large = this.#files.find(({ size }) => size > maxFileBytes);
    if (large) {
      return fill(gettext("{file} 超过 {n} MB。请分成几个文件，或简化后再上传。"), { file: large.name, n: maxFileBytes >> 20 });
    }
    if (!byId("datum").value) return gettext("请选择坐标系：系统不会猜测。");
    if (byId("datum").value === "epsg" && !byId("epsg").value.trim()) return gettext("请填写 EPSG 代码，例如 4547。");
    return "";
  }

  #data() {
    const form = new FormData(this.#form);
    form.delete("files");
    for (const file of this.#files) form.append("files", file);
    if (form.get("datum") === "epsg") form.set("datum", byId("epsg").value.trim());
    return form;
  }

  #list() {
    const several = this.#files.length > 1;
    byId("chosen").hidden = !several;
    byId("chosen").replaceChildren(
      ...(several ? this.#files : []).map((file, index) =>
        el(
          "li",
          {},
          data(file.name, { class: "file-name", title: file.name }),
          index > 0 && el("button", { type: "button", class: "quiet", onclick: () => this.#raise(index) }, gettext("上移")),
        ),
      ),
    );
  }

  #raise(index) {
    this.#files.splice(index - 1, 0, ...this.#files.splice(index, 1));
    this.#list();
  }
}
