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

/** Over a border that does not move, because a grid that has it is locked. */
export const FIXED = { stroke: "#1f4a4e", weight: 5, dash: "0.1 10" };

/** Pixels by which an upper border is wider than the line that is drawn over it while it moves. */
const IN_HAND = 4;

export class GridDrawing {
  #view;
  #topology = null;
  #level = 0;
  #selected = null;
  #marked = [];
  #parts = [];
  #mould = null;
  #news = [];
  #bent;

  /** Fill of a grid by what it measures, or null for the quiet fill; see jt/thematic. */
  look = () => null;

  constructor(view) {
    this.#view = view;
    this.#parts = [
      view.drawing(() => this.#topology && this.#fills()),
      view.drawing(() => this.#topology && this.#borders()),
    ];
    this.#bent = view.drawing(() => this.#mould && this.#moving());
    this.selection = view.drawing(() => this.#topology && this.#selection());
  }

  /** @param {import("jt/topology").Topology} topology */
  show(topology, level) {
    this.#topology = topology;
    this.#level = level;
    this.#mould = null;
    for (const part of [...this.#parts, this.#bent, this.selection]) part.redraw();
  }

  /**
   * Grids on both sides of a border, and those above them, as they become under the hand; without a mould all is as it was.
   * Only the first frame of a move draws the others, without them.
   * @param {import("jt/mould").Mould|null} mould @param {number[][][]} [news] what takes the places of its stretches
   */
  bend(mould, news = []) {
    const isSame = mould === this.#mould;
    if (isSame && !mould) return;
    const holds = (each) => each && [this.#selected, ...this.#marked].some((id) => each.has(id));
    const isOutlined = holds(mould) || holds(this.#mould);
    [this.#mould, this.#news] = [mould, news];
    for (const part of [...(isSame ? [] : this.#parts), this.#bent, ...(isOutlined ? [this.selection] : [])]) part.redraw();
  }

  /** Fills the grids anew. */
  repaint() { this.#parts[0].redraw(); }

  /** Outlines one grid, and marks others (candidates) with a dashed line. */
  select(id, marked = []) {
    this.#selected = id;
    this.#marked = marked;
    this.selection.redraw();
  }

  #look(grid) { return this.look(grid) ?? (gridFill[grid.kind] ?? gridFill.rural)[grid.hue % HUES.length]; }

  /** One shape a fill, not one a grid: neighbours differ in hue, so what is joined here does not touch. */
  #fills() {
    const shapes = new Map();
    for (const grid of this.#topology.grids(this.#level)) {
      if (this.#mould?.has(grid.id)) continue;
      const { polygons } = grid;
      const look = this.#look(grid);
      if (!shapes.has(look)) shapes.set(look, []);
      shapes.get(look).push(...polygons);
    }
    return this.#view.polygons([...shapes].map(([look, polygons]) => ({ polygons, look })), "jt-grids");
  }

  #borders() {
    const kept = (arcs) => (this.#mould ? this.#mould.without(arcs) : arcs);
    const lines = this.#topology.borders(this.#level).map((arcs, level) => ({ arcs: kept(arcs), look: BORDERS[level] }));
    return this.#view.lines([...lines.reverse(), { arcs: this.#topology.fixed(this.#level), look: FIXED }], "jt-borders");
  }

  /** The grids that change under the hand. Upper borders show their strength beside the line in the hand. */
  #moving() {
    const shapes = this.#topology.grids(this.#level).filter(({ id }) => this.#mould.has(id))
      .map((grid) => ({ polygons: this.#mould.polygons(grid.id, this.#news), look: this.#look(grid) }));
    const lines = this.#news.map((path, index) => ({ rank: this.#mould.ranks[index], path })).filter(({ rank }) => rank < this.#level)
      .map(({ rank, path }) => ({ arcs: [path], look: { ...BORDERS[rank], weight: BORDERS[rank].weight + IN_HAND } }));
    const parts = [this.#view.polygons(shapes, "jt-moving"), this.#view.lines(lines, "jt-moving")];
    return { remove: () => parts.forEach((part) => part.remove()) };
  }

  #selection() {
    const outline = (id, look) => {
      const grid = this.#topology.grid(id);
      const polygons = this.#mould?.has(id) ? this.#mould.polygons(id, this.#news) : grid?.polygons;
      return polygons ? [{ polygons, look }] : [];
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
