/** A border on the move: the old line dashed, the new one solid, what changes hands hatched, and by how much in figures. */
import { Mould } from "jt/mould";
import { handedFill, HUES } from "jt/patterns";
import { signedArea, signedCount } from "jt/text";

const { gettext } = window;
export const PICKED = { stroke: "#0b5fff", weight: 4 };
const OLD = { stroke: "#16282a", weight: 2, dash: "5 5" };
const NEW = { stroke: "#0b5fff", weight: 3 };

export class Sketch {
  #map;
  #parts = [];
  #mould = null;
  #at = null;
  #growth = new Map();

  /** @param {{view: import("jt/view").View, sheet: () => import("jt/sheet").Sheet, level: () => number,
   *           bend: (mould: Mould|null, news?: number[][][]) => void}} map  bend: draws the grids as they become */
  constructor(map) {
    this.#map = map;
  }

  get shown() { return this.#parts.length > 0; }

  /** @param {{old: number[][], new: number[][]}[]} paths @param {number[]} at where the hand is @param {import("jt/sheet").Vertex[]} border */
  show(paths, at, border) {
    const { view, sheet, level } = this.#map;
    this.#remove();
    const handed = paths.map(({ old, new: path }) => sheet().handed(old, path, level())).filter(Boolean);
    const shapes = handed.map(({ ring, to }) => ({ polygons: [[ring]], look: handedFill[to ? sheet().hue(to.id, level()) % HUES.length : 0] }));
    this.#parts = [
      view.polygons(shapes, "jt-edit"),
      view.lines([
        { arcs: staying(border, paths), look: PICKED },
        { arcs: paths.map(({ old }) => old), look: OLD },
        { arcs: paths.map((path) => path.new), look: NEW },
      ], "jt-edit"),
    ];
    const olds = paths.map(({ old }) => old);
    if (!this.#mould?.fits(sheet(), olds)) this.#mould = new Mould(sheet(), olds);
    this.#map.bend(this.#mould, paths.map((path) => path.new));
    this.#at = at;
    this.#growth.clear();
    for (const { from, to, metres } of handed)
      for (const [grid, change] of [[to, metres], [from, -metres]])
        if (grid) this.#growth.set(grid, (this.#growth.get(grid) ?? 0) + change);
    this.#say();
  }

  /** Households before and after, once the server has counted them. */
  measured(measures) { if (this.#at) this.#say(measures); }

  clear() {
    this.#remove();
    this.#at = this.#mould = null;
    this.#map.bend(null);
    this.#map.view.tip(null);
  }

  #say(measures = {}) {
    const lines = [...this.#growth].map(([grid, metres]) => {
      const { before, after } = measures[grid.id] ?? {};
      const [old, now] = [before?.households, after?.households];
      const isKnown = typeof old?.value === "number" && typeof now?.value === "number";
      const households = isKnown ? signedCount(now.value - old.value, gettext("户")) || gettext("户数不变") : "";
      const isEstimate = isKnown && (old.estimated || now.estimated);
      return [`${grid.name} ${signedArea(metres)}`, households, isEstimate && gettext("估算")].filter(Boolean).join(" · ");
    });
    this.#map.view.tip(this.#at, lines);
  }

  #remove() {
    for (const part of this.#parts) part.remove();
    this.#parts = [];
  }
}

/** What stays of a border while stretches of it move. */
function staying(border, paths) {
  const moves = new Set(paths.flatMap(({ old }) => old.slice(1).flatMap((place, index) => [`${old[index]} ${place}`, `${place} ${old[index]}`])));
  const places = border.map(({ x, y }) => [x, y]);
  return places.slice(1).map((place, index) => [places[index], place]).filter(([a, b]) => !moves.has(`${a} ${b}`));
}
