/** Small geometry of degrees on a small area. */

/** Rows in which a place is looked for. */
const ROWS = 9;

/** Rounds to the lattice on which everything is stored. */
export const onLattice = ([x, y]) => [Math.round(x * 1e7) / 1e7, Math.round(y * 1e7) / 1e7];

/** @param {number[][][][]} polygons @returns {number[]} west, south, east, north */
export function box(polygons) {
  const found = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [shell] of polygons)
    for (const [x, y] of shell) {
      found[0] = Math.min(found[0], x);
      found[1] = Math.min(found[1], y);
      found[2] = Math.max(found[2], x);
      found[3] = Math.max(found[3], y);
    }
  return found;
}

/** Whether a point lies in polygons; `bbox` is theirs. */
export function contains([west, south, east, north], polygons, [x, y]) {
  return x >= west && x <= east && y >= south && y <= north && polygons.some((rings) => isInside(rings, x, y));
}

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

/**
 * Places inside polygons as far as these are seen in a window from 0, 0: the middles of the widest parts of some of its rows.
 * @param {number[][][][]} polygons in pixels @param {{x: number, y: number}} size @returns {{x: number, y: number, width: number}[]} the widest first
 */
export function seen(polygons, size) {
  const [, top, , bottom] = box(polygons);
  const [from, to] = [Math.max(0, top), Math.min(size.y, bottom)];
  const rows = Array.from({ length: ROWS }, (_, row) => from + ((row + 0.5) / ROWS) * (to - from));
  return rows.flatMap((y) => {
    const crossings = polygons.flat().flatMap((ring) => ring.slice(1).map((b, index) => [ring[index], b]))
      .filter(([a, b]) => a[1] > y !== b[1] > y)
      .map(([a, b]) => a[0] + ((y - a[1]) / (b[1] - a[1])) * (b[0] - a[0]))
      .sort((a, b) => a - b).map((x) => Math.min(size.x, Math.max(0, x)));
    const parts = crossings.flatMap((x, index) => (index % 2 ? [{ x: (crossings[index - 1] + x) / 2, y, width: x - crossings[index - 1] }] : []));
    return parts.sort((a, b) => b.width - a.width).slice(0, 1);
  }).sort((a, b) => b.width - a.width);
}

/** Twice the signed area of a closed ring: positive when it runs anticlockwise. */
export function crossSum(ring) {
  const [ox, oy] = ring[0];
  let sum = 0;
  for (let i = 1; i < ring.length; i += 1)
    sum += (ring[i - 1][0] - ox) * (ring[i][1] - oy) - (ring[i][0] - ox) * (ring[i - 1][1] - oy);
  return sum;
}

/** The place on the line from a to b that is nearest to a point, and how far it is in pixels. */
export function nearestOn([px, py], [ax, ay], [bx, by], { x: sx, y: sy }) {
  const dx = (bx - ax) * sx;
  const dy = (by - ay) * sy;
  const length = dx * dx + dy * dy;
  const t = length ? Math.min(1, Math.max(0, ((px - ax) * sx * dx + (py - ay) * sy * dy) / length)) : 0;
  const place = [ax + t * (bx - ax), ay + t * (by - ay)];
  return { place, distance: Math.hypot((place[0] - px) * sx, (place[1] - py) * sy) };
}

/** A line with fewer vertices, nowhere farther from the first than so many pixels (Douglas–Peucker). @param {{x: number, y: number}[]} line */
export function simplified(line, far) {
  const keep = new Set([0, line.length - 1]);
  const waiting = [[0, line.length - 1]];
  while (waiting.length) {
    const [from, to] = waiting.pop();
    let [most, at] = [far, -1];
    const ends = [line[from], line[to]].map(({ x, y }) => [x, y]);
    for (let i = from + 1; i < to; i += 1) {
      const { distance } = nearestOn([line[i].x, line[i].y], ...ends, { x: 1, y: 1 });
      if (distance > most) [most, at] = [distance, i];
    }
    if (at < 0) continue;
    keep.add(at);
    waiting.push([from, at], [at, to]);
  }
  return line.filter((_, index) => keep.has(index));
}
