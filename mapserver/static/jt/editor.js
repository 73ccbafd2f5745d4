/** Editing a draft on the map: which tool is in hand, what the map's clicks mean to it, and what comes of an edit. */
import { Choose } from "jt/choose";
import { Desk } from "jt/desk";
import { byId, notify } from "jt/dom";
import { Draw } from "jt/draw";
import { EditPanel } from "jt/editpanel";
import { Outcome } from "jt/outcome";
import { Reshape } from "jt/reshape";
import { Sheet } from "jt/sheet";

const { gettext } = window;
const KEYS = { v: "select", r: "reshape", s: "split", m: "merge", t: "transfer" };
const DRAWING = ["split", "transfer"];
const TRY_AFTER = 350;

export class Editor {
  #view;
  #page;
  #plan = null;
  #desk = null;
  #preview = { timer: 0, stop: null };
  #receiver = null;
  #lines = [];
  sheet = null;
  tool = "select";

  /**
   * @param {import("jt/view").View} view
   * @param {{level: () => number, selected: () => number|undefined, redraw: () => void, levels: () => void,
   *          mark: (ids: number[]) => void, choose: (tool: string) => void, look: (id: number) => void}} page
   */
  constructor(view, page) {
    this.#view = view;
    this.#page = page;
    this.outcome = new Outcome(view);
    this.draw = new Draw(view, () => this.sheet, (line, closed) => this.#drawn(line, closed));
    this.reshape = new Reshape({
      view, sheet: () => this.sheet, level: page.level, outer: () => this.panel.outer,
      commit: (op, args) => this.commit(op, args), preview: (op, args) => this.#try(op, args),
      onPick: (names) => this.panel.picked(names),
    });
    this.choose = new Choose((ids) => { page.mark(ids); this.panel.chosen(ids.map((id) => this.sheet.grid(id))); });
    this.panel = new EditPanel({
      undo: () => this.#desk.back(), redo: () => this.#desk.again(), end: () => this.finish(),
      cancel: () => this.escape(), look: page.look, draw: this.draw, reshape: this.reshape,
      again: () => this.#tool("reshape-draw"),
      history: () => this.#desk.history(), step: (id) => this.#desk.step(id), show: (drawn) => this.outcome.showStep(drawn),
    });
    view.on("moved", () => {
      if (!this.active) return;
      if (this.tool === "reshape") this.reshape.draw();
      this.draw.lookAround();
    });
    view.on("pointer", (place) => {
      if (this.tool === "reshape") this.reshape.hover(place);
      else if (this.draw.active) this.draw.point(place);
    });
    view.on("twice", () => this.draw.active && this.draw.end());
    document.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("online", () => this.active && this.#offerUnsent());
  }

  get active() { return this.#desk !== null; }

  /** Takes a draft up. @returns {Sheet} what is to be drawn from now on */
  open(plan, topology) {
    this.close();
    this.#plan = plan;
    this.sheet = new Sheet(topology);
    this.#desk = new Desk(plan, {
      onNews: (news) => this.#news(news),
      onDone: (answer, attempt) => this.#done(answer, attempt),
      onRefused: (error, attempt) => this.#refused(error, attempt),
      onUnsent: () => this.#offerUnsent(),
      onBusy: (busy) => this.panel.busy(busy),
    });
    document.body.classList.add("editing");
    this.panel.open(this.#desk);
    this.#desk.poll().then(() => this.panel.steps(), () => {});
    this.#offerUnsent();
    return this.sheet;
  }

  close() {
    if (!this.#desk) return;
    this.#desk.stop();
    this.#desk = this.sheet = null;
    this.#put();
    this.outcome.clear();
    this.panel.close();
    document.body.classList.remove("editing");
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
    else if (this.tool === "merge") this.choose.toggle(this.sheet.gridAt(this.#page.level(), place)?.id);
    else if (this.tool === "transfer" && this.#receiver) this.#give(this.sheet.gridAt(this.#page.level(), place)?.id);
    else return false;
    return true;
  }

  /** Enter, or the button: ends what is begun. */
  finish() {
    if (this.draw.active && this.draw.points.length) return this.draw.end();
    if (this.tool === "split" && this.#lines.length) return this.#split();
    if (this.tool === "merge" && this.choose.ids.length > 1) return this.#merge();
    return undefined;
  }

  /** Puts away one thing. @returns {boolean} whether there was any */
  escape() {
    if (!this.active || this.tool === "select" || this.tool === "locate") return false;
    if (this.draw.active && this.draw.cancel()) return true;
    if (this.#receiver || this.#lines.length || this.choose.ids.length || this.reshape.border) {
      this.#put();
      this.#tool(this.tool);
      return true;
    }
    this.#page.choose("select");
    return true;
  }

  /** @returns {Promise<object|null>} the answer, or null where it was refused */
  commit(op, args) {
    this.#try(null);
    this.outcome.clear();
    return this.#desk.commit(op, args);
  }

  #tool(tool) {
    this.panel.tool(tool);
    if (DRAWING.includes(tool) || tool === "reshape-draw") {
      this.draw.begin();
      this.draw.lookAround();
    }
  }

  #put() {
    this.draw.leave();
    this.reshape.stop();
    this.choose.clear();
    this.#receiver = null;
    this.#lines = [];
    this.#page.mark([]);
    notify("");
  }

  async #drawn(line, closed) {
    if (this.tool === "reshape") {
      this.draw.leave();
      await this.reshape.redraw(line);
      return this.panel.tool("reshape");
    }
    if (this.tool === "transfer") {
      this.#receiver = closed ? line : [...line, line[0]];
      this.draw.leave();
      this.outcome.sketch([this.#receiver], true);
      return this.panel.hint(gettext("再点选接收的网格。"));
    }
    this.#lines.push(line);
    if (!this.panel.several) return this.#split();
    this.outcome.sketch(this.#lines);
    return this.panel.hint(gettext("可以再画一条线，或按回车拆分。"));
  }

  /** The grid to be split: the one selected, or the one in which the line's middle lies. */
  async #split() {
    const level = this.#page.level();
    const line = this.#lines[0];
    const [a, b] = line.length === 2 ? line : [line[Math.floor((line.length - 1) / 2)], line[Math.ceil((line.length - 1) / 2)]];
    const grid = this.sheet.grid(this.#page.selected()) ?? this.sheet.gridAt(level, [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
    const lines = this.#lines;
    this.#lines = [];
    if (!grid) return notify(gettext("线不在任何网格内，请重画。"));
    const answer = await this.commit("split", { grid: grid.id, lines });
    return answer && this.panel.tool("split");
  }

  async #merge() {
    const grids = this.choose.ids;
    this.choose.clear();
    await this.commit("merge", { grids });
  }

  async #give(to) {
    if (!to) return;
    const ring = this.#receiver;
    this.#receiver = null;
    await this.commit("transfer", { ring, to });
    this.#tool("transfer");
  }

  /** What an edit would come to, asked when the hand rests. */
  #try(op, args) {
    clearTimeout(this.#preview.timer);
    this.#preview.stop?.abort();
    if (!op) return;
    const stop = new AbortController();
    this.#preview = {
      stop,
      timer: setTimeout(async () => {
        try {
          const answer = await this.#desk.tryOut(op, args, stop.signal);
          if (!stop.signal.aborted) this.panel.result(answer, { isTrial: true, sheet: this.sheet });
        } catch (error) {
          if (error.name !== "AbortError") this.panel.warn(error);
        }
      }, TRY_AFTER),
    };
  }

  #news(news) {
    const levels = this.sheet.levels;
    this.sheet.patch(news);
    if (this.sheet.levels !== levels || this.#plan.level_names.length !== levels) this.#page.levels();
    this.#page.redraw();
    if (this.tool === "reshape") this.reshape.refresh();
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
    if (error.code === "edit_conflict") {
      this.outcome.conflict(error.where, attempt);
      this.panel.conflict(error, {
        theirs: () => { this.outcome.clear(); this.panel.tool(this.tool); },
        mine: () => this.commit(attempt.op, this.sheet.onPresent(attempt.args)),
      });
    } else {
      this.outcome.faults(error.where, (number) => this.panel.pointFault(number));
      this.panel.refused(error, (geometry) => this.outcome.look(geometry));
    }
  }

  #offerUnsent() {
    const attempt = this.#desk?.unsent;
    if (!attempt) return;
    this.outcome.conflict(null, attempt);
    this.panel.unsent({
      again: () => this.commit(attempt.op, attempt.args),
      forget: () => { this.#desk.forget(); this.outcome.clear(); this.panel.tool(this.tool); },
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
    else if (KEYS[key]) this.#page.choose(KEYS[key]);
    else if (key === "enter" && !event.target.closest("button, a, summary, [data-handle]")) this.finish();
    else if (key === "backspace" && this.draw.active && event.target === byId("map")) this.draw.back();
  }
}
