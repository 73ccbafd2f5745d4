/**
 * A draft as it is edited: every lattice point is one vertex, every stretch between two of them one edge, whatever the
 * number of grids and levels that it borders. Moving a vertex is moving it for all of them. Offers what Topology does, so
 * that the drawing and the labels take either. Knows nothing of the map library.
 *
 * @typedef {{x: number, y: number, around: Map<Vertex, Edge>}} Vertex  degrees, multiples of 1e-7
 * @typedef {{a: Vertex, b: Vertex, grids: Map<number, number>}} Edge  grids: how often each has it in its rings
 * @typedef {import("jt/topology").Grid & {rings: {vertices: Vertex[], sign: number}[]}} SheetGrid
 */
import { chains, route, walk, way } from "jt/arcs";
import { box, contains, crossSum } from "jt/plane";
import { colour } from "jt/topology";

const HUES = 7;

export class Sheet {
  #vertices = new Map();
  #grids = new Map();
  #edges = new Set();
  #hues = new Map();
  #cache = new Map();
  #names = new Map();

  /** @param {import("jt/topology").Topology} topology */
  constructor(topology) {
    for (const grid of topology.everything()) this.#put(grid);
    this.#settle();
    for (let level = 0; level < this.levels; level += 1) this.#colourAnew(level);
  }

  /** Takes over what an edit, one's own or another's, has changed. @param {{changed: object[], removed: number[]}} news */
  patch({ changed, removed }) {
    for (const id of removed) this.#drop(id);
    for (const { id } of changed) this.#drop(id);
    for (const grid of changed) this.#put(grid);
    this.#settle();
    for (let level = 0; level < this.levels; level += 1) this.#keepHuesApart(level);
  }

  get edges() { return this.#edges; }

  grid(id) { return this.#grids.get(id); }

  /** Name of a grid, also of one that has gone since. */
  nameOf(id) { return this.#names.get(id) ?? String(id); }

  levelOf(id) { return this.#grids.get(id)?.level; }

  children(id) { return [...this.#grids.values()].filter(({ parent }) => parent === id); }

  /** The grids to draw for a level: those of that level, and the undivided ones above it. */
  grids(level) {
    return this.#cached(`grids ${level}`, () => {
      const hues = this.#hues.get(level) ?? new Map();
      return this.#shown(level).map((grid) => ({ ...grid, hue: hues.get(grid.id) ?? 0 }));
    });
  }

  /** The grid of those drawn for a level in which a point lies. */
  gridAt(level, point) {
    return this.#shown(level).find(({ bbox, polygons }) => contains(bbox, polygons, point));
  }

  /** Arcs by the highest level of which they are a border, as Topology has them. */
  borders(level) {
    return this.#cached(`borders ${level}`, () => {
      const ranks = Array.from({ length: level + 1 }, () => new Set());
      for (const edge of this.#edges) ranks[this.rank(edge)]?.add(edge);
      return ranks.map((edges) => this.#lines(edges));
    });
  }

  #lines(edges) { return chains(edges).map((vertices) => vertices.map(({ x, y }) => [x, y])); }

  /** Number of the highest level of which an edge is a border. */
  rank(edge) {
    let rank = Infinity;
    for (const id of edge.grids.keys()) rank = Math.min(rank, this.#grids.get(id).level);
    return rank;
  }

  /** Whether any grid is locked. */
  get hasLocked() { return this.#cached("locked", () => [...this.#grids.values()].some(({ locked }) => locked)); }

  /** Of the borders of a level, those that do not move. @returns {number[][][]} */
  fixed(level) {
    return this.#cached(`fixed ${level}`, () => {
      const isFixed = (edge) => this.rank(edge) <= level && this.locks(edge).length > 0;
      return this.hasLocked ? this.#lines(new Set([...this.#edges].filter(isFixed))) : [];
    });
  }

  /** The locked grids, of whatever level, whose border an edge is: it does not move. @returns {SheetGrid[]} */
  locks(edge) { return [...edge.grids.keys()].map((id) => this.#grids.get(id)).filter(({ locked }) => locked); }

  /** The border of a level to which an edge belongs: from node to node of that level, or closed. @returns {Vertex[]} */
  border(edge, level) {
    return walk(edge, (each) => this.rank(each) <= level);
  }

  /** The one or two grids drawn for a level that an edge separates. */
  sides(edge, level) {
    return [...edge.grids.keys()].map((id) => this.#grids.get(id)).filter((grid) => this.#isShown(grid, level));
  }

  /** An edge of the present sheet between two places, or undefined. */
  edgeAt([ax, ay], [bx, by]) {
    const a = this.#vertices.get(`${ax},${ay}`);
    const b = this.#vertices.get(`${bx},${by}`);
    return a && b && a.around.get(b);
  }

  /** The edges of grids as they would become that are not there yet. @param {object[]} changed @returns {number[][][]} */
  newEdges(changed) {
    return changed.flatMap(({ polygons }) => polygons.flat()).flatMap((ring) =>
      ring.slice(1).map((place, index) => [ring[index], place]).filter(([a, b]) => !this.edgeAt(a, b)));
  }

  /** Arguments of a reshape or redraw put on the borders as they have become since: between the same ends, whatever lies there now. */
  onPresent(args) {
    if (args.old) return { ...args, old: this.#lineNow(args.old) };
    const paths = args.paths?.map(({ old, new: path }) => {
      const [from, to] = [old[0], old.at(-1)].map(([x, y]) => this.#vertices.get(`${x},${y}`));
      const now = from && to && route(from, to);
      return { old: now ? now.map(({ x, y }) => [x, y]) : old, new: path };
    });
    return paths ? { ...args, paths } : args;
  }

  #lineNow(old) {
    const [from, to] = [old[0], old.at(-1)].map(([x, y]) => this.#vertices.get(`${x},${y}`));
    const now = from && to && way(new Map([[from, 0]]), new Map([[to, 0]]), ({ a, b }) => Math.hypot(a.x - b.x, a.y - b.y));
    return now ? now.map(({ x, y }) => [x, y]) : old;
  }

  /** Grids of the same level that share an edge with one. @returns {Set<number>} */
  neighbours(id) {
    const { rings, level } = this.#grids.get(id);
    const found = new Set();
    for (const { vertices } of rings)
      vertices.forEach((vertex, index) => {
        const edge = vertex.around.get(vertices[(index + 1) % vertices.length]);
        for (const other of edge?.grids.keys() ?? []) if (other !== id && this.#grids.get(other).level === level) found.add(other);
      });
    return found;
  }

  /** Number of a grid's colour on a level. */
  hue(id, level) { return this.#hues.get(level)?.get(id) ?? 0; }

  /**
   * The land that changes hands where a stretch of border becomes another, between grids drawn for a level; null if none does.
   * Undefined as a grid is what lies outside the service area.
   * @param {number[][]} old @param {number[][]} path @returns {{ring: number[][], from?: SheetGrid, to?: SheetGrid, metres: number}|null}
   */
  handed(old, path, level) {
    const edge = this.edgeAt(old[0], old[1]);
    if (!edge) return null;
    const [left, right] = this.#beside(edge, old[0], level);
    if (left === right) return null;
    const ring = [...path, ...[...old].reverse(), path[0]];
    const square = 111_320 * 110_900 * Math.cos((old[0][1] * Math.PI) / 180);
    const metres = (crossSum(ring) / 2) * square;
    // Anticlockwise along the new path and back along the old one: what lies between was on the right.
    return { ring, from: metres > 0 ? right : left, to: metres > 0 ? left : right, metres: Math.abs(metres) };
  }

  /** The grids drawn for a level on the left and on the right of an edge, seen from one of its ends. */
  #beside(edge, [x, y], level) {
    const from = edge.a.x === x && edge.a.y === y ? edge.a : edge.b;
    const to = from === edge.a ? edge.b : edge.a;
    const found = [undefined, undefined];
    for (const grid of this.sides(edge, level))
      for (const { vertices, sign } of grid.rings)
        vertices.forEach((vertex, index) => {
          const next = vertices[(index + 1) % vertices.length];
          if (vertex === from && next === to) found[sign > 0 ? 0 : 1] = grid;
          else if (vertex === to && next === from) found[sign > 0 ? 1 : 0] = grid;
        });
    return found;
  }

  #isShown(grid, level) {
    return grid.level === level || (grid.level < level && !this.parents.has(grid.id));
  }

  #shown(level) {
    return this.#cached(`shown ${level}`, () => [...this.#grids.values()].filter((grid) => this.#isShown(grid, level)));
  }

  #cached(key, make) {
    if (!this.#cache.has(key)) this.#cache.set(key, make());
    return this.#cache.get(key);
  }

  #settle() {
    this.#cache.clear();
    const all = [...this.#grids.values()];
    this.levels = all.reduce((most, { level }) => Math.max(most, level), 0) + 1;
    this.objects = Array.from({ length: this.levels }, () => []);
    for (const grid of all) this.objects[grid.level].push(grid);
    this.parents = new Set(all.map(({ parent }) => parent));
    this.bbox = box(this.objects[0].flatMap(({ polygons }) => polygons));
  }

  #vertex([x, y]) {
    const key = `${x},${y}`;
    let vertex = this.#vertices.get(key);
    if (!vertex) this.#vertices.set(key, (vertex = { x, y, around: new Map() }));
    return vertex;
  }

  #put(grid) {
    const rings = grid.polygons.flatMap((rings) =>
      rings.map((ring, index) => {
        const turn = crossSum(ring) > 0 ? 1 : -1;
        return { vertices: ring.slice(0, -1).map((place) => this.#vertex(place)), sign: index === 0 ? turn : -turn };
      }));
    for (const { vertices } of rings)
      vertices.forEach((a, index) => {
        const b = vertices[(index + 1) % vertices.length];
        let edge = a.around.get(b);
        if (!edge) {
          edge = { a, b, grids: new Map() };
          a.around.set(b, edge);
          b.around.set(a, edge);
          this.#edges.add(edge);
        }
        edge.grids.set(grid.id, (edge.grids.get(grid.id) ?? 0) + 1);
      });
    this.#grids.set(grid.id, { ...grid, rings, bbox: box(grid.polygons) });
    this.#names.set(grid.id, grid.name);
  }

  #drop(id) {
    const grid = this.#grids.get(id);
    if (!grid) return;
    for (const { vertices } of grid.rings)
      vertices.forEach((a, index) => {
        const b = vertices[(index + 1) % vertices.length];
        const edge = a.around.get(b);
        if (!edge) return;
        edge.grids.delete(id);
        if (edge.grids.size) return;
        this.#edges.delete(edge);
        for (const [one, other] of [[a, b], [b, a]]) {
          one.around.delete(other);
          if (!one.around.size) this.#vertices.delete(`${one.x},${one.y}`);
        }
      });
    this.#grids.delete(id);
  }

  /** Who touches whom, of the grids drawn for a level. */
  #adjacency(level) {
    const touching = new Map(this.#shown(level).map(({ id }) => [id, new Set()]));
    for (const edge of this.#edges) {
      const [one, other] = [...edge.grids.keys()].filter((id) => touching.has(id));
      if (other === undefined) continue;
      touching.get(one).add(other);
      touching.get(other).add(one);
    }
    return touching;
  }

  #colourAnew(level) {
    const touching = this.#adjacency(level);
    const place = new Map([...touching.keys()].map((id, index) => [id, index]));
    const hues = colour([...touching.values()].map((others) => [...others].map((id) => place.get(id))));
    this.#hues.set(level, new Map([...touching.keys()].map((id, index) => [id, hues[index]])));
  }

  /** Colours stay as they are but where two neighbours would be alike. */
  #keepHuesApart(level) {
    const hues = this.#hues.get(level) ?? new Map();
    const touching = this.#adjacency(level);
    for (const id of hues.keys()) if (!touching.has(id)) hues.delete(id);
    for (const [id, others] of touching) {
      const used = new Set([...others].map((other) => hues.get(other)));
      if (hues.has(id) && !used.has(hues.get(id))) continue;
      let free = 0;
      while (used.has(free)) free += 1;
      if (free >= HUES) return this.#colourAnew(level);
      hues.set(id, free);
    }
    return this.#hues.set(level, hues);
  }
}
