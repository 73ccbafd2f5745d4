/** Adjusting a border: pick it, and drag, add or take away its vertices; every level that it borders goes along. */
import { moving, stretches } from "jt/arcs";
import { post } from "jt/api";
import { el, notify, reach } from "jt/dom";
import { nearestOn, onLattice } from "jt/plane";
import { redrawn } from "jt/redraw";
import { PICKED, Sketch } from "jt/sketch";
import { fill } from "jt/text";

const { gettext } = window;
const PICK = 14;
const MOST_HANDLES = 250;
const HANDLE = 24;
const METRE = 1 / 111_320;

export class Reshape {
  #map;
  #edge = null;
  #ends = null;
  #between = "";
  #handles = [];
  #line = null;
  #sketch;
  #hover = null;
  #focus = null;
  #moved = null;
  #held = false;
  #base;
  #proposal = null;
  #isBare = false;
  #isResting = false;

  /** @param {{view: import("jt/view").View, sheet: () => import("jt/sheet").Sheet, level: () => number,
   *           revision: () => number, commit: (op: string, args: object, base?: number) => Promise<object|null>, preview: (op: string, args: object) => void,
   *           outer: () => boolean, snap: import("jt/snap").Snap, onPick: (names: string[]|null, locks?: {names: string[], isFixed: boolean}) => void,
   *           onVertex: (remove: (() => void)|null) => void, onPropose: () => void}} map  onVertex: a vertex is chosen; null for a node, which
   *           stays; onPropose: a new line is shown, to be accepted or declined */
  constructor(map) {
    this.#map = map;
    this.#sketch = new Sketch(map);
  }

  get border() { return this.#edge && this.#map.sheet().border(this.#edge, this.#map.level()); }

  /** Whether a vertex is in the moving hand. */
  get held() { return this.#held; }

  /** Lights up the border under the pointer. */
  hover(place) {
    if (this.#edge) return;
    const found = this.#nearest(place);
    if (found === this.#hover?.edge) return;
    this.#hover?.drawn.remove();
    this.#hover = null;
    this.#map.view.tip(null);
    this.#map.view.element.classList.remove("fixed-border");
    if (!found) return;
    const names = this.#map.sheet().sides(found, this.#map.level()).map(({ name }) => name);
    const locked = this.#map.sheet().locks(found).map(({ name }) => name);
    this.#map.view.element.classList.toggle("fixed-border", locked.length > 0);
    this.#map.view.tip(place, [names.length > 1 ? names.join(" ｜ ") : `${names[0]} ${gettext("(外界线)")}`,
      ...(locked.length ? [fill(gettext("{names} 已锁定，界线不能移动"), { names: locked.join("、") })] : [])]);
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
    this.#take(edge);
    this.say();
    this.draw();
  }

  /** Which grids the border separates, and what can be done with it. */
  say() {
    const sheet = this.#map.sheet();
    this.#map.onPick(this.#edge && sheet.sides(this.#edge, this.#map.level()).map(({ name }) => name), this.#edge && this.#locks());
  }

  /** The locked grids at the border, and whether all of it is theirs. @returns {{names: string[], isFixed: boolean}} */
  #locks() {
    const { border } = this;
    const locks = border.slice(1).map((vertex, index) => this.#map.sheet().locks(vertex.around.get(border[index])));
    return { names: [...new Set(locks.flat().map(({ name }) => name))], isFixed: locks.every(({ length }) => length > 0) };
  }

  /** After the sheet has changed: the same border, if it is still there. */
  refresh() {
    // Not under the moving hand, nor while a line is drawn: afterwards.
    if (!this.#edge || this.#held || this.#isBare) return;
    const sheet = this.#map.sheet();
    const places = [this.#ends, ...(this.#moved ?? [])];
    const edge = places.map(([a, b]) => sheet.edgeAt(a, b)).find(Boolean) ?? this.#betweenTheSame();
    this.#moved = null;
    if (!edge) return this.stop();
    this.#take(edge);
    this.draw();
  }

  #take(edge) {
    this.#edge = edge;
    this.#ends = [[edge.a.x, edge.a.y], [edge.b.x, edge.b.y]];
    this.#between = sidesOf(edge);
  }

  /** Where others have moved the border: the nearest edge between the same grids. */
  #betweenTheSame() {
    const degree = this.#map.view.degree();
    const far = ({ a, b }) => nearestOn(this.#ends[0], [a.x, a.y], [b.x, b.y], degree).distance;
    const edges = [...this.#map.sheet().edges].filter((edge) => sidesOf(edge) === this.#between);
    return edges.sort((one, other) => far(one) - far(other))[0];
  }

  /** Lets go of the border while two versions of it are looked at. */
  rest() {
    if (!this.#edge) return;
    this.stop();
    this.#isResting = true;
  }

  /** Takes it up again, as it is now. */
  resume() {
    const edge = this.#isResting && (this.#map.sheet().edgeAt(...this.#ends) ?? this.#betweenTheSame());
    if (edge) this.pick(edge);
  }

  stop() {
    this.#held = this.#isBare = this.#isResting = false;
    this.#proposal = null;
    this.#clear();
    this.#hover?.drawn.remove();
    this.#edge = this.#hover = null;
    this.#map.view.element.classList.remove("fixed-border");
    this.#map.onPick(null);
  }

  /** Draws the border and the handles of those of its vertices that are in sight. */
  draw() {
    this.#clear();
    if (!this.#edge) return;
    const { view } = this.#map;
    const border = this.border;
    if (this.#proposal) return void this.#showProposal();
    this.#line = view.lines([{ arcs: [border.map(({ x, y }) => [x, y])], look: PICKED }], "jt-edit");
    if (this.#isBare) return;
    const isClosed = border[0] === border.at(-1);
    const vertices = (isClosed ? border.slice(0, -1) : border).filter(({ x, y }) => view.shows([x, y]));
    if (vertices.length > MOST_HANDLES) return void notify(gettext("顶点太密，请放大地图后再调整。"));
    notify("");
    const apart = 1.5 * reach(HANDLE);
    // In the order in which Tab goes along the border.
    const isLocked = (edge) => this.#map.sheet().locks(edge).length > 0;
    border.forEach((vertex, index) => {
      const number = vertices.indexOf(vertex) + 1;
      if (number && !(isClosed && index === border.length - 1) && ![...vertex.around.values()].some(isLocked)) this.#vertexHandle(vertex, number, vertices.length);
      const next = border[index + 1];
      if (!next || isLocked(vertex.around.get(next))) return;
      const [a, b] = [vertex, next].map(({ x, y }) => view.pixel([x, y]));
      const middle = [(vertex.x + next.x) / 2, (vertex.y + next.y) / 2];
      if (Math.hypot(a.x - b.x, a.y - b.y) > apart && view.shows(middle)) this.#middleHandle(vertex, next, middle);
    });
    if (this.#focus) this.#handles.find(({ key }) => key === this.#focus)?.handle.element.focus({ preventScroll: true });
  }

  /** The whole border between its nodes made straight. */
  straighten() {
    const paths = stretches(this.border).filter((part) => part.length > 2 && part[0] !== part.at(-1))
      .map((part) => ({ old: part.map(({ x, y }) => [x, y]), new: [part[0], part.at(-1)].map(({ x, y }) => [x, y]) }));
    if (paths.length) this.#propose(paths);
    else notify(gettext("这条界线已经是直线。"));
  }

  /** The border laid onto the streets beside it. */
  async align(tolerance) {
    const edge = this.#edge;
    const paths = [];
    for (const part of stretches(this.border)) {
      const old = part.map(({ x, y }) => [x, y]);
      const { path } = await post("streets/align", { path: old, tolerance_m: tolerance });
      const aligned = [old[0], ...path.slice(1, -1).map(onLattice), old.at(-1)];
      if (JSON.stringify(aligned) !== JSON.stringify(old)) paths.push({ old, new: aligned });
    }
    if (this.#edge !== edge) return;
    if (paths.length) this.#propose(paths);
    else notify(gettext("附近没有可以贴合的街道。"));
  }

  /** Whether a new line is shown that has been neither accepted nor declined. */
  get proposed() { return this.#proposal !== null; }

  /** Shows a new line and what would come of it; nothing is saved. */
  #propose(paths) {
    this.#proposal = { paths, base: this.#map.revision() };
    this.draw();
    this.#map.onPropose();
  }

  #showProposal() {
    const { paths } = this.#proposal;
    const longest = paths.reduce((most, { new: path }) => (path.length > most.length ? path : most), []);
    this.#sketch.show(paths, longest[Math.floor(longest.length / 2)], this.border);
    this.#map.preview("reshape", { paths, outer: this.#map.outer() });
  }

  accept() {
    const { paths, base } = this.#proposal;
    this.#proposal = null;
    this.say();
    return this.#settle(this.#commit(paths, base));
  }

  decline() {
    this.#proposal = null;
    this.say();
    this.draw();
  }

  /** While a line is drawn, the handles of the border are out of the way. */
  set bare(on) {
    this.#isBare = on;
    if (on) this.draw();
    else this.refresh();
  }

  /** What a line makes of the borders, or null where it does not lead from a place on them to another. @returns {{old: number[][], new: number[][]}|null} */
  redrawn(line) {
    if (!this.#edge) return null;
    return redrawn(line, { sheet: this.#map.sheet(), level: this.#map.level(), picked: this.#edge, degree: this.#map.view.degree() });
  }

  /** A line of borders replaced by one drawn from somewhere on it to somewhere else. */
  redraw(line) {
    const args = this.redrawn(line);
    if (!args) return void notify(gettext("请从界线上的一处画到另一处。"));
    this.#remember([args]);
    return this.#map.commit("redraw", { ...args, outer: this.#map.outer() });
  }

  /** @param {number} [base] the revision at which the border was taken up */
  #commit(paths, base) {
    this.#remember(paths);
    return this.#map.commit("reshape", { paths, outer: this.#map.outer() }, base);
  }

  /** Any edge of what comes out finds the border again. */
  #remember(paths) {
    this.#moved = paths.flatMap(({ new: path }) => path.slice(1).map((place, index) => [path[index], place]));
  }

  #nearest(place) {
    const { view } = this.#map;
    const degree = view.degree();
    const sheet = this.#map.sheet();
    const level = this.#map.level();
    let best = reach(PICK);
    const far = [best / degree.x, best / degree.y];
    let found = null;
    for (const edge of sheet.edges) {
      const { a, b } = edge;
      if (Math.min(a.x, b.x) - far[0] > place[0] || Math.max(a.x, b.x) + far[0] < place[0]) continue;
      if (Math.min(a.y, b.y) - far[1] > place[1] || Math.max(a.y, b.y) + far[1] < place[1]) continue;
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
    const home = [vertex.x, vertex.y];
    const remove = () => this.#delete(vertex);
    // As the border is now: a colleague may change it while the hand moves, and then both versions are to be shown.
    const now = moving(vertex, home).map(({ old }) => old);
    const paths = (to) => now.map((old) => ({ old, new: old.map((place) => (String(place) === String(home) ? to : place)) }));
    this.#dragHandle(home, { key, title, kind: isNode ? "node" : "vertex", but: new Set(vertex.around.values()), paths,
      onClick: (event) => (event.altKey ? remove() : this.#map.onVertex(isNode ? null : remove)), onMenu: remove, remove });
  }

  #middleHandle(a, b, middle) {
    const paths = (to) => [{ old: [[a.x, a.y], [b.x, b.y]], new: [[a.x, a.y], to, [b.x, b.y]] }];
    this.#dragHandle(middle, { key: `+${middle}`, title: gettext("拖动以增加顶点"), kind: "middle", but: new Set([a.around.get(b)]), paths,
      remove: () => {} });
  }

  /** A handle that moves a place of the border; `paths` says what becomes of the border then. */
  #dragHandle(home, { paths, but, remove, ...handle }) {
    const move = (place) => this.#drag(paths, place);
    const drop = (place) => this.#drop(paths, home, place);
    this.#handle(home, {
      ...handle,
      onMove: (place) => {
        const to = this.#map.snap.near(place, but);
        move(to);
        return to;
      },
      onDrop: drop,
      onKey: (event, place) => this.#key(event, place, { move, drop, home, remove }),
    });
  }

  #handle(place, { key, kind, ...actions }) {
    const handle = this.#map.view.handle(place, el("span", { class: `handle ${kind}` }), {
      size: reach(HANDLE), isAbove: kind !== "middle", ...actions,
    });
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
    } else if (event.key === "Escape" && this.#sketch.shown) {
      this.#focus = self.key;
      this.#held = false;
      this.refresh();
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

  #drag(paths, to) {
    if (!this.#held) this.#base = this.#map.revision();
    this.#held = true;
    this.#line?.remove();
    this.#line = null;
    this.#sketch.show(paths(to), to, this.border);
    this.#map.preview("reshape", { paths: paths(onLattice(to)), outer: this.#map.outer() });
  }

  #drop(paths, home, place) {
    const to = onLattice(place);
    this.#held = false;
    if (String(to) === String(onLattice(home))) return this.refresh();
    this.#focus = to.join(",");
    return this.#settle(this.#commit(paths(to), this.#base));
  }

  /** Until the answer is here the sketch stays; if the edit was refused, everything goes back. */
  async #settle(done) {
    const answer = await done;
    this.#unsketch();
    if (!answer) {
      this.#moved = null;
      this.refresh();
    }
  }

  /** What the move under way comes to, from the server. @param {object} measures */
  measured(measures) { this.#sketch.measured(measures); }

  #unsketch() {
    this.#sketch.clear();
    this.#map.preview(null);
  }

  #clear() {
    if (this.#sketch.shown) this.#unsketch();
    this.#line?.remove();
    for (const { handle } of this.#handles) handle.remove();
    this.#handles = [];
  }
}

/** Which grids, of all levels, an edge separates. */
const sidesOf = ({ grids }) => String([...grids.keys()].sort());
