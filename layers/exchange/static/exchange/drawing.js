/** The good points and the rejected rows of an import on the map. */
import { el } from "jt/dom";
import { fill } from "jt/text";
import { createView } from "jt/view";

const { gettext } = window;
const GOOD = { fill: "#0b5a5e", opacity: 0.9, stroke: "#ffffff", weight: 1.5 };
const OUTSIDE = { fill: "#e69f00", opacity: 1, stroke: "#5c3700", weight: 1.5 };
const GRID = { fill: "#0b5a5e", opacity: 0.06, stroke: "#35585b", weight: 1 };
const MOST_PINS = 200;
const AROUND = 0.002;

export class Drawing {
  #view = createView();
  #drawn = [];
  #pins = new Map();
  #onPick;

  /** @param {(line: number) => void} onPick called with the line of the rejected row whose pin was chosen */
  constructor(onPick) {
    this.#onPick = onPick;
    this.#view.setBase({ url: "", datum: this.#view.datum });
  }

  clear() {
    this.#drawn.forEach((part) => part.remove());
    this.#drawn = [];
    this.#pins.clear();
  }

  /** @param {object} points GeoJSON @param {object[]} rejected rows; those whose place is known are drawn */
  show({ features, grids }, rejected) {
    this.clear();
    this.#view.resized();
    const polygons = ({ type, coordinates }) => (type === "Polygon" ? [coordinates] : coordinates);
    this.#drawn.push(this.#view.polygons(grids.map((grid) => ({ polygons: polygons(grid), look: GRID })), "jt-grids"));
    const places = (outside) =>
      features.filter(({ properties }) => properties.outside === outside).map(({ geometry }) => geometry.coordinates);
    this.#drawn.push(this.#view.dots(places(false), "jt-selection", GOOD), this.#view.dots(places(true), "jt-selection", OUTSIDE));
    const placed = rejected.filter(({ lon }) => lon !== null);
    placed.slice(0, MOST_PINS).forEach((row) => this.#pin(row));
    const all = [...features.map(({ geometry }) => geometry.coordinates), ...placed.map(({ lon, lat }) => [lon, lat])];
    if (all.length) this.#view.fit(box(all));
  }

  /** Looks at a place, and marks its pin. */
  look({ line, lon, lat }) {
    this.#pins.forEach((pin, number) => pin.classList.toggle("chosen-pin", number === line));
    this.#view.fit([lon - AROUND, lat - AROUND, lon + AROUND, lat + AROUND]);
  }

  #pin({ line, lon, lat }) {
    if (this.#pins.has(line)) return;
    const pin = el("span", { class: "pin rejected" }, String(line));
    this.#pins.set(line, pin);
    const title = fill(gettext("第 {n} 行不能载入"), { n: line });
    this.#drawn.push(this.#view.marker([lon, lat], pin, { title, onClick: () => this.#onPick(line) }));
  }
}

/** West, south, east, north, with some room. */
function box(places) {
  const bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [lon, lat] of places) {
    bounds[0] = Math.min(bounds[0], lon - AROUND);
    bounds[1] = Math.min(bounds[1], lat - AROUND);
    bounds[2] = Math.max(bounds[2], lon + AROUND);
    bounds[3] = Math.max(bounds[3], lat + AROUND);
  }
  return bounds;
}
