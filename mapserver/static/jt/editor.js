/** Editing a draft on the map: which tool is in hand, what the map's clicks mean to it, and what comes of an edit. */
import { LEAVE } from "jt/api";
import { Choose } from "jt/choose";
import { Desk } from "jt/desk";
import { byId, notify } from "jt/dom";
import { Draw } from "jt/draw";
import { EditPanel } from "jt/editpanel";
import { Outcome } from "jt/outcome";
import { Reshape } from "jt/reshape";
import { Sheet } from "jt/sheet";
import { Snap } from "jt/snap";
import { fill } from "jt/text";
import { Trial } from "jt/trial";

const { gettext } = window;
const KEYS = { v: "select", r: "reshape", s: "split", m: "merge", t: "transfer" };
/** A ring is drawn, then the grid is chosen that it is for; the arguments of that. */
const RINGS = {
  transfer: (ring, to) => ({ ring, to }),
  extend: (ring, grid) => ({ ring, grid }),
  withdraw: (ring, grid) => ({ ring, grid }),
};
const DRAWING = ["split", ...Object.keys(RINGS)];

const locked = (name) => fill(gettext("{names} 已锁定，界线不能移动。要改动它，请先选中该网格，在“修改”中解除锁定。"), { names: name });

export class Editor {
  #view;
  #page;
  #plan = null;
  #desk = null;
  #trial;
  #receiver = null;
  #offered = null;
  #lines = [];
  #levelNames = "";
  sheet = null;
  tool = "select";

  /**
   * @param {import("jt/view").View} view
   * @param {{level: () => number, selected: () => number|undefined, redraw: () => void, levels: () => void,
   *          mark: (ids: number[]) => void, bend: import("jt/grids").GridDrawing["bend"], choose: (tool: string) => void, look: (id: number) => void}} page
   */
  constructor(view, page) {
    this.#view = view;
    this.#page = page;
    this.outcome = new Outcome(view);
    this.tried = new Outcome(view);
    this.snap = new Snap(view, () => this.sheet, () => this.#plan.id);
    this.#trial = new Trial((op, args, signal) => this.#desk.tryOut(op, args, signal), {
      onAnswer: (answer, asked) => this.#foreseen(answer, asked),
      onRefused: (error) => this.#forewarned(error),
    });
    this.draw = new Draw(view, this.snap, {
      onEnd: (line, closed) => this.#drawn(line, closed), onChange: (line, isStroke) => this.#drawing(line, isStroke),
    });
    this.reshape = new Reshape({
      view, sheet: () => this.sheet, level: page.level, bend: page.bend, outer: () => this.panel.outer, snap: this.snap,
      revision: () => this.#plan.revision,
      commit: (op, args, base) => this.commit(op, args, base), preview: (op, args) => this.#try(op, args),
      onPick: (names, locks) => this.panel.picked(names, locks), onVertex: (remove) => this.panel.vertex(remove),
      onPropose: () => this.panel.proposed(),
    });
    this.choose = new Choose((ids) => {
      page.mark(ids);
      this.panel.chosen(ids.map((id) => this.sheet.grid(id)));
      if (ids.length > 1) this.#try("merge", { grids: ids });
      else this.#try(null);
    });
    this.panel = new EditPanel({
      undo: () => this.#desk.back(), redo: () => this.#desk.again(), end: () => this.finish(),
      cancel: () => this.escape(), look: page.look, draw: this.draw, snap: this.snap, reshape: this.reshape,
      again: () => this.#redraw(),
      history: () => this.#desk.history(), step: (id) => this.#desk.step(id), show: (drawn) => this.outcome.showStep(drawn),
      undoStep: (id) => this.#desk.back(id),
    });
    view.on("moved", () => {
      if (!this.active) return;
      if (this.tool === "reshape") this.reshape.draw();
      if (this.#needsLines) this.snap.lookAround();
      // The cross-hair in the middle is the pointer of those who work by the keyboard.
      if (document.activeElement === view.element) this.#pointed(view.centre);
    });
    view.on("pointer", (place) => this.#pointed(place));
    view.on("twice", () => this.draw.active && this.draw.end());
    document.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("online", () => this.active && this.#offerUnsent());
    addEventListener(LEAVE, (event) => {
      if (!this.#begun) return;
      // What is begun can be ended: as an edit it is kept over the sign-in.
      event.preventDefault();
      notify(gettext("登录已结束。请先完成手上的这一步，再登录保存。"));
    });
  }

  get active() { return this.#desk !== null; }

  /** Takes a draft up. @returns {Sheet} what is to be drawn from now on */
  open(plan, topology) {
    this.close();
    this.#plan = plan;
    this.#levelNames = String(plan.level_names);
    this.sheet = new Sheet(topology);
    this.#desk = new Desk(plan, {
      onNews: (news) => this.#news(news),
      onDone: (answer, attempt) => this.#done(answer, attempt),
      onRefused: (error, attempt) => this.#refused(error, attempt),
      onUnsent: () => this.#offerUnsent(),
      onBusy: (busy) => this.panel.busy(busy),
    });
    document.body.classList.add("editing");
    document.body.classList.toggle("overlapping", plan.policy === "bounded_overlap");
    this.panel.open(this.#desk, plan);
    this.#desk.poll().then(() => this.panel.steps(), () => {});
    this.#offerUnsent();
    return this.sheet;
  }

  close() {
    if (!this.#desk) return;
    this.#put();
    this.#desk.stop();
    this.#desk = this.sheet = null;
    this.outcome.clear();
    this.panel.close();
    document.body.classList.remove("editing", "overlapping");
  }

  /** A tool of the rail is taken into the hand. */
  take(tool) {
    this.tool = tool;
    this.#put();
    if (this.active) this.#tool(tool);
  }

  /** A click on the map. @returns {boolean} whether the tool in hand has taken it */
  click(place) {
    if (!this.active) return false;
    if (this.draw.active) this.draw.add(place);
    else if (this.tool === "reshape") this.reshape.click(place);
    else if (this.tool === "merge") this.#choose(this.sheet.gridAt(this.#page.level(), place));
    else if (RINGS[this.tool] && this.#receiver) this.#give(this.sheet.gridAt(this.#page.level(), place)?.id);
    else return false;
    return true;
  }

  /** Enter, or the button: ends what is begun. */
  finish() {
    if (this.draw.active && this.draw.points.length) return this.draw.end();
    if (this.reshape.proposed) return this.reshape.accept();
    if (this.tool === "split" && this.#lines.length) return this.#split();
    if (this.tool === "merge" && this.choose.ids.length > 1) return this.#merge();
    return undefined;
  }

  /** Puts away one thing. @returns {boolean} whether there was any */
  escape() {
    if (!this.active || this.tool === "select" || this.tool === "locate") return false;
    if (this.draw.active && this.draw.cancel()) {
      this.#try(null);
      this.panel.forget();
      return true;
    }
    if (this.reshape.proposed) {
      this.reshape.decline();
      this.panel.forget();
      return true;
    }
    if (this.draw.active && this.tool === "reshape") {
      this.#backToBorder();
      return true;
    }
    if (this.#receiver || this.#lines.length || this.choose.ids.length || this.reshape.border) {
      this.#put();
      this.panel.forget();
      this.#tool(this.tool);
      return true;
    }
    this.#page.choose("select");
    return true;
  }

  /**
   * @param {number} [base] the revision that the edit was drawn on; the present one if it was not given
   * @returns {Promise<object|null>} the answer, or null where it was refused
   */
  commit(op, args, base) {
    this.#try(null);
    this.outcome.clear();
    return this.#desk.commit(op, args, base);
  }

  #tool(tool) {
    this.panel.tool(tool);
    if (DRAWING.includes(tool) || tool === "reshape-draw") this.draw.begin();
    if (this.#needsLines) this.snap.lookAround();
  }

  #pointed(place) {
    if (this.tool === "reshape") this.reshape.hover(place);
    if (this.draw.active) this.draw.point(place);
    else if (this.#receiver) this.#offer(place);
  }

  /** The picked border is to be drawn anew, by whatever hand. */
  #redraw() {
    this.outcome.clear();
    this.reshape.bare = true;
    this.#tool("reshape-draw");
    this.#view.element.focus({ preventScroll: true });
  }

  #backToBorder() {
    this.draw.leave();
    this.reshape.bare = false;
    this.reshape.say();
  }

  /** Whether there is something in hand that is no edit yet. */
  get #begun() {
    return this.draw.points.length > 0 || this.reshape.held || this.reshape.proposed || this.#lines.length > 0 || this.#receiver !== null;
  }

  get #needsLines() { return this.draw.active || this.tool === "reshape"; }

  #put() {
    this.draw.leave();
    this.#try(null);
    this.snap.clear();
    this.reshape.stop();
    this.choose.clear();
    this.#receiver = this.#offered = null;
    this.#lines = [];
    this.#page.mark([]);
    notify("");
  }

  async #drawn(line, closed) {
    if (this.tool === "reshape") {
      this.draw.leave();
      await this.reshape.redraw(line);
      return this.#backToBorder();
    }
    if (RINGS[this.tool]) {
      this.#receiver = closed ? line : [...line, line[0]];
      this.draw.leave();
      this.outcome.sketch([this.#receiver], true);
      return this.panel.ringed(this.tool);
    }
    this.#lines.push(line);
    if (!this.panel.several) return this.#split();
    this.outcome.sketch(this.#lines);
    return this.panel.hint(gettext("可以再画一条线，或按回车拆分。"));
  }

  /** The line as it grows: what would come of it, where that can be said already. */
  #drawing(line, isStroke = false) {
    if (line.length < 2) return;
    // A stroke is a line to be judged; one that is being put together out of clicks may well be refused half-way.
    const how = { quiet: !isStroke };
    if (this.tool === "reshape") {
      const args = this.reshape.redrawn(line);
      if (args) this.#try("redraw", { ...args, outer: this.panel.outer }, how);
      else if (isStroke) notify(gettext("请从界线上的一处画到另一处。"));
    }
    if (this.tool === "transfer" && isStroke) this.draw.end();
    if (this.tool !== "split") return;
    const lines = [...this.#lines, line];
    const grid = this.#splitGrid(lines[0]);
    if (grid && this.#isFree(grid)) this.#try("split", { grid: grid.id, lines }, how);
  }

  async #split() {
    const lines = this.#lines;
    const grid = this.#splitGrid(lines[0]);
    this.#lines = [];
    if (!grid) return notify(gettext("线不在任何网格内，请重画。"));
    const answer = await this.commit("split", { grid: grid.id, lines });
    if (answer && this.tool === "split") this.panel.tool("split");
    return undefined;
  }

  /** The grid to be split: the one selected, or the one in which the line's middle lies. */
  #splitGrid(line) {
    const [a, b] = line.length === 2 ? line : [line[Math.floor((line.length - 1) / 2)], line[Math.ceil((line.length - 1) / 2)]];
    const middle = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    return this.sheet.grid(this.#page.selected()) ?? this.sheet.gridAt(this.#page.level(), middle);
  }

  /** Whether a grid may be changed; where it is locked, that is said. */
  #isFree(grid) {
    if (grid.locked) this.panel.hint(locked(grid.name));
    return !grid.locked;
  }

  #choose(grid) {
    if (grid && this.#isFree(grid)) this.choose.toggle(grid.id);
  }

  async #merge() {
    const grids = this.choose.ids;
    this.choose.clear();
    await this.commit("merge", { grids });
  }

  /** What giving the ring to the grid under the pointer would come to. */
  #offer(place) {
    const to = this.sheet.gridAt(this.#page.level(), place)?.id;
    if (!to || to === this.#offered) return;
    this.#offered = to;
    if (!this.#isFree(this.sheet.grid(to))) return;
    // Too much overlap is to be known before the drop.
    this.#try(this.tool, RINGS[this.tool](this.#receiver, to), { quiet: this.tool !== "extend" });
  }

  async #give(to) {
    if (!to || !this.#isFree(this.sheet.grid(to))) return;
    const ring = this.#receiver;
    this.#receiver = this.#offered = null;
    const answer = await this.commit(this.tool, RINGS[this.tool](ring, to));
    // What was wrong, and where, stays to be read.
    if (answer || this.tool === "transfer") this.#tool(this.tool);
    else this.draw.begin();
  }

  /** Asks what an edit would come to; null: it is of no interest any more. */
  #try(op, args, how) {
    if (op && this.active) return this.#trial.want(op, args, how);
    this.#trial.drop();
    return this.tried.clear();
  }

  #foreseen(answer, { op, args }) {
    this.tried.clear();
    if (op === "redraw") this.tried.foresee(args, this.sheet.newEdges(answer.changed));
    this.tried.rules(answer.broken, (rule) => this.panel.point(rule));
    this.reshape.measured(answer.measures);
    this.panel.result(answer, { trial: this.reshape.held ? gettext("松手后：") : gettext("保存后："), sheet: this.sheet });
  }

  #forewarned(error) {
    this.tried.clear();
    this.tried.faults(error.where, (number) => this.panel.pointFault(number));
    this.panel.refused(error, (geometry) => this.outcome.look(geometry), { isTrial: true });
  }

  #news(news) {
    const levels = this.sheet.levels;
    this.sheet.patch(news);
    const names = String(this.#plan.level_names);
    if (this.sheet.levels !== levels || names !== this.#levelNames) this.#page.levels();
    this.#levelNames = names;
    this.#page.redraw();
    if (this.tool === "reshape") this.reshape.refresh();
    // What a line in the making would come to may have changed.
    if (this.draw.active && this.tool !== "transfer") this.#drawing(this.draw.points);
    const others = (news.edits ?? []).filter(({ mine }) => !mine);
    if (others.length) notify(others.map(({ author, label }) => `${author}：${label}`).join("\n"));
    this.panel.steps();
  }

  #done(answer) {
    this.outcome.clear();
    this.panel.result(answer, { sheet: this.sheet });
    this.outcome.rules(answer.broken, (rule) => this.panel.point(rule));
    this.#page.mark([]);
  }

  #refused(error, attempt) {
    this.outcome.clear();
    if (error.code === "edit_conflict" && attempt) {
      // The border itself would hide what the colleague made of it.
      this.reshape.rest();
      this.outcome.conflict(error.where, this.sheet, attempt);
      this.panel.conflict(error, {
        theirs: () => { this.outcome.clear(); this.reshape.resume(); this.#say(); },
        mine: () => this.#again(attempt),
      });
    } else {
      this.outcome.faults(error.where, (number) => this.panel.pointFault(number));
      this.panel.refused(error, (geometry) => this.outcome.look(geometry));
    }
  }

  /** An edit that others were quicker than, on the borders as they are now. */
  #again({ op, args }) {
    this.reshape.resume();
    let now = this.sheet.onPresent(args);
    // Where the stretch itself is gone, the line leads from the border that is there now.
    if (op === "redraw" && now.old === args.old) now = this.reshape.redrawn(args.new);
    if (!now) return notify(gettext("对方已把界线移远，接不上您画的线，请重画。"));
    return this.commit(op, { ...args, ...now });
  }

  /** What the tool in hand wants to be done. */
  #say() {
    if (this.tool === "reshape") this.reshape.say();
    else this.panel.tool(this.tool);
  }

  /** Edits that have not reached the server: shown, and sent again in their order or given up. */
  #offerUnsent() {
    const waiting = this.#desk?.unsent.all ?? [];
    if (!waiting.length) return;
    this.outcome.clear();
    this.outcome.conflict(null, this.sheet, ...waiting);
    this.panel.unsent(waiting.length, {
      again: async () => {
        this.outcome.clear();
        for (const attempt of waiting) if (!(await this.#desk.send(attempt))) break;
        if (this.#desk.unsent.all.length) this.panel.waiting(this.#desk.unsent.all.length, () => this.#offerUnsent());
      },
      forget: () => { this.#desk.unsent.forgetAll(); this.outcome.clear(); this.#say(); },
    });
  }

  #key(event) {
    if (!this.active || event.target.matches("input:not([type=checkbox], [type=radio]), select, textarea")) return;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && key === "z") {
      event.preventDefault();
      if (event.shiftKey) this.#desk.again();
      else this.#desk.back();
    } else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (key === "d" && this.reshape.border && !this.draw.active) this.#redraw();
    else if (KEYS[key]) this.#page.choose(KEYS[key]);
    else if (key === "enter" && !event.target.closest("button, a, summary, [data-handle]")) this.finish();
    else if (key === "backspace" && this.draw.active && event.target === byId("map")) this.draw.back();
  }
}
