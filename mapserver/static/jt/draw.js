/** Drawing a line by clicks, in one stroke, or by the keyboard (a cross-hair in the middle); it can follow streets and snap. */
import { post } from "jt/api";
import { notify, reach } from "jt/dom";
import { onLattice, simplified } from "jt/plane";
import { strokes } from "jt/stroke";

const LOOK = { stroke: "#0b5fff", weight: 3 };
const LOOSE = { stroke: "#0b5fff", weight: 2, dash: "4 6" };
const CLOSE = 12;
const SMOOTH = 1.5;

export class Draw {
  #view;
  #snap;
  #on;
  #segments = [];
  #start = null;
  #drawn = null;
  #loose = null;
  #freehand = false;
  #wait = Promise.resolve();
  active = false;
  trace = false;

  /**
   * @param {import("jt/view").View} view
   * @param {import("jt/snap").Snap} snap
   * @param {{onEnd: (line: number[][], closed: boolean) => void, onChange: (line: number[][], isStroke?: boolean) => void}} on
   */
  constructor(view, snap, on) {
    this.#view = view;
    this.#snap = snap;
    this.#on = on;
    view.element.addEventListener("keydown", (event) => this.#key(event), true);
    strokes(view.element, {
      isOn: () => this.active && this.#freehand,
      onMove: (pixels) => this.#stretch([...this.#before(pixels), ...pixels.map((pixel) => view.place(pixel))], LOOK),
      onEnd: (pixels) => this.#endStroke(pixels),
    });
  }

  get points() { return this.#start ? [this.#start, ...this.#segments.flat()] : []; }

  /** Whether a line is drawn in one stroke; the map does not move under the hand then. */
  get freehand() { return this.#freehand; }

  set freehand(on) {
    this.#freehand = on;
    this.#hold();
  }

  begin() {
    this.cancel();
    this.active = true;
    this.#view.setDoubleClickZoom(false);
    this.#view.element.classList.add("drawing");
    this.#hold();
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
    this.#view.setDoubleClickZoom(true);
    this.#view.element.classList.remove("drawing");
    this.#hold();
  }

  /** Adds a vertex; one put onto the first closes the line. */
  add(place) {
    this.#wait = this.#wait.then(() => this.#add(place));
    return this.#wait;
  }

  async #add(place) {
    if (this.#start && this.points.length > 2 && this.#apart(place, this.#start) < reach(CLOSE)) {
      await this.#extend(this.#start);
      return this.#finish();
    }
    const to = onLattice(this.#snap.near(place));
    if (this.#start) await this.#extend(to);
    else this.#start = to;
    this.#on.onChange(this.points);
    return this.#redraw();
  }

  point(place) {
    if (this.#start) this.#stretch([this.points.at(-1), this.#snap.near(place)], LOOSE);
  }

  back() {
    if (this.#segments.length) this.#segments.pop();
    else this.#start = null;
    this.#on.onChange(this.points);
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
    this.#on.onEnd(points, closed);
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
        notify("");
      } catch (error) {
        notify(error.message);
      }
    }
    this.#segments.push(segment);
  }

  /** What has been drawn before a stroke: it goes on where that ends, or takes its place. */
  #before(pixels) {
    const { points } = this;
    return points.length && this.#apart(this.#view.place(pixels[0]), points.at(-1)) < reach(CLOSE) ? points : [];
  }

  /** A stroke that comes back to where the line began closes it. The line is not ended: what comes of it is to be seen first. */
  #endStroke(pixels) {
    this.#loose?.remove();
    if (!pixels) return;
    if (!this.#before(pixels).length) this.cancel();
    const places = simplified(pixels, SMOOTH).map((pixel) => this.#view.place(pixel));
    const [first, ...rest] = places;
    const begin = this.#start ?? onLattice(this.#snap.near(first));
    const end = places.at(-1);
    const isClosed = places.length > 3 && this.#apart(end, begin) < reach(CLOSE);
    const inner = (this.#start ? places : rest).slice(0, -1).map(onLattice);
    this.#start = begin;
    this.#segments.push([...inner, isClosed ? begin : onLattice(this.#snap.near(end))]);
    this.#on.onChange(this.points, true);
    this.#redraw();
  }

  #apart(a, b) {
    const [p, q] = [this.#view.pixel(a), this.#view.pixel(b)];
    return Math.hypot(p.x - q.x, p.y - q.y);
  }

  #hold() { this.#view.setPanning(!(this.active && this.#freehand)); }

  #stretch(line, look) {
    this.#loose?.remove();
    this.#loose = this.#view.lines([{ arcs: [line], look }], "jt-edit");
  }

  #redraw() {
    this.#drawn?.remove();
    this.#loose?.remove();
    this.#drawn = this.#loose = null;
    this.#view.element.classList.toggle("has-line", this.points.length > 1);
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
    else if (event.key === "Enter" && this.points.length > 1) this.end();
    else if (event.key === "Backspace") this.back();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
