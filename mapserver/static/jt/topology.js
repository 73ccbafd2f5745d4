/**
 * A plan's grids as shared arcs: what each level consists of, its borders (each once), who touches whom, and what lies
 * at a point. Coordinates are the stored ones: multiples of 1e-7 degree, CGCS2000 longitude and latitude.
 *
 * @typedef {{id: number, level: number, code: string, name: string, kind: string, parent: number|null,
 *            locked?: boolean, label: [number, number], polygons: number[][][][], bbox: number[], hue: number}} Grid
 */
import "topojson-client";

const { feature, neighbors } = self.topojson;

export class Topology {
  /** @param {object} topojson as GET /api/plans/{id}/topology gives it */
  constructor(topojson) {
    this.arcs = decodeArcs(topojson);
    this.bbox = topojson.bbox;
    const absolute = { type: "Topology", arcs: this.arcs };
    this.objects = Object.keys(topojson.objects)
      .sort()
      .map((name) => topojson.objects[name].geometries);
    this.parents = new Set(this.objects.flat().map((geometry) => geometry.properties.parent));
    this.levels = this.objects.length;
    this.absolute = absolute;
    this.drawn = new Map();
  }

  /** The grids to draw for a level: those of that level, and the undivided ones above it. @returns {Grid[]} */
  grids(level) {
    if (!this.drawn.has(level)) this.drawn.set(level, this.#decode(level));
    return this.drawn.get(level);
  }

  /** Whether any grid is locked. */
  get hasLocked() { return this.objects.some((geometries) => geometries.some(({ properties }) => properties.locked)); }

  /** Number of the level a grid is on, or undefined. */
  levelOf(id) {
    const level = this.objects.findIndex((geometries) => geometries.some((geometry) => geometry.id === id));
    return level < 0 ? undefined : level;
  }

  /** A grid by its id, on whatever level. @returns {Grid|undefined} */
  grid(id) {
    const level = this.levelOf(id);
    return level === undefined ? undefined : this.grids(level).find((grid) => grid.id === id);
  }

  /** The grid of those drawn for a level in which a point lies. @returns {Grid|undefined} */
  gridAt(level, [lon, lat]) {
    return this.grids(level).find(
      ({ bbox: [west, south, east, north], polygons }) =>
        lon >= west && lon <= east && lat >= south && lat <= north &&
        polygons.some((rings) => isInside(rings, lon, lat)),
    );
  }

  /**
   * Arcs by the highest level of which they are a border: borders(level)[0] is the outline of the service area.
   * @param {number} level the lowest level asked for
   * @returns {number[][][][]} a list of arcs for each level
   */
  borders(level) {
    const lists = Array.from({ length: level + 1 }, () => []);
    this.#ranks().forEach((depth, arc) => lists[depth]?.push(this.arcs[arc]));
    return lists;
  }

  /** Of the borders of a level, those that do not move: a grid of whatever level that has them is locked. @returns {number[][][]} */
  fixed(level) {
    const locked = this.objects.flat().filter(({ properties }) => properties.locked);
    const rank = locked.length ? this.#ranks() : [];
    return [...new Set(locked.flatMap(arcsOf))].filter((arc) => rank[arc] <= level).map((arc) => this.arcs[arc]);
  }

  /** For each arc the highest level of which it is a border. */
  #ranks() {
    const rank = new Array(this.arcs.length).fill(Infinity);
    this.objects.forEach((geometries, depth) => {
      for (const geometry of geometries) for (const arc of arcsOf(geometry)) rank[arc] = Math.min(rank[arc], depth);
    });
    return rank;
  }

  /** Every grid of every level, without a colour. */
  everything() {
    return this.objects.flatMap((geometries, level) =>
      geometries.map((geometry) => {
        const { type, coordinates } = feature(this.absolute, geometry).geometry;
        return { id: geometry.id, level, ...geometry.properties, polygons: type === "Polygon" ? [coordinates] : coordinates };
      }));
  }

  #decode(level) {
    const own = this.objects[level].map((geometry) => [geometry, level]);
    const undivided = this.objects
      .slice(0, level)
      .flatMap((geometries, depth) => geometries.filter(({ id }) => !this.parents.has(id)).map((g) => [g, depth]));
    const both = [...own, ...undivided];
    const hues = colour(neighbors(both.map(([geometry]) => geometry)));
    return both.map(([geometry, depth], index) => {
      const { type, coordinates } = feature(this.absolute, geometry).geometry;
      const polygons = type === "Polygon" ? [coordinates] : coordinates;
      return { id: geometry.id, level: depth, ...geometry.properties, polygons, bbox: bounds(polygons), hue: hues[index] };
    });
  }
}

/** Numbers of the arcs of a geometry, whichever way they run. */
const arcsOf = ({ arcs }) => arcs.flat(Infinity).map((reference) => (reference < 0 ? ~reference : reference));

/** Delta-decodes the arcs and rounds to the lattice: the doubles are then the very ones that are stored. */
function decodeArcs({ arcs, transform: { scale, translate } }) {
  const step = (k, integer) => Math.round((integer * scale[k] + translate[k]) * 1e7) / 1e7;
  return arcs.map((arc) => {
    let x = 0;
    let y = 0;
    return arc.map(([dx, dy]) => [step(0, (x += dx)), step(1, (y += dy))]);
  });
}

/**
 * Colours a map's graph so that no two neighbours are alike: the vertex of least degree is set aside again and again,
 * then all are coloured in reverse with the first free colour. A planar graph always has a vertex of degree ≤ 5, so
 * six colours are enough.
 * @param {number[][]} adjacency
 * @returns {number[]}
 */
export function colour(adjacency) {
  const degree = adjacency.map((list) => list.length);
  const waiting = [];
  degree.forEach((d, vertex) => (waiting[d] ??= []).push(vertex));
  const order = [];
  const taken = new Array(adjacency.length).fill(false);
  for (let d = 0; order.length < adjacency.length; ) {
    const vertex = waiting[d]?.pop();
    if (vertex === undefined) d += 1;
    else if (!taken[vertex] && degree[vertex] === d) {
      taken[vertex] = true;
      order.push(vertex);
      for (const other of adjacency[vertex])
        if (!taken[other]) (waiting[(degree[other] -= 1)] ??= []).push(other);
      d = Math.max(0, d - 1);
    }
  }
  const colours = new Array(adjacency.length);
  for (const vertex of order.reverse()) {
    const used = new Set(adjacency[vertex].map((other) => colours[other]));
    let free = 0;
    while (used.has(free)) free += 1;
    colours[vertex] = free;
  }
  return colours;
}

function bounds(polygons) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [shell] of polygons)
    for (const [x, y] of shell) {
      if (x < box[0]) box[0] = x;
      if (y < box[1]) box[1] = y;
      if (x > box[2]) box[2] = x;
      if (y > box[3]) box[3] = y;
    }
  return box;
}

/** Even–odd rule over shell and holes. */
function isInside(rings, x, y) {
  let inside = false;
  for (const ring of rings)
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
      const [ax, ay] = ring[i];
      const [bx, by] = ring[j];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    }
  return inside;
}
