/** Building the page out of text: names come from people, so nothing here ever parses HTML. */

/**
 * @param {string} tag
 * @param {Object<string, *>} [attributes] on… are listeners, `data` texts are marked as not to be translated
 * @param {...(Node|string|number|null|undefined|false|Array)} children  nested lists are flattened
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

/** Text that is data (a name, a code), the same in every language. */
export const data = (text, attributes = {}) => el("span", { translate: "no", ...attributes }, String(text ?? ""));

/** A copy of an icon that the page carries in its template. */
export const icon = (name) =>
  document.querySelector("#icons").content.querySelector(`[data-icon="${name}"]`).cloneNode(true);

export const byId = (id) => document.getElementById(id);

/** @param {string|Node} text */
export function notify(text) {
  const notice = byId("notice");
  notice.replaceChildren(text);
  notice.hidden = !text;
}

/** Pixels within which a place is meant: a finger is coarser than a mouse. @param {number} pixels those of a mouse */
export const reach = (pixels) => (matchMedia("(pointer: coarse)").matches ? 2 * pixels : pixels);
