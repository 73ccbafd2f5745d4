/** Draws a plan: quiet fills that tell neighbours apart, each border once, and what is selected. */
import { gridFill, HUES } from "jt/patterns";

/** County heavy and dark, township strong, village medium, grid thin; by levels from the top. */
export const BORDERS = [
  { stroke: "#102a2c", weight: 3.6 },
  { stroke: "#23484b", weight: 2.2 },
  { stroke: "#4f7275", weight: 1.3 },
  { stroke: "#7f9a9c", weight: 0.8 },
  { stroke: "#9fb3b4", weight: 0.6 },
];

export class GridDrawing {
  #view;
  #topology = null;
  #level = 0;
  #selected = null;
  #marked = [];
  #parts = [];

  /** Fill of a grid by what it measures, or null for the quiet fill; see jt/thematic. */
  look = () => null;

  constructor(view) {
    this.#view = view;
    this.#parts = [
      view.drawing(() => this.#topology && this.#fills()),
      view.drawing(() => this.#topology && this.#borders()),
    ];
    this.selection = view.drawing(() => this.#topology && this.#selection());
  }

  /** @param {import("jt/topology").Topology} topology */
  show(topology, level) {
    this.#topology = topology;
    this.#level = level;
    for (const part of this.#parts) part.redraw();
    this.selection.redraw();
  }

  /** Fills the grids anew. */
  repaint() { this.#parts[0].redraw(); }

  /** Outlines one grid, and marks others (candidates) with a dashed line. */
  select(id, marked = []) {
    this.#selected = id;
    this.#marked = marked;
    this.selection.redraw();
  }

  /** One shape a fill, not one a grid: neighbours differ in hue, so what is joined here does not touch. */
  #fills() {
    const shapes = new Map();
    for (const grid of this.#topology.grids(this.#level)) {
      const { polygons, kind, hue } = grid;
      const look = this.look(grid) ?? (gridFill[kind] ?? gridFill.rural)[hue % HUES.length];
      if (!shapes.has(look)) shapes.set(look, []);
      shapes.get(look).push(...polygons);
    }
    return this.#view.polygons([...shapes].map(([look, polygons]) => ({ polygons, look })), "jt-grids");
  }

  #borders() {
    const lines = this.#topology.borders(this.#level).map((arcs, level) => ({ arcs, look: BORDERS[level] }));
    return this.#view.lines(lines.reverse(), "jt-borders");
  }

  #selection() {
    const outline = (id, look) => {
      const grid = this.#topology.grid(id);
      return grid ? [{ polygons: grid.polygons, look }] : [];
    };
    return this.#view.polygons(
      [
        ...this.#marked.flatMap((id) => outline(id, { stroke: "#8a5200", weight: 3, dash: "6 5" })),
        ...outline(this.#selected, { stroke: "#ffffff", weight: 7 }),
        ...outline(this.#selected, { stroke: "#0b5a5e", weight: 4, fill: "#0b5a5e", opacity: 0.12 }),
      ],
      "jt-selection",
    );
  }
}
