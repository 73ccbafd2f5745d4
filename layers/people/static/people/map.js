/** The map beside the lists: the plan in force in the background, and what a list is about, numbered as in the table. */
import { byId, el } from "jt/dom";
import { fill } from "jt/text";
import { createView } from "jt/view";
import { drawPlan } from "./plan.js";

const { gettext } = window;
const LISTED = { fill: "#e69f00", opacity: 0.35, stroke: "#8a5200", weight: 2 };
const LINE = { stroke: "#8a5200", weight: 5 };
const MOST_PINS = 300;
const TOWNS = [1];

export class PeopleMap {
  #view = createView();
  #drawn = [];
  #onPin;

  /** @param {(number: number) => void} onPin called with the number of the pin that was chosen */
  constructor(onPin) {
    this.#onPin = onPin;
    this.#view.setBase({ url: "", datum: this.#view.datum });
  }

  /** Townships of the plan in force, to see where one is. */
  async context() {
    await drawPlan(this.#view, TOWNS);
    byId("map").dataset.ready = "true";
  }

  /** @param {object[]} rows of a list @param {object[]} people whose base places are dots */
  show(rows, people) {
    for (const part of this.#drawn) part.remove();
    const shapes = rows.map(({ geometry }) => geometry).filter(Boolean);
    const areas = shapes.map(polygons).filter(({ length }) => length);
    const lines = shapes.filter(({ type }) => type === "LineString").map(({ coordinates }) => coordinates);
    this.#drawn = [
      this.#view.polygons(areas.map((one) => ({ polygons: one, look: LISTED })), "jt-grids"),
      this.#view.lines([{ arcs: lines, look: LINE }], "jt-selection"),
      this.#view.dots(people.map(({ at }) => at).filter(Boolean), "jt-selection"),
      ...rows.slice(0, MOST_PINS).flatMap((row, index) => this.#places(row).map((at) => this.#pin({ ...row, at }, index + 1))),
    ];
  }

  /** Brings a list into sight: all of it, but no closer than a township. */
  fit(rows) {
    const places = rows.map(({ at }) => at).filter(Boolean);
    const [lons, lats] = [0, 1].map((axis) => places.map((place) => place[axis]));
    if (places.length) this.#view.fit([Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)], { maxZoom: 13 });
  }

  look({ at }) {
    if (at) this.#view.look(at, 14);
  }

  /** Where a row stands: one place, or each of the grids that somebody holds. */
  #places({ at, held }) {
    if (held?.length) return held.map((grid) => grid.at);
    return at ? [at] : [];
  }

  #pin({ at, grid, post, outlet, staff, text }, number) {
    const name = (grid ?? post ?? outlet ?? staff)?.name ?? "";
    return this.#view.marker(at, el("span", { class: "pin" }, String(number)), {
      title: fill(gettext("{n}. {name}: {text}"), { n: number, name, text }),
      onClick: () => this.#onPin(number),
    });
  }
}

function polygons({ type, coordinates }) {
  if (type === "Polygon") return [coordinates];
  return type === "MultiPolygon" ? coordinates : [];
}
