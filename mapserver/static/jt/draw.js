/** Drawing a line by clicks, by fingers, or by the keyboard (a cross-hair in the middle); it can follow streets and snap. */
import { get, post } from "jt/api";
import { notify } from "jt/dom";
import { nearestOn, onLattice } from "jt/plane";

const LOOK = { stroke: "#0b5fff", weight: 3 };
const LOOSE = { stroke: "#0b5fff", weight: 2, dash: "4 6" };
const STREET = { stroke: "#8a5200", weight: 1.2 };
const CLOSE = 12;
const SNAP = 10;

export class Draw {
  #view;
  #sheet;
  #onEnd;
  #segments = [];
  #start = null;
  #drawn = null;
  #loose = null;
  #streets = null;
  #wait = Promise.resolve();
  active = false;
  snap = true;
  trace = false;

  /** @param {(line: number[][], closed: boolean) => void} onEnd */
  constructor(view, sheet, onEnd) {
    this.#view = view;
    this.#sheet = sheet;
    this.#onEnd = onEnd;
    view.element.addEventListener("keydown", (event) => this.#key(event), true);
  }

  get points() { return this.#start ? [this.#start, ...this.#segments.flat()] : []; }

  begin() {
    this.cancel();
    this.active = true;
    this.#view.setDoubleClickZoom(false);
    this.#view.element.classList.add("drawing");
  }

  /** Away with what has been drawn so far. @returns {boolean} whether there was any */
  cancel() {
    const was = Boolean(this.#start);
    this.#start = null;
    this.#segments = [];
    this.#redraw();
    return was;
  }

  leave() {
    this.cancel();
    this.active = false;
    this.#showStreets(null);
    this.#view.setDoubleClickZoom(true);
    this.#view.element.classList.remove("drawing");
  }

  /** Adds a vertex; one put onto the first closes the line. */
  add(place) {
    this.#wait = this.#wait.then(() => this.#add(place));
    return this.#wait;
  }

  async #add(place) {
    if (this.#start && this.points.length > 2 && this.#apart(place, this.#start) < CLOSE) {
      await this.#extend(this.#start);
      return this.#finish();
    }
    const to = onLattice(this.#snapped(place));
    if (this.#start) await this.#extend(to);
    else this.#start = to;
    return this.#redraw();
  }

  point(place) {
    if (!this.#start) return;
    this.#loose?.remove();
    this.#loose = this.#view.lines([{ arcs: [[this.points.at(-1), this.#snapped(place)]], look: LOOSE }], "jt-edit");
  }

  back() {
    if (this.#segments.length) this.#segments.pop();
    else this.#start = null;
    this.#redraw();
  }

  /** Ends the line: double click, Enter, or the button. */
  end() {
    this.#wait = this.#wait.then(() => this.#finish());
    return this.#wait;
  }

  #finish() {
    const points = this.points.filter((point, index, all) => index === 0 || String(point) !== String(all[index - 1]));
    if (points.length < 2) return;
    const closed = String(points[0]) === String(points.at(-1)) && points.length > 3;
    this.cancel();
    this.#onEnd(points, closed);
  }

  async #extend(to) {
    const from = this.points.at(-1);
    if (String(from) === String(to)) return;
    let segment = [to];
    if (this.trace) {
      try {
        const { path } = await post("streets/trace", { points: [from, to] });
        segment = path.slice(1).map(onLattice);
        // The way begins on the street nearest to the click.
        if (!this.#segments.length) this.#start = onLattice(path[0]);
      } catch (error) {
        notify(error.message);
      }
    }
    this.#segments.push(segment);
  }

  #apart(a, b) {
    const [p, q] = [this.#view.pixel(a), this.#view.pixel(b)];
    return Math.hypot(p.x - q.x, p.y - q.y);
  }

  /** The vertex, border or street that is near enough; else the place itself. */
  #snapped(place) {
    if (!this.snap) return place;
    const degree = this.#view.degree();
    const reach = [SNAP / degree.x, SNAP / degree.y];
    let vertex = { distance: SNAP };
    let line = { distance: SNAP };
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
    for (const { a, b } of this.#sheet().edges) look([a.x, a.y], [b.x, b.y]);
    for (const way of this.#streets?.lines ?? []) for (let i = 1; i < way.length; i += 1) look(way[i - 1], way[i]);
    return vertex.place ?? line.place ?? place;
  }

  /** Fetches the streets in sight, to snap to. */
  async lookAround() {
    if (!this.active || !(this.snap || this.trace) || this.#view.zoom < 14) return this.#showStreets(null);
    const bbox = this.#view.bbox.join(",");
    if (this.#streets?.bbox === bbox) return;
    const found = await get("streets", { bbox }).catch(() => ({ features: [] }));
    const lines = found.features.flatMap(({ geometry: { type, coordinates } }) => (type === "LineString" ? [coordinates] : coordinates));
    return this.#showStreets({ bbox, lines });
  }

  /** Streets are shown while a line is drawn: whoever is to follow them has to see them. */
  #showStreets(streets) {
    this.#streets?.drawn?.stop();
    this.#streets = streets;
    if (streets?.lines.length && this.active)
      streets.drawn = this.#view.drawing(() => this.#view.lines([{ arcs: streets.lines, look: STREET }], "jt-selection"));
  }

  #redraw() {
    this.#drawn?.remove();
    this.#loose?.remove();
    this.#drawn = this.#loose = null;
    if (!this.#start) return;
    const parts = [
      this.#view.lines([{ arcs: [this.points], look: LOOK }], "jt-edit"),
      this.#view.dots(this.points, "jt-edit"),
    ];
    this.#drawn = { remove: () => parts.forEach((part) => part.remove()) };
  }

  #key(event) {
    if (!this.active || event.target !== this.#view.element) return;
    if (event.key === " ") this.add(this.#view.centre);
    else if (event.key === "Enter") this.end();
    else if (event.key === "Backspace") this.back();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
