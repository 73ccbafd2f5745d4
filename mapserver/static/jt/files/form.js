/** Forms that send files with the datum of their coordinates, and say at their place what was wrong. */
import { fill } from "jt/text";

const { gettext } = window;

/** Shows the field of the EPSG code where it is needed. @param {HTMLFormElement} form */
export function watchDatum(form) {
  form.elements.datum.addEventListener("change", ({ target }) => {
    form.querySelector(".epsg").hidden = target.value !== "epsg";
  });
}

/** Sends a form once. @param {() => string} fault what is wrong with it before it is sent @param {() => Promise<Error|null>} send */
export function sendWhole(form, message, fault, send) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    const text = fault() || (await send())?.message || "";
    button.disabled = false;
    message.textContent = text;
    message.hidden = !text;
    if (text) message.scrollIntoView({ block: "nearest" });
  });
}

/** What is wrong with the files or the datum of a form, or "". @param {File[]} files */
export function uploadFault(form, files, maxFileBytes) {
  if (!files.length) return gettext("请选择要导入的文件。");
  const large = files.find(({ size }) => size > maxFileBytes);
  if (large) {
    return fill(gettext("{file} 超过 {n} MB。请分成几个文件，或简化后再上传。"), { file: large.name, n: maxFileBytes >> 20 });
  }
  if (!form.elements.datum.value) return gettext("请选择坐标系：系统不会猜测。");
  if (form.elements.datum.value === "epsg" && !form.elements.epsg.value.trim()) return gettext("请填写 EPSG 代码，例如 4547。");
  return "";
}

/** The fields of a form, with the EPSG code as the datum where one is given. */
export function fieldsOf(form) {
  const data = new FormData(form);
  if (data.get("datum") === "epsg") data.set("datum", data.get("epsg").trim());
  data.delete("epsg");
  return data;
}
