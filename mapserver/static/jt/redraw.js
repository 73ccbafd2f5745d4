/** Redrawing: which line of borders a stroke takes the place of, past as many nodes as lie between its ends. */
import { way } from "jt/arcs";
import { nearestOn, onLattice } from "jt/plane";

/** Pixels within which an end is meant to be on a border, and on a vertex of it. */
const ONTO = 40;
const ONTO_VERTEX = 8;
/** How much longer a way along other borders than those of the picked one's level seems. */
const ASIDE = 2;

/**
 * @param {number[][]} stroke
 * @param {{sheet: import("jt/sheet").Sheet, level: number, picked: import("jt/sheet").Edge, degree: {x: number, y: number}}} on
 * @returns {{old: number[][], new: number[][]}|null} null: the ends are not on two places of borders
 */
export function redrawn(stroke, { sheet, level, picked, degree }) {
  const [from, to] = [stroke[0], stroke.at(-1)].map((place) => onBorder(place, { sheet, level, picked, degree }));
  if (!from || !to || String(from.place) === String(to.place)) return null;
  const line = between(from, to, { sheet, level, picked, degree });
  if (!line) return null;
  const old = line.map(({ x, y }) => [x, y]);
  const path = [old[0], from.place, ...stroke.slice(1, -1), to.place, old.at(-1)].map(onLattice);
  return { old, new: path.filter((place, index) => index === 0 || String(place) !== String(path[index - 1])) };
}

/** The place on a border, if any is near; the picked one before others. @returns {{place: number[], edge?: object, vertex?: object}|null} */
function onBorder(place, { sheet, level, picked, degree }) {
  const reach = [ONTO / degree.x, ONTO / degree.y];
  const own = new Set(sheet.border(picked, level));
  let best = null;
  for (const edge of sheet.edges) {
    const { a, b } = edge;
    if (Math.min(a.x, b.x) - reach[0] > place[0] || Math.max(a.x, b.x) + reach[0] < place[0]) continue;
    if (Math.min(a.y, b.y) - reach[1] > place[1] || Math.max(a.y, b.y) + reach[1] < place[1]) continue;
    const near = nearestOn(place, [a.x, a.y], [b.x, b.y], degree);
    const rank = near.distance - (own.has(a) && own.has(b) ? ONTO_VERTEX : 0);
    if (near.distance < ONTO && rank < (best?.rank ?? Infinity) && sheet.rank(edge) <= level) best = { rank, edge, place: near.place };
  }
  if (!best) return null;
  const vertex = [best.edge.a, best.edge.b].find((end) => apart(end, best.place, degree) < ONTO_VERTEX);
  return vertex ? { vertex, place: [vertex.x, vertex.y] } : best;
}

/** The vertices of the borders from one place to another, the whole of the edges included that the places lie on. */
function between(from, to, { sheet, level, picked, degree }) {
  const length = ({ a, b }) => apart(a, [b.x, b.y], degree);
  const rank = sheet.rank(picked);
  const cost = (edge) => {
    const of = sheet.rank(edge);
    return of > level ? Infinity : length(edge) * (of === rank ? 1 : ASIDE);
  };
  if (from.edge && from.edge === to.edge) {
    const { a, b } = from.edge;
    return apart(a, from.place, degree) < apart(a, to.place, degree) ? [a, b] : [b, a];
  }
  const ends = ({ vertex, edge, place }) => (vertex ? new Map([[vertex, 0]])
    : new Map([edge.a, edge.b].map((end) => [end, (apart(end, place, degree) * cost(edge)) / length(edge)])));
  const line = way(ends(from), ends(to), cost);
  if (!line) return null;
  const beyond = ({ edge }, end, next) => {
    const other = edge && (edge.a === end ? edge.b : edge.a);
    return other && other !== next ? [other] : [];
  };
  return [...beyond(from, line[0], line[1]), ...line, ...beyond(to, line.at(-1), line.at(-2))];
}

const apart = ({ x, y }, place, degree) => Math.hypot((x - place[0]) * degree.x, (y - place[1]) * degree.y);
