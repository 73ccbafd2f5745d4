/** Adjusting a border: pick it, and drag, add or take away its vertices; every level that it borders goes along. */
import { moving, stretches } from "jt/arcs";
import { post } from "jt/api";
import { el, notify } from "jt/dom";
import { handedFill } from "jt/patterns";
import { nearestOn, onLattice } from "jt/plane";
import { signedArea, fill } from "jt/text";

const { gettext } = window;
const PICK = 14;
const MOST_HANDLES = 250;
const METRE = 1 / 111_320;
const OLD = { stroke: "#16282a", weight: 2, dash: "5 5" };
const NEW = { stroke: "#0b5fff", weight: 3 };
const PICKED = { stroke: "#0b5fff", weight: 4 };

export class Reshape {
  #map;
  #edge = null;
  #ends = null;
  #handles = [];
  #line = null;
  #sketch = null;
  #hover = null;
  #focus = null;
  #moved = null;

  /** @param {{view: import("jt/view").View, sheet: () => import("jt/sheet").Sheet, level: () => number,
   *           commit: (op: string, args: object) => Promise<object|null>, preview: (op: string, args: object) => void,
   *           outer: () => boolean, onPick: (names: string[]|null) => void}} map */
  constructor(map) {
    this.#map = map;
  }

  get border() { return this.#edge && this.#map.sheet().border(this.#edge, this.#map.level()); }

  /** Lights up the border under the pointer. */
  hover(place) {
    const found = this.#nearest(place);
    if (found === this.#hover?.edge) return;
    this.#hover?.drawn.remove();
    this.#hover = null;
    if (!found || this.#edge) return;
    const line = this.#map.sheet().border(found, this.#map.level()).map(({ x, y }) => [x, y]);
    this.#hover = { edge: found, drawn: this.#map.view.lines([{ arcs: [line], look: { ...PICKED, weight: 3 } }], "jt-edit") };
  }

  click(place) {
    const found = this.#nearest(place);
    if (found) this.pick(found);
    else this.stop();
  }

  pick(edge) {
    this.stop();
    this.#edge = edge;
    this.#ends = [[edge.a.x, edge.a.y], [edge.b.x, edge.b.y]];
    this.#map.onPick(this.#map.sheet().sides(edge, this.#map.level()).map(({ name }) => name));
    this.draw();
  }

  /** After the sheet has changed: the same border, if it is still there. */
  refresh() {
    if (!this.#edge) return;
    const sheet = this.#map.sheet();
    const places = [this.#ends, ...(this.#moved ?? [])];
    this.#edge = places.map(([a, b]) => sheet.edgeAt(a, b)).find(Boolean) ?? null;
    this.#moved = null;
    if (!this.#edge) return this.stop();
    this.#ends = [[this.#edge.a.x, this.#edge.a.y], [this.#edge.b.x, this.#edge.b.y]];
    this.draw();
  }

  stop() {
    this.#clear();
    this.#hover?.drawn.remove();
    this.#edge = this.#hover = null;
    this.#map.onPick(null);
  }

  /** Draws the border and the handles of those of its vertices that are in sight. */
  draw() {
    this.#clear();
    if (!this.#edge) return;
    const { view } = this.#map;
    const border = this.border;
    this.#line = view.lines([{ arcs: [border.map(({ x, y }) => [x, y])], look: PICKED }], "jt-edit");
    const isClosed = border[0] === border.at(-1);
    const vertices = (isClosed ? border.slice(0, -1) : border).filter(({ x, y }) => view.shows([x, y]));
    if (vertices.length > MOST_HANDLES) return void notify(gettext("顶点太密，请放大地图后再调整。"));
    notify("");
    vertices.forEach((vertex, index) => this.#vertexHandle(vertex, index + 1, vertices.length));
    const apart = 36;
    border.slice(1).forEach((to, index) => {
      const [a, b] = [border[index], to].map(({ x, y }) => view.pixel([x, y]));
      const middle = [(border[index].x + to.x) / 2, (border[index].y + to.y) / 2];
      if (Math.hypot(a.x - b.x, a.y - b.y) > apart && view.shows(middle)) this.#middleHandle(border[index], to, middle);
    });
    if (this.#focus) this.#handles.find(({ key }) => key === this.#focus)?.handle.element.focus({ preventScroll: true });
  }

  /** The whole border between its nodes made straight. */
  straighten() {
    const paths = stretches(this.border).filter((part) => part.length > 2 && part[0] !== part.at(-1))
      .map((part) => ({ old: part.map(({ x, y }) => [x, y]), new: [part[0], part.at(-1)].map(({ x, y }) => [x, y]) }));
    return paths.length ? this.#commit(paths) : notify(gettext("这条界线已经是直线。"));
  }

  /** The border laid onto the streets beside it. */
  async align(tolerance) {
    const paths = [];
    for (const part of stretches(this.border)) {
      const old = part.map(({ x, y }) => [x, y]);
      const { path } = await post("streets/align", { path: old, tolerance_m: tolerance });
      const aligned = [old[0], ...path.slice(1, -1).map(onLattice), old.at(-1)];
      if (JSON.stringify(aligned) !== JSON.stringify(old)) paths.push({ old, new: aligned });
    }
    return paths.length ? this.#commit(paths) : notify(gettext("附近没有可以贴合的街道。"));
  }

  /** A stretch of the border replaced by a line drawn from near one of its vertices to near another. */
  redraw(line) {
    const border = this.border;
    const { view } = this.#map;
    const near = (place) => {
      const p = view.pixel(place);
      const far = border.map(({ x, y }) => { const q = view.pixel([x, y]); return Math.hypot(p.x - q.x, p.y - q.y); });
      return far.indexOf(Math.min(...far));
    };
    let [from, to] = [near(line[0]), near(line.at(-1))];
    const drawn = from <= to ? line : [...line].reverse();
    [from, to] = [Math.min(from, to), Math.max(from, to)];
    if (from === to) return notify(gettext("请从界线的一个顶点画到另一个顶点。"));
    const old = border.slice(from, to + 1);
    if (old.slice(1, -1).some(({ around }) => around.size !== 2))
      return notify(gettext("这一段上有其他界线的端点，请分段重画。"));
    const places = old.map(({ x, y }) => [x, y]);
    return this.#commit([{ old: places, new: [places[0], ...drawn.slice(1, -1).map(onLattice), places.at(-1)] }]);
  }

  #commit(paths) {
    // Any edge of what comes out finds the border again.
    this.#moved = paths.flatMap(({ new: path }) => path.slice(1).map((place, index) => [path[index], place]));
    return this.#map.commit("reshape", { paths, outer: this.#map.outer() });
  }

  #nearest(place) {
    const { view } = this.#map;
    const degree = view.degree();
    const sheet = this.#map.sheet();
    const level = this.#map.level();
    const reach = [PICK / degree.x, PICK / degree.y];
    let best = PICK;
    let found = null;
    for (const edge of sheet.edges) {
      const { a, b } = edge;
      if (Math.min(a.x, b.x) - reach[0] > place[0] || Math.max(a.x, b.x) + reach[0] < place[0]) continue;
      if (Math.min(a.y, b.y) - reach[1] > place[1] || Math.max(a.y, b.y) + reach[1] < place[1]) continue;
      const { distance } = nearestOn(place, [a.x, a.y], [b.x, b.y], degree);
      if (distance < best && sheet.rank(edge) <= level) [best, found] = [distance, edge];
    }
    return found;
  }

  #vertexHandle(vertex, number, total) {
    const isNode = vertex.around.size !== 2;
    const name = isNode ? gettext("交点") : gettext("顶点");
    const title = fill(gettext("{kind} {n}/{total}：拖动，或用方向键移动后按回车"), { kind: name, n: number, total });
    const key = `${vertex.x},${vertex.y}`;
    const drop = (place) => this.#drop(vertex, place);
    this.#handle([vertex.x, vertex.y], {
      key, title, kind: isNode ? "node" : "vertex",
      onMove: (place) => this.#drag(vertex, place),
      onDrop: drop,
      onClick: (event) => event.altKey && this.#delete(vertex),
      onKey: (event, place) => this.#key(event, place, {
        move: (to) => this.#drag(vertex, to), drop, home: [vertex.x, vertex.y], remove: () => this.#delete(vertex),
      }),
    });
  }

  #middleHandle(a, b, middle) {
    const paths = (to) => [{ old: [[a.x, a.y], [b.x, b.y]], new: [[a.x, a.y], to, [b.x, b.y]] }];
    const move = (to) => {
      this.#show([[[a.x, a.y], [b.x, b.y]]], [[[a.x, a.y], to, [b.x, b.y]]], [[[a.x, a.y], to, [b.x, b.y], [a.x, a.y]]]);
      this.#map.preview("reshape", { paths: paths(onLattice(to)) });
    };
    const drop = (to) => {
      this.#focus = onLattice(to).join(",");
      return this.#settle(this.#commit(paths(onLattice(to))));
    };
    this.#handle(middle, {
      key: `+${middle}`, title: gettext("拖动以增加顶点"), kind: "middle", onMove: move, onDrop: drop,
      onKey: (event, place) => this.#key(event, place, { move, drop, home: middle, remove: () => {} }),
    });
  }

  #handle(place, { key, kind, ...actions }) {
    const size = matchMedia("(pointer: coarse)").matches ? 48 : 24;
    const handle = this.#map.view.handle(place, el("span", { class: `handle ${kind}` }), { size, ...actions });
    if (kind === "middle") handle.element.tabIndex = -1;
    this.#handles.push({ key, handle });
    handle.element.dataset.handle = kind;
  }

  #key(event, place, { move, drop, home, remove }) {
    const metres = event.shiftKey ? 10 : 1;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const self = this.#handles.find(({ handle }) => handle.element === event.currentTarget);
    if (step) {
      const wide = Math.cos((place[1] * Math.PI) / 180);
      const to = [place[0] + (step[0] * metres * METRE) / wide, place[1] + step[1] * metres * METRE];
      self.handle.move(to);
      move(to);
    } else if (event.key === "Enter") {
      if (place.some((value, k) => Math.abs(value - home[k]) > 5e-8)) drop(place);
    } else if (event.key === "Escape" && this.#sketch) {
      self.handle.move(home);
      this.#unsketch();
    } else if (event.key === "Delete" || event.key === "Backspace") remove();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #delete(vertex) {
    if (vertex.around.size !== 2) return void notify(gettext("交点不能删除：有三条以上的界线在此相接。"));
    const [a, b] = [...vertex.around.keys()].map(({ x, y }) => [x, y]);
    this.#focus = `${a}`;
    return this.#settle(this.#commit([{ old: [a, [vertex.x, vertex.y], b], new: [a, b] }]));
  }

  #drag(vertex, to) {
    const paths = moving(vertex, to);
    const ends = [...vertex.around.keys()].map(({ x, y }) => [x, y]);
    const home = [vertex.x, vertex.y];
    this.#show(paths.map(({ old }) => old), paths.map(({ new: path }) => path), ends.map((end) => [home, end, to, home]));
    const growth = this.#map.sheet().growth(vertex, to, this.#map.level());
    this.#map.view.tip(to, growth.map(({ grid, metres }) => `${grid.name} ${signedArea(metres)}`));
    this.#map.preview("reshape", { paths: moving(vertex, onLattice(to)), outer: this.#map.outer() });
  }

  #drop(vertex, place) {
    const to = onLattice(place);
    if (to[0] === vertex.x && to[1] === vertex.y) return this.draw();
    this.#focus = to.join(",");
    return this.#settle(this.#commit(moving(vertex, to)));
  }

  /** Until the answer is here the sketch stays; if the edit was refused, everything goes back. */
  async #settle(done) {
    const answer = await done;
    this.#unsketch();
    if (!answer) {
      this.#moved = null;
      this.draw();
    }
  }

  #show(before, after, handed) {
    this.#sketch?.remove();
    const { view } = this.#map;
    const parts = [
      view.polygons([{ polygons: handed.map((ring) => [ring]), look: handedFill }], "jt-edit"),
      view.lines([{ arcs: before, look: OLD }, { arcs: after, look: NEW }], "jt-edit"),
    ];
    this.#sketch = { remove: () => parts.forEach((part) => part.remove()) };
  }

  #unsketch() {
    this.#sketch?.remove();
    this.#sketch = null;
    this.#map.view.tip(null);
    this.#map.preview(null);
  }

  #clear() {
    this.#unsketch();
    this.#line?.remove();
    for (const { handle } of this.#handles) handle.remove();
    this.#handles = [];
  }
}
