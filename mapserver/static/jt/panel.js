/** The panel at the right, which on a phone is a sheet from below with three heights. */
import { byId, el, icon } from "jt/dom";

const { gettext } = window;
const HEIGHTS = ["peek", "half", "full"];
const DRAG_STEP = 40;

export class Panel {
  #element = byId("panel");
  #body = byId("panel-body");
  #toggle = byId("panel-toggle");
  #onResize;

  /** @param {() => void} onResize called when the map has more or less room than before */
  constructor(onResize) {
    this.#onResize = onResize;
    this.#toggle.addEventListener("click", () => this.#setOpen(!this.isOpen));
    this.#listenToHandle(byId("sheet-handle"));
  }

  get isOpen() { return !document.body.classList.contains("panel-closed"); }

  /** Pixels of the map that the sheet covers: none where the panel stands beside it. */
  get covers() {
    return matchMedia("(max-width: 767px)").matches ? this.#element.offsetHeight : 0;
  }

  /** @param {...Node} content @param {{height?: string}} */
  show(content, { height = "half" } = {}) {
    // Whoever works by the keyboard stays where she was.
    const focused = this.#body.contains(document.activeElement) && document.activeElement.id;
    this.#body.replaceChildren(...content);
    this.#body.scrollTop = 0;
    if (focused) byId(focused)?.focus();
    this.#setOpen(true);
    this.#setHeight(height);
  }

  /** What stands there while something is fetched that takes longer than a blink. @returns {() => void} to be called at the end */
  wait(text) {
    const timer = setTimeout(() => this.show([el("p", { class: "note", role: "status" }, text)]), 300);
    return () => clearTimeout(timer);
  }

  close() {
    this.#setOpen(false);
    this.#setHeight("peek");
  }

  focus() { this.#body.focus({ preventScroll: true }); }

  #setOpen(open) {
    if (open === this.isOpen) return;
    document.body.classList.toggle("panel-closed", !open);
    this.#toggle.setAttribute("aria-expanded", String(open));
    this.#onResize();
  }

  #setHeight(height) {
    this.#element.dataset.height = height;
  }

  #step(up) {
    const now = HEIGHTS.indexOf(this.#element.dataset.height);
    this.#setHeight(HEIGHTS[Math.min(2, Math.max(0, now + (up ? 1 : -1)))]);
  }

  #listenToHandle(handle) {
    let start = null;
    handle.addEventListener("pointerdown", (event) => {
      start = event.clientY;
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointerup", (event) => {
      const up = start - event.clientY;
      if (Math.abs(up) >= DRAG_STEP) this.#step(up > 0);
    });
    handle.addEventListener("click", (event) => {
      // The click that ends a drag is not one.
      if (start !== null && Math.abs(start - event.clientY) >= DRAG_STEP && event.detail > 0) return;
      const now = HEIGHTS.indexOf(this.#element.dataset.height);
      this.#setHeight(HEIGHTS[(now + 1) % HEIGHTS.length]);
    });
  }
}

/** The path from the service area down; every step is a button. */
export function chainList(chain, onGrid) {
  return el(
    "ol",
    { class: "chain", "aria-label": gettext("上级网格") },
    chain.map((step, index) =>
      el(
        "li",
        {},
        index > 0 && icon("chevron-right"),
        el("button", { class: "link", type: "button", translate: "no", title: step.level_name, onclick: () => onGrid(step.id) }, step.name),
      ),
    ),
  );
}

/** A definition list out of pairs; pairs without a value are left out. */
export const facts = (pairs) =>
  el(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => ![null, undefined, false, ""].includes(value))
      .map(([name, value]) => [el("dt", {}, name), el("dd", {}, ...[value].flat())]),
  );

/** The sign that a figure or a person is made up. */
export const demoTag = () => el("span", { class: "tag" }, gettext("演示数据"));

/** Somebody in charge of a grid. */
export const person = ({ name, staff_id, kind_label, role_label, away, staff_kind_label, institution, work_phone, synthetic, since }) =>
  el(
    "div",
    { class: "person" },
    el("p", {},
      el("strong", { translate: "no" }, staff_id ? el("a", { href: `/people/${staff_id}/` }, name) : name),
      " ", role_label, " · ", kind_label, " ", away && el("span", { class: "tag" }, gettext("缺勤")), " ", synthetic && demoTag()),
    el("p", { class: "note" }, staff_kind_label, " · ", el("span", { translate: "no" }, institution)),
    work_phone && el("p", {}, gettext("工作电话"), " ", el("a", { href: `tel:${work_phone}`, class: "figures" }, work_phone)),
    since && el("p", { class: "note" }, gettext("自"), " ", el("span", { class: "figures" }, since)),
  );

/** @param {import("jt/api").ApiError} error */
export const problem = (error, advice) =>
  el("div", { class: "message error", role: "alert" }, el("p", {}, error.message), advice && el("p", {}, advice));
