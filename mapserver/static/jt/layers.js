/** Outlets and machines on the map: gathered where dense, and told apart by their sign, not by colour alone. */
import "leaflet.markercluster";
import { get } from "jt/api";
import { byId, data, el, icon, notify } from "jt/dom";
import { demoTag } from "jt/panel";
import { count } from "jt/text";

const { gettext } = window;

/** Sign of each kind of point. */
const SIGNS = {
  staffed: "landmark", self_service: "monitor-smartphone", cash_point: "banknote", pos: "credit-card",
};
const signOf = (kind) => SIGNS[kind] ?? "monitor-smartphone";

export const pointSign = (layer, kind) => el("span", { class: `point ${layer}` }, icon(signOf(kind)));

export class PointLayers {
  #view;
  #onChange;
  #choice = byId("layer-choice");
  #drawings = new Map();
  #bbox = null;
  known = [];

  /** @param {(shown: string[]) => void} onChange */
  constructor(view, onChange) {
    this.#view = view;
    this.#onChange = onChange;
  }

  get shown() { return [...this.#choice.querySelectorAll(":checked")].map((box) => box.value); }

  /** Offers the layers, and shows those that the address names. */
  async start(shown) {
    this.known = await get("layers/");
    this.#choice.append(
      ...this.known.map(({ id, name, count: total }) =>
        el("label", { class: "check" },
          el("input", { type: "checkbox", value: id, checked: shown.includes(id), onchange: () => this.#update(id) }),
          name, " ", el("span", { class: "note figures" }, count(total)))),
    );
  }

  /** Draws what is chosen, within the extent of a plan. */
  async show(bbox) {
    this.#bbox = bbox;
    for (const { id } of this.known) this.#clear(id);
    await Promise.all(this.shown.map((id) => this.#draw(id)));
    this.#onChange(this.shown);
  }

  async #update(id) {
    if (this.shown.includes(id)) await this.#draw(id);
    else this.#clear(id);
    this.#onChange(this.shown);
  }

  #clear(id) {
    this.#drawings.get(id)?.stop();
    this.#drawings.delete(id);
  }

  async #draw(id) {
    const bbox = this.#bbox;
    try {
      const features = await allPoints(id, bbox);
      if (bbox !== this.#bbox || !this.shown.includes(id) || this.#drawings.has(id)) return;
      this.#drawings.set(id, this.#view.drawing(() => this.#markers(id, features)));
    } catch (error) {
      notify(error.message);
    }
  }

  #markers(id, features) {
    return this.#view.clusters(
      features.map(({ geometry, properties }) => ({
        lonLat: geometry.coordinates,
        element: pointSign(id, properties.kind),
        title: properties.name,
        popup: () => details(properties),
      })),
      (n) => el("span", { class: `cluster ${id}` }, count(n)),
    );
  }
}

async function allPoints(layer, bbox) {
  const features = [];
  for (;;) {
    const page = await get(`layers/${layer}`, { bbox: bbox.join(","), offset: features.length });
    features.push(...page.features);
    if (!page.numberReturned || features.length >= page.numberMatched) return features;
  }
}

const details = ({ name, kind_label: kind, code, institution, synthetic }) =>
  el("div", {},
    el("p", {}, el("strong", { translate: "no" }, name), " ", synthetic && demoTag()),
    el("p", { class: "note" }, kind, " · ", el("span", { translate: "no" }, institution)),
    el("p", { class: "note" }, gettext("编码"), " ", data(code, { class: "code" })));
