/** What came of an edit, as objects on the map: faults with numbers, both sides of a conflict, broken rules, a past step. */
import { el } from "jt/dom";

const MINE = { stroke: "#0b5fff", weight: 3, dash: "7 5" };
const THEIRS = { stroke: "#b3261e", weight: 3 };
const FAULT = { stroke: "#b3261e", weight: 4 };
const BEFORE = { stroke: "#b3261e", weight: 3, dash: "6 5" };
const AFTER = { stroke: "#0b5a5e", weight: 3 };
const SKETCH = { stroke: "#0b5fff", weight: 3 };

export class Outcome {
  #view;
  #drawings = [];

  constructor(view) {
    this.#view = view;
  }

  clear() {
    for (const drawing of this.#drawings) drawing.stop();
    this.#drawings = [];
  }

  /** Lines waiting for the rest of an operation. */
  sketch(lines, filled = false) {
    this.clear();
    this.#lines(lines, SKETCH);
    if (filled) this.#add(() => this.#view.polygons([{ polygons: lines.map((ring) => [ring]), look: { fill: "#0b5fff", opacity: 0.15 } }], "jt-edit"));
  }

  /** @param {object|null} where FeatureCollection of numbered points and lines @param {(number: number) => void} onPin */
  faults(where, onPin) {
    for (const { geometry, properties } of where?.features ?? []) {
      if (!geometry) continue;
      this.#lines(linesOf(geometry), FAULT);
      const number = properties?.number;
      if (number)
        this.#add(() => this.#view.marker(middle(geometry), el("span", { class: "pin" }, String(number)), {
          title: String(number), onClick: () => onPin(number),
        }));
    }
  }

  /** One's own attempts dashed, what the others made of it solid. */
  conflict(where, sheet, ...attempts) {
    this.#lines((where?.features ?? []).flatMap(({ geometry }) => linesOf(geometry)), THEIRS);
    this.#lines(attempts.flatMap((attempt) => linesOfAttempt(attempt, sheet)), MINE);
  }

  /** What a stroke comes to: the line that it takes the place of, the land between, and the borders that are new. */
  foresee({ old, new: path }, edges) {
    this.#lines([old], BEFORE);
    this.#add(() => this.#view.polygons([{ polygons: [[[...old, ...[...path].reverse()]]], look: { fill: SKETCH.stroke, opacity: 0.15 } }], "jt-edit"));
    this.#lines(edges, { ...SKETCH, weight: 2 });
  }

  /** A pin where a rule is broken. */
  rules(broken, onPin) {
    for (const [index, rule] of broken.entries())
      this.#add(() => this.#view.marker(rule.label, el("span", { class: "pin rule" }, String(index + 1)), {
        title: `${index + 1} ${rule.name}`, onClick: () => onPin(index + 1),
      }));
  }

  /** A step of the history: as it was dashed, as it became solid. */
  showStep({ before, after, bbox }) {
    this.clear();
    this.#lines(before.features.flatMap(({ geometry }) => linesOf(geometry)), BEFORE);
    this.#lines(after.features.flatMap(({ geometry }) => linesOf(geometry)), AFTER);
    if (bbox) this.#view.fit(bbox, { maxZoom: 16 });
  }

  look(geometry) { this.#view.bring(middle(geometry), Math.max(16, this.#view.zoom)); }

  #lines(arcs, look) {
    if (arcs.length) this.#add(() => this.#view.lines([{ arcs, look }], "jt-edit"));
  }

  #add(draw) { this.#drawings.push(this.#view.drawing(draw)); }
}

/** All lines of a geometry, outlines of polygons included. */
export function linesOf({ type, coordinates, geometries }) {
  if (type === "LineString") return [coordinates];
  if (type === "MultiLineString" || type === "Polygon") return coordinates;
  if (type === "MultiPolygon") return coordinates.flat();
  return (geometries ?? []).flatMap(linesOf);
}

/** What was drawn; where nothing was, the outlines of the grids that were chosen. */
function linesOfAttempt({ args }, sheet) {
  const drawn = [...(args.old ? [args.new] : []), ...(args.paths ?? []).map((path) => path.new), ...(args.lines ?? []), ...(args.ring ? [args.ring] : [])];
  if (drawn.length) return drawn;
  return [args.grid, ...(args.grids ?? [])].map((id) => sheet.grid(id)).filter(Boolean).flatMap(({ polygons }) => polygons.flat());
}

function middle(geometry) {
  if (geometry.type === "Point") return geometry.coordinates;
  const line = linesOf(geometry)[0] ?? [geometry.coordinates.flat(Infinity).slice(0, 2)];
  return line[Math.floor(line.length / 2)];
}
