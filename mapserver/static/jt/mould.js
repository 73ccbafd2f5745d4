/**
 * Grids round a border that moves, on all levels. What stays of their rings is worked out once; at each frame the stretches
 * that move are put in between.
 */
import { box } from "jt/plane";

export class Mould {
  #olds;
  #content;
  #grids = new Map();

  /** @param {import("jt/sheet").Sheet} sheet @param {number[][][]} olds stretches of border, as they are */
  constructor(sheet, olds) {
    this.#olds = String(olds);
    this.#content = sheet.objects;
    this.edges = new Set(olds.flatMap((path) => path.slice(1).map((place, index) => sheet.edgeAt(path[index], place))).filter(Boolean));
    /** Of each stretch the highest level of which it is a border. */
    this.ranks = olds.map(([a, b]) => {
      const edge = sheet.edgeAt(a, b);
      return edge ? sheet.rank(edge) : Infinity;
    });
    const slots = directed(olds);
    for (const edge of this.edges)
      for (const id of edge.grids.keys())
        if (!this.#grids.has(id)) this.#grids.set(id, sheet.grid(id).polygons.map((rings) => rings.map((ring) => pieces(ring, slots))));
  }

  /** Whether it is a mould of these stretches, and the sheet has not changed since. */
  fits(sheet, olds) { return sheet.objects === this.#content && String(olds) === this.#olds; }

  has(id) { return this.#grids.has(id); }

  /** Lines without the edges that move. @param {number[][][]} arcs */
  without(arcs) {
    const ends = [...this.edges].flatMap(({ a, b }) => [[a.x, a.y], [b.x, b.y]]);
    const [west, south, east, north] = box([[ends]]);
    const moves = new Set([...this.edges].flatMap(({ a, b }) => [key([a.x, a.y], [b.x, b.y]), key([b.x, b.y], [a.x, a.y])]));
    const isNear = ([x, y]) => x >= west && x <= east && y >= south && y <= north;
    return arcs.flatMap((arc) => {
      if (!arc.some(isNear)) return [arc];
      const kept = [[arc[0]]];
      for (let i = 1; i < arc.length; i += 1)
        if (moves.has(key(arc[i - 1], arc[i]))) kept.push([arc[i]]);
        else kept.at(-1).push(arc[i]);
      return kept.filter((line) => line.length > 1);
    });
  }

  /** A grid with other stretches in the places of the old ones. @param {number[][][]} news @returns {number[][][][]} */
  polygons(id, news) {
    return this.#grids.get(id).map((rings) => rings.map((ring) => {
      const places = ring.flatMap((piece) => (Array.isArray(piece) ? piece : along(news[piece.path], piece.isBack)));
      return [...places, places[0]];
    }));
  }
}

const key = (a, b) => `${a} ${b}`;

/** Directed edges of stretches: where one begins, in either direction, the stretch; null for its other edges. */
function directed(olds) {
  const slots = new Map();
  olds.forEach((old, path) =>
    [old, [...old].reverse()].forEach((line, turn) =>
      line.slice(1).forEach((place, index) => slots.set(key(line[index], place), index ? null : { path, isBack: turn === 1 }))));
  return slots;
}

/** A closed ring as runs of places that stay and stretches that move. */
function pieces(ring, slots) {
  const found = [[]];
  for (let i = 1; i < ring.length; i += 1) {
    const slot = slots.get(key(ring[i - 1], ring[i]));
    if (slot) found.push(slot, []);
    else if (slot === undefined) found.at(-1).push(ring[i - 1]);
  }
  return found;
}

/** A stretch without its last place: the next piece begins there. */
const along = (path, isBack) => (isBack ? path.slice(1).reverse() : path.slice(0, -1));
