/** Files: asked for where the page stays, so that one that takes time says so and can be stopped, and a refusal is read at its place. */
import { getFile } from "jt/api";
import { el } from "jt/dom";
import { problem } from "jt/panel";

const { gettext } = window;
const SPINNER_MS = 300;
const CANCEL_MS = 2000;
/** What a link or button stands in, below which something is said of it. */
const PLACE = "p, li, form, .actions-bar";

/** Without script a link does the same. One that another key or button opens elsewhere is the browser's. */
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[download]");
  if (!link?.href || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  download(link, link.href);
});

/**
 * Fetches a file and hands it to the browser. What goes wrong is said beside `control`, which asked for it.
 * @param {HTMLElement} control a link or a button @param {string} address @param {object} [body] sent by POST
 */
export async function download(control, address, body) {
  if (control.getAttribute("aria-busy")) return;
  const abort = new AbortController();
  const said = saidBy(control);
  said.replaceChildren();
  control.setAttribute("aria-busy", "true");
  const cancel = el("button", { type: "button", class: "link", onclick: () => abort.abort() }, gettext("取消"));
  const timers = [
    setTimeout(() => said.append(el("progress", { "aria-label": gettext("正在准备文件") }), el("span", {}, gettext("正在准备文件…"))), SPINNER_MS),
    setTimeout(() => said.append(cancel), CANCEL_MS),
  ];
  const settle = (...words) => {
    timers.forEach(clearTimeout);
    const wasHere = said.contains(document.activeElement);
    said.replaceChildren(...words);
    control.removeAttribute("aria-busy");
    if (wasHere) control.focus();
  };
  try {
    const { file, headers } = await getFile(address, body, { signal: abort.signal });
    keep(file, nameIn(headers) || control.getAttribute("download") || "");
    settle();
  } catch (error) {
    settle(...(error.name === "AbortError" ? [] : [problem(error)]));
  }
}

/** Where is said how it goes. Controls that stand together share it. */
function saidBy(control) {
  const place = control.closest(PLACE) ?? control;
  const next = place.nextElementSibling;
  if (next?.matches(".download-said")) return next;
  const made = el("div", { class: "download-said", role: "status" });
  place.after(made);
  return made;
}

function keep(file, name) {
  const address = URL.createObjectURL(file);
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** The name that the server gives the file. */
function nameIn(headers) {
  const said = headers.get("Content-Disposition") ?? "";
  const [, encoded] = said.match(/filename\*=utf-8''([^;]+)/i) ?? [];
  return encoded ? decodeURIComponent(encoded) : said.match(/filename="([^"]*)"/)?.[1];
}
