/** Pieces that the pages of imports share: buttons, tables, forms. */
import { el } from "jt/dom";

export const button = (text, action, look = "") => el("button", { type: "button", class: look, onclick: action }, text);

/** Sends a form once, and shows at its place what was wrong with it. @param {() => Promise<Error|null>} send */
export function submitTo(form, send) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = form.querySelector("[type=submit]");
    submit.disabled = true;
    const error = await send();
    submit.disabled = false;
    const message = form.querySelector("[role=alert]");
    message.textContent = error?.message ?? "";
    message.hidden = !error;
  });
}

/** A table; a cell or a heading in a list of its own is a number, and a row may name classes of its cells. */
export function table(headings, rows, label) {
  const cell = (tag, classes = []) => (content, n) =>
    Array.isArray(content)
      ? el(tag, { class: "number" }, content)
      : el(tag, tag === "th" ? { scope: "col" } : { class: classes[n] || null }, content);
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, headings.map(cell("th")))),
      el("tbody", {}, rows.map(({ attributes, cells, classes }) => el("tr", attributes, cells.map(cell("td", classes))))),
    ),
  );
}
