/** What a drawn point is pulled to: vertices before lines; of the plan, of the streets, of the walls of buildings. */
import { get } from "jt/api";
import { nearestOn } from "jt/plane";

const REACH = 10;
const STREETS_FROM = 14;
const WALLS_FROM = 17;
const STREET = { stroke: "#b08a52", weight: 1 };
const WALL = { stroke: "#5f6b6d", weight: 0.8 };

export class Snap {
  #view;
  #sheet;
  #around = null;
  on = true;

  /** @param {import("jt/view").View} view @param {() => import("jt/sheet").Sheet} sheet */
  constructor(view, sheet) {
    this.#view = view;
    this.#sheet = sheet;
  }

  /** The vertex or line that is near enough; else the place itself. @param {import("jt/sheet").Vertex} [but] with its edges left out */
  near(place, but) {
    if (!this.on) return place;
    const degree = this.#view.degree();
    const reach = [REACH / degree.x, REACH / degree.y];
    let vertex = { distance: REACH };
    let line = { distance: REACH };
    const look = ([ax, ay], [bx, by]) => {
      if (Math.min(ax, bx) - reach[0] > place[0] || Math.max(ax, bx) + reach[0] < place[0]) return;
      if (Math.min(ay, by) - reach[1] > place[1] || Math.max(ay, by) + reach[1] < place[1]) return;
      for (const end of [[ax, ay], [bx, by]]) {
        const distance = Math.hypot((end[0] - place[0]) * degree.x, (end[1] - place[1]) * degree.y);
        if (distance < vertex.distance) vertex = { place: end, distance };
      }
      const near = nearestOn(place, [ax, ay], [bx, by], degree);
      if (near.distance < line.distance) line = near;
    };
    for (const { a, b } of this.#sheet().edges) if (a !== but && b !== but) look([a.x, a.y], [b.x, b.y]);
    for (const way of this.#around?.lines ?? []) for (let i = 1; i < way.length; i += 1) look(way[i - 1], way[i]);
    return vertex.place ?? line.place ?? place;
  }

  /** Fetches and shows the lines in sight: whoever is to follow them has to see them. */
  async lookAround() {
    if (this.#view.zoom < STREETS_FROM) return this.clear();
    const bbox = this.#view.bbox.join(",");
    if (this.#around?.bbox === bbox) return undefined;
    const lines = (path) => get(path, { bbox }).then(({ features }) => features.flatMap(outlines), () => []);
    const wanted = Symbol(bbox);
    this.#wanted = wanted;
    const [streets, walls] = await Promise.all([lines("streets"), this.#view.zoom < WALLS_FROM ? [] : lines("buildings")]);
    if (this.#wanted !== wanted) return undefined;
    this.clear();
    const drawn = this.#view.drawing(() =>
      this.#view.lines([{ arcs: walls, look: WALL }, { arcs: streets, look: STREET }], "jt-selection"));
    this.#around = { bbox, lines: [...streets, ...walls], drawn };
    return undefined;
  }

  #wanted = null;

  clear() {
    this.#wanted = null;
    this.#around?.drawn.stop();
    this.#around = null;
  }
}

function outlines({ geometry: { type, coordinates } }) {
  if (type === "LineString") return [coordinates];
  if (type === "MultiLineString" || type === "Polygon") return coordinates;
  return type === "MultiPolygon" ? coordinates.flat() : [];
}
