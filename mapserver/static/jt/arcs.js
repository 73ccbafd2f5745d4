/** Walking along edges: from node to node, or round. */

/**
 * The vertices of the border that an edge is part of, up to where other than two edges of its kind meet.
 * @param {import("jt/sheet").Edge} edge
 * @param {(edge: import("jt/sheet").Edge) => boolean} counts
 * @returns {import("jt/sheet").Vertex[]} closed: the first again at the end
 */
export function walk(edge, counts) {
  const forth = onward(edge.a, edge.b, counts);
  if (forth.at(-1) === edge.a) return [edge.a, ...forth];
  return [...onward(edge.b, edge.a, counts).reverse(), ...forth];
}

/** From `to` on, coming from `from`, until a node or until `from` is reached again. */
function onward(from, to, counts) {
  const start = from;
  const path = [to];
  for (;;) {
    const edges = [...to.around].filter(([, edge]) => counts(edge));
    if (edges.length !== 2 || to === start) return path;
    const next = edges[0][0] === from ? edges[1][0] : edges[0][0];
    [from, to] = [to, next];
    path.push(to);
  }
}

/** Edges as lines, each edge once. @param {Set<import("jt/sheet").Edge>} edges @returns {import("jt/sheet").Vertex[][]} */
export function chains(edges) {
  const left = new Set(edges);
  const lines = [];
  for (const edge of edges) {
    if (!left.has(edge)) continue;
    const line = walk(edge, (each) => edges.has(each));
    for (let i = 1; i < line.length; i += 1) left.delete(line[i - 1].around.get(line[i]));
    lines.push(line);
  }
  return lines;
}

/** The way along one border from a vertex to another: the one with the fewest vertices, or null. @returns {Vertex[]|null} */
export function route(from, to) {
  const ways = [...from.around.keys()].flatMap((next) => {
    const line = [from, ...onward(from, next, () => true)];
    const end = line.indexOf(to, 1);
    return end > 0 ? [line.slice(0, end + 1)] : [];
  });
  return ways.sort((a, b) => a.length - b.length)[0] ?? null;
}

/**
 * The shortest way along edges, or null.
 * @param {Map<import("jt/sheet").Vertex, number>} from  where it may begin, and how far that is already
 * @param {Map<import("jt/sheet").Vertex, number>} to  where it may end, and how far it is from there
 * @param {(edge: import("jt/sheet").Edge) => number} cost
 * @returns {import("jt/sheet").Vertex[]|null}
 */
export function way(from, to, cost) {
  const open = new Map([...from].map(([vertex, far]) => [vertex, { far, before: null }]));
  const done = new Map();
  let best = { far: Infinity };
  while (open.size) {
    let next;
    for (const [vertex, { far }] of open) if (!next || far < open.get(next).far) next = vertex;
    const { far, before } = open.get(next);
    if (far >= best.far) break;
    open.delete(next);
    done.set(next, before);
    if (far + (to.get(next) ?? Infinity) < best.far) best = { far: far + to.get(next), vertex: next };
    for (const [other, edge] of next.around) {
      if (done.has(other)) continue;
      const step = far + cost(edge);
      if (step < (open.get(other)?.far ?? Infinity)) open.set(other, { far: step, before: next });
    }
  }
  if (!best.vertex) return null;
  const line = [best.vertex];
  while (done.get(line[0])) line.unshift(done.get(line[0]));
  return line;
}

/** A border cut where borders of any level end on it: stretches whose inner vertices belong to it alone. */
export function stretches(vertices) {
  const parts = [[vertices[0]]];
  vertices.slice(1).forEach((vertex, index) => {
    parts.at(-1).push(vertex);
    if (vertex.around.size !== 2 && index < vertices.length - 2) parts.push([vertex]);
  });
  return parts;
}

/** What a reshape needs so that a vertex moves, with everything that meets there. @returns {{old: number[][], new: number[][]}[]} */
export function moving(vertex, to) {
  const place = ({ x, y }) => [x, y];
  const ends = [...vertex.around.keys()].map(place);
  if (ends.length === 2) return [{ old: [ends[0], place(vertex), ends[1]], new: [ends[0], to, ends[1]] }];
  return ends.map((end) => ({ old: [end, place(vertex)], new: [end, to] }));
}
