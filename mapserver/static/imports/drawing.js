/** The grids and the defects of an import on the map. */
import { el } from "jt/dom";
import { defectColour, defectFill } from "jt/patterns";
import { createView } from "jt/view";
import { kindName } from "./words.js";

const GRID = { fill: "#0b5a5e", opacity: 0.08 };
const CHANGED = { fill: "#e69f00", opacity: 0.35 };
const AMBER = { fill: "#8a5200", opacity: 0.25 };
const BORDER = { stroke: "#35585b", weight: 0.6 };
const UPPER = [{ stroke: "#16282a", weight: 2 }, { stroke: "#16282a", weight: 1.2 }, { stroke: "#35585b", weight: 0.9 }];
const MOST_PINS = 200;

export class Drawing {
  #view = createView();
  #drawn = [];
  #pins = new Map();
  #onPick;

  /** @param {(number: number) => void} onPick called with the number of the defect whose pin was chosen */
  constructor(onPick) {
    this.#onPick = onPick;
    this.#view.setBase({ url: "", datum: this.#view.datum });
  }

  clear() {
    this.#drawn.forEach((part) => part.remove());
    this.#drawn = [];
    this.#pins.clear();
  }

  /** @param {{level_names: string[], grids: object, defects: object}} preview */
  show({ level_names: names, grids, defects }) {
    this.clear();
    this.#view.resized();
    const leaf = names.length - 1;
    const features = grids.features;
    const shapes = features
      .filter(({ properties }) => properties.level === leaf)
      .map(({ geometry, properties }) => ({
        polygons: polygons(geometry), look: { ...(properties.changed ? CHANGED : GRID), ...BORDER },
      }));
    this.#drawn.push(this.#view.polygons(shapes, "jt-grids"));
    const borders = features
      .filter(({ properties }) => properties.level < leaf)
      .sort((a, b) => b.properties.level - a.properties.level)
      .map(({ geometry, properties }) => ({ arcs: polygons(geometry).flat(), look: UPPER[properties.level - 1] ?? BORDER }));
    if (borders.length) this.#drawn.push(this.#view.lines(borders, "jt-borders"));
    this.#defects(defects.features.filter(({ geometry }) => geometry));
    const all = box(features.map(({ geometry }) => geometry));
    if (all) this.#view.fit(all);
  }

  /** Looks at a defect, and marks its pin. */
  look(feature) {
    if (feature.geometry && !this.#pins.has(feature.id)) this.#pin(feature);
    this.#pins.forEach((pin, number) => pin.classList.toggle("chosen-pin", number === feature.id));
    if (feature.geometry) this.#view.fit(box([feature.geometry]), { maxZoom: 19 });
  }

  #defects(features) {
    const look = (kind) => ({ ...(defectFill[kind] ?? AMBER), stroke: defectColour[kind] ?? "#8a5200", weight: 2 });
    const shapes = features.map(({ geometry, properties: { kind } }) => ({ polygons: polygons(geometry), arcs: lines(geometry), look: look(kind) }));
    this.#drawn.push(this.#view.polygons(shapes, "jt-selection"), this.#view.lines(shapes, "jt-selection"));
    features.filter(({ id }) => id <= MOST_PINS).forEach((feature) => this.#pin(feature));
  }

  #pin({ id, properties: { kind, lon, lat } }) {
    const pin = el("span", { class: `pin ${kind}` }, String(id));
    this.#pins.set(id, pin);
    const title = `${id} ${kindName(kind)}`;
    this.#drawn.push(this.#view.marker([lon, lat], pin, { title, onClick: () => this.#onPick(id) }));
  }
}

function polygons({ type, coordinates, geometries }) {
  if (type === "Polygon") return [coordinates];
  if (type === "MultiPolygon") return coordinates;
  return (geometries ?? []).flatMap(polygons);
}

function lines({ type, coordinates, geometries }) {
  if (type === "LineString") return [coordinates];
  if (type === "MultiLineString") return coordinates;
  return (geometries ?? []).flatMap(lines);
}

/** West, south, east, north of some geometries; null of none. */
function box(geometries) {
  const bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const geometry of geometries) {
    for (const line of [...polygons(geometry).flat(), ...lines(geometry)]) {
      for (const [lon, lat] of line) {
        bounds[0] = Math.min(bounds[0], lon);
        bounds[1] = Math.min(bounds[1], lat);
        bounds[2] = Math.max(bounds[2], lon);
        bounds[3] = Math.max(bounds[3], lat);
      }
    }
  }
  return bounds[0] === Infinity ? null : bounds;
}
