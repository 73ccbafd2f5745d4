/** What reviewers have remarked on a plan: pins on its map and a list, so that it is mended where it was meant. */
import { get } from "jt/api";
import { data, el } from "jt/dom";
import { fill } from "jt/text";

const { gettext } = window;

export class Remarks {
  #view;
  #plan = null;
  #open = [];
  #drawn = [];

  /** @param {import("jt/view").View} view */
  constructor(view) {
    this.#view = view;
  }

  /** Shows the open remarks on a plan that is not in force. */
  async show(plan) {
    for (const drawing of this.#drawn) drawing.stop();
    this.#plan = plan;
    this.#open = [];
    this.#drawn = [];
    if (!plan.can_comment || plan.valid_from) return;
    const all = await get(`plans/${plan.id}/comments`);
    if (plan !== this.#plan) return;
    this.#open = all.map((one, i) => ({ ...one, number: i + 1 })).filter((one) => !one.resolved_at);
    this.#drawn = this.#open.filter(({ place }) => place).map(({ place, number, text }) => this.#view.drawing(() =>
      this.#view.marker(place, el("span", { class: "pin remark" }, String(number)), { title: `${number} ${text}` })));
  }

  /** For the panel. @returns {HTMLElement[]} */
  list() {
    if (!this.#open.length) return [];
    return [
      el("h3", {}, fill(gettext("审定意见 ({n})"), { n: this.#open.length })),
      el("ul", { class: "rows", id: "remarks" }, this.#open.map(({ number, text, author, place }) =>
        el("li", {},
          place ? el("button", { type: "button", class: "pin remark", title: gettext("在图上查看"), onclick: () => this.#view.bring(place, Math.max(16, this.#view.zoom)) }, String(number))
            : el("span", { class: "pin remark" }, String(number)),
          data(text), el("span", { class: "note" }, data(author))))),
      el("p", {}, el("a", { href: `/plans/${this.#plan.id}/review/` }, gettext("答复意见"))),
    ];
  }
}
