/** Grids of two versions on the map, the land between them, and pins. */
import { el } from "jt/dom";
import { createView } from "jt/view";

const LAND = { fill: "#e69f00", opacity: 0.45 };
const BEFORE = { stroke: "#4a5f61", weight: 1.5, dash: "5 4" };
const AFTER = { stroke: "#0b5a5e", weight: 2.2 };
const CONTEXT = { fill: "#0b5a5e", opacity: 0.06, stroke: "#35585b", weight: 0.8 };
const SIDES = { mine: { fill: "#0072b2", opacity: 0.25, stroke: "#0072b2", weight: 2 }, theirs: { fill: "#d55e00", opacity: 0.2, stroke: "#d55e00", weight: 2, dash: "6 4" } };
const MOST_PINS = 200;

export class Drawing {
  view = createView();
  #drawn = [];
  #pins = [];
  #clash = [];

  constructor() {
    this.view.setBase({ url: "", datum: this.view.datum });
  }

  /** Upper grids, to see where one is. */
  context(features) {
    this.view.polygons(features.map(({ geometry }) => ({ polygons: polygons(geometry), look: CONTEXT })), "jt-grids");
    this.fit(features);
  }

  compare({ outlines, land }) {
    this.#clear(this.#drawn);
    const rings = (side) => outlines.features
      .filter(({ properties }) => properties.side === side)
      .flatMap(({ geometry }) => polygons(geometry).flat());
    // Each edge once: dashes of two neighbours, drawn one way and the other, would fill each other's gaps.
    const drawn = new Set();
    const after = runs(rings("after"), drawn);
    const before = runs(rings("before"), drawn);
    this.#drawn.push(
      this.view.polygons(land.features.map(({ geometry }) => ({ polygons: polygons(geometry), look: LAND })), "jt-grids"),
      this.view.lines([{ arcs: before, look: BEFORE }, { arcs: after, look: AFTER }], "jt-borders"),
    );
    this.fit(outlines.features);
  }

  clash(features) {
    this.#clear(this.#clash);
    for (const side of ["theirs", "mine"]) {
      const shapes = features.filter(({ properties }) => properties.side === side)
        .map(({ geometry }) => ({ polygons: polygons(geometry), look: SIDES[side] }));
      this.#clash.push(this.view.polygons(shapes, "jt-selection"));
    }
    this.fit(features);
  }

  /** @param {{place: [number, number], text: string, kind: string, title: string, onClick?: function}[]} pins */
  pins(pins) {
    this.#clear(this.#pins);
    this.#pins = pins.slice(0, MOST_PINS).map(({ place, text, kind, title, onClick }) =>
      this.view.marker(place, el("span", { class: `pin ${kind}` }, text), { title, onClick }));
  }

  fit(features) {
    const all = box(features.map(({ geometry }) => geometry));
    if (all) this.view.fit(all);
  }

  #clear(parts) {
    parts.forEach((part) => part.remove());
    parts.length = 0;
  }
}

/** Rings as lines that go along each edge once, and along none that is in `drawn` already. */
function runs(rings, drawn) {
  const lines = [];
  for (const ring of rings) {
    let line = null;
    for (let i = 1; i < ring.length; i += 1) {
      const ends = [String(ring[i - 1]), String(ring[i])].sort().join(" ");
      if (drawn.has(ends)) {
        line = null;
        continue;
      }
      drawn.add(ends);
      if (line) line.push(ring[i]);
      else lines.push((line = [ring[i - 1], ring[i]]));
    }
  }
  return lines;
}

export function polygons({ type, coordinates, geometries }) {
  if (type === "Polygon") return [coordinates];
  if (type === "MultiPolygon") return coordinates;
  return (geometries ?? []).flatMap(polygons);
}

function box(geometries) {
  const bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [lon, lat] of geometries.flatMap((one) => polygons(one).flat(2))) {
    bounds[0] = Math.min(bounds[0], lon);
    bounds[1] = Math.min(bounds[1], lat);
    bounds[2] = Math.max(bounds[2], lon);
    bounds[3] = Math.max(bounds[3], lat);
  }
  return bounds[0] === Infinity ? null : bounds;
}
