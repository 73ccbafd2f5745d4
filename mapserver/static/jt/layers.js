/** Layers of features on the map: small ones as signs, gathered where dense; large ones in tiles. */
import "leaflet.markercluster";
import { get } from "jt/api";
import { byId, el, icon, notify } from "jt/dom";
import { nearestOn } from "jt/plane";
import { pointSign } from "jt/signs";
import { count, fill, placeOf } from "jt/text";
import { DenseLayer } from "jt/tiles";

const { gettext } = window;
const CLOSER = 2;
const LINE = { weight: 5, opacity: 0.9 };
/** Pixels beside a line that still mean it: a finger's half. */
const REACH = 9;

export class PointLayers {
  #view;
  #dense;
  #actions;
  #choice = byId("layer-choice");
  #drawings = new Map();
  #filters = new Map();
  #bbox = null;
  known = [];

  /**
   * @param {number} dense a layer of more features than this comes in tiles
   * @param {{onChange: () => void, onFeature: (layer: string, id: number) => void, onList: (layer: string) => void}} actions
   */
  constructor(view, dense, actions) {
    this.#view = view;
    this.#dense = dense;
    this.#actions = actions;
  }

  layer(id) { return this.known.find((layer) => layer.id === id); }

  kind(layerId, kindId) { return this.layer(layerId)?.kinds.find(({ id }) => id === kindId); }

  /** What is shown, as the address has it: a layer, or those of its kinds that are chosen. */
  get shown() {
    return this.known.flatMap(({ id, kinds }) => {
      const chosen = this.#kindsShown(id);
      if (!chosen.length) return [];
      return chosen.length === kinds.length ? [id] : chosen.map((kind) => `${id}.${kind.id}`);
    });
  }

  /** Layers shown, each with its kinds shown. */
  get visible() {
    return this.known
      .map((layer) => ({ ...layer, kinds: this.#kindsDrawn(layer.id), dense: Boolean(this.#drawings.get(layer.id)?.dense) }))
      .filter(({ kinds }) => kinds.length);
  }

  /** Offers the layers, and shows those that the address names. */
  async start(shown) {
    this.known = await get("layers/");
    for (const layer of this.known) layer.kinds = layer.kinds.filter(({ id, active }) => active || layer.counts[id]);
    this.#choice.append(...this.known.map((layer) => this.#choiceOf(layer, shown)));
  }

  /** Draws what is chosen, within the extent of a plan. */
  async show(bbox) {
    this.#bbox = bbox;
    await Promise.all(this.known.map(({ id }) => this.#draw(id)));
    this.#actions.onChange();
  }

  /** Shows a layer, all its kinds if none was shown; narrowed by filters of the API until `query` is null. */
  async narrow(id, query) {
    if (query) this.#filters.set(id, query);
    else this.#filters.delete(id);
    if (query && !this.#kindsShown(id).length) this.#set(id, true);
    await this.#draw(id);
    this.#actions.onChange();
  }

  /** After a feature was added, moved or deleted. */
  async refresh(id) {
    await this.#draw(id);
  }

  /** Whether there is something of a dense layer, or a line, at a place; it is opened, or looked at more closely. */
  click(lonLat) {
    const line = this.#lineAt(lonLat);
    if (line) {
      this.#actions.onFeature(line.layer, line.id);
      return true;
    }
    for (const [id, { dense }] of this.#drawings) {
      const spot = dense?.at(lonLat);
      if (!spot) continue;
      if (spot.n) this.#view.look(spot.lonLat, this.#view.zoom + CLOSER);
      else this.#actions.onFeature(id, spot.id);
      return true;
    }
    return false;
  }

  #choiceOf(layer, shown) {
    const { id, name, kinds, counts, without_place: elsewhere } = layer;
    const whole = shown.includes(id);
    const box = el("input", { type: "checkbox", value: id, onchange: () => this.#chosen(id, box.checked) });
    const kindBoxes = kinds.map((kind) =>
      el("label", { class: "check" },
        el("input", {
          type: "checkbox", value: `${id}.${kind.id}`, "data-kind": kind.id,
          checked: whole || shown.includes(`${id}.${kind.id}`), onchange: () => this.#chosen(id),
        }),
        pointSign(id, kind), kind.name, el("span", { class: "note figures" }, count(counts[kind.id] ?? 0))));
    const row = el("div", { class: "layer", "data-layer": id },
      el("div", { class: "layer-head" },
        el("label", { class: "check" }, box, name, el("span", { class: "note figures" }, count(layer.count))),
        el("button", { class: "quiet", type: "button", onclick: () => this.#actions.onList(id) }, icon("list"), gettext("列表"))),
      elsewhere && el("p", { class: "note" }, el("a", { href: elsewhere.page }, fill(gettext("另有 {n} 人没有常驻地点"), { n: count(elsewhere.count) }))),
      el("details", {}, el("summary", {}, gettext("各类型")), kindBoxes));
    this.#sync(row);
    return row;
  }

  #row(id) { return this.#choice.querySelector(`[data-layer="${id}"]`); }

  /** Those shown that the list, if it narrows the layer, has. */
  #kindsDrawn(id) {
    const only = this.#filters.get(id)?.kind?.split(",");
    return only ? this.layer(id).kinds.filter((kind) => only.includes(kind.id)) : this.#kindsShown(id);
  }

  #kindsShown(id) {
    const boxes = this.#row(id)?.querySelectorAll("[data-kind]:checked") ?? [];
    const chosen = new Set([...boxes].map((box) => box.dataset.kind));
    return this.layer(id).kinds.filter((kind) => chosen.has(kind.id));
  }

  #set(id, checked) {
    for (const box of this.#row(id).querySelectorAll("[data-kind]")) box.checked = checked;
    this.#sync(this.#row(id));
  }

  #sync(row) {
    const boxes = [...row.querySelectorAll("[data-kind]")];
    const whole = row.querySelector("input:not([data-kind])");
    whole.checked = boxes.some((box) => box.checked);
    whole.indeterminate = whole.checked && !boxes.every((box) => box.checked);
  }

  async #chosen(id, all) {
    if (all === undefined) this.#sync(this.#row(id));
    else this.#set(id, all);
    await this.#draw(id);
    this.#actions.onChange();
  }

  #clear(id) {
    const drawn = this.#drawings.get(id);
    drawn?.stop?.();
    drawn?.dense?.remove();
    this.#drawings.delete(id);
  }

  async #draw(id) {
    const layer = this.layer(id);
    const kinds = this.#kindsShown(id);
    const token = {};
    if (!kinds.length) return this.#clear(id);
    const query = { ...this.#filters.get(id) };
    if (!query.kind && kinds.length < layer.kinds.length) query.kind = kinds.map((kind) => kind.id).join(",");
    const total = kinds.reduce((sum, kind) => sum + (layer.counts[kind.id] ?? 0), 0);
    // The nearest are few, whatever the layer.
    if (total > this.#dense && !query.near) {
      this.#clear(id);
      const drawn = query.kind ? layer.kinds.filter((kind) => query.kind.split(",").includes(kind.id)) : kinds;
      this.#drawings.set(id, { dense: new DenseLayer(this.#view, { ...layer, kinds: drawn }, query) });
      return undefined;
    }
    (this.#drawings.get(id) ?? this.#drawings.set(id, {}).get(id)).token = token;
    try {
      const features = await allFeatures(id, this.#filters.has(id) ? query : { bbox: this.#bbox.join(","), ...query });
      if (this.#drawings.get(id)?.token !== token) return undefined;
      this.#clear(id);
      const drawing = this.#view.drawing(() => this.#shapes(id, features));
      this.#drawings.set(id, { stop: () => drawing.stop(), lines: features.filter(isLine) });
    } catch (error) {
      notify(error.message);
    }
    return undefined;
  }

  /** The nearest of the lines that are drawn, if one passes by a place: it answers along its whole length. */
  #lineAt(lonLat) {
    const here = this.#view.pixel(lonLat);
    let nearest = null;
    let least = REACH;
    for (const [layer, { lines }] of this.#drawings) {
      for (const { geometry, properties } of lines ?? []) {
        const distance = pixelsOff(here, geometry.coordinates.map((vertex) => this.#view.pixel(vertex)));
        if (distance < least) [nearest, least] = [{ layer, id: properties.id }, distance];
      }
    }
    return nearest;
  }

  #shapes(id, features) {
    const lines = features.filter(isLine).map(({ geometry, properties }) =>
      ({ arcs: [geometry.coordinates], look: { ...LINE, stroke: this.kind(id, properties.kind)?.colour } }));
    const parts = [this.#view.lines(lines, "jt-borders"), this.#markers(id, features)];
    return { remove: () => parts.forEach((part) => part.remove()) };
  }

  #markers(id, features) {
    return this.#view.clusters(
      features.map(({ geometry, properties }) => ({
        lonLat: placeOf(geometry),
        element: pointSign(id, this.kind(id, properties.kind)),
        title: properties.name,
        onClick: () => this.#actions.onFeature(id, properties.id),
      })),
      (n) => el("span", { class: `cluster ${id}` }, count(n)),
    );
  }
}

const isLine = ({ geometry }) => geometry.type === "LineString";

/** Pixels from a place to a line. */
function pixelsOff(here, vertices) {
  const [place, ...line] = [here, ...vertices].map(({ x, y }) => [x, y]);
  return Math.min(...line.slice(1).map((to, index) => nearestOn(place, line[index], to, { x: 1, y: 1 }).distance));
}

async function allFeatures(layer, query) {
  const features = [];
  let after;
  do {
    const page = await get(`layers/${layer}`, { ...query, after });
    features.push(...page.features);
    after = page.next ?? undefined;
  } while (after);
  return features;
}
