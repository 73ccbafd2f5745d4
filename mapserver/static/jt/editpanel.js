/** The upper part of the panel while a draft is edited: undo and redo by name, what the tool wants, what an edit came to. */
import { get } from "jt/api";
import { byId, data, el, icon, notify } from "jt/dom";
import { problem } from "jt/panel";
import { fill, moment } from "jt/text";
import { brokenList, measureTable } from "jt/measures";

const { gettext } = window;

export class EditPanel {
  #act;
  #box = byId("edit-panel");
  #desk = null;
  #isTrial = false;
  #names = null;
  #limit = 0;
  #hint = el("p", { class: "note", id: "edit-hint" });
  #options = el("div", { class: "edit-options" });
  #result = el("div", { class: "edit-result", role: "status" });
  #history = el("details", { class: "history" }, el("summary", {}, icon("history"), gettext("历史")), el("ol", { class: "rows" }));
  #outer = el("input", { type: "checkbox" });
  #several = el("input", { type: "checkbox" });

  constructor(act) {
    this.#act = act;
    this.#history.addEventListener("toggle", () => this.#history.open && this.#fillHistory());
  }

  /** Whether the border of the service area may move. */
  get outer() { return this.#outer.checked; }

  /** Whether a split takes several lines. */
  get several() { return this.#several.checked; }

  open(desk, plan) {
    this.#desk = desk;
    this.#limit = plan.overlap_limit;
    this.#names ??= get("measures").catch(() => []);
    this.#result.replaceChildren();
    this.#box.hidden = false;
    this.steps();
    this.tool("select");
  }

  close() {
    this.#desk = null;
    this.#box.hidden = true;
  }

  busy(busy) { this.#box.toggleAttribute("aria-busy", busy); }

  /** Undo and redo, with the names of the steps. */
  steps() {
    if (!this.#desk) return;
    const { undo, redo } = this.#desk;
    const button = (id, sign, word, label, key, action) =>
      el("button", { id, type: "button", disabled: !label, title: `${label ? `${word}: ${label}` : word} (${key})`, onclick: action },
        icon(sign), el("span", {}, label ? fill(gettext("{word}: {label}"), { word, label }) : word));
    this.#box.replaceChildren(
      el("div", { class: "steps" },
        button("undo", "undo-2", gettext("撤销"), undo, "Ctrl-Z", this.#act.undo),
        button("redo", "redo-2", gettext("重做"), redo, "Ctrl-Shift-Z", this.#act.redo)),
      this.#hint, this.#options, this.#result, this.#history,
    );
    if (this.#history.open) this.#fillHistory();
  }

  hint(text) { this.#hint.textContent = text; }

  /** What a tool wants to be done, and its options. */
  tool(tool) {
    this.hint({
      select: gettext("点选一个网格，查看或修改它。"),
      reshape: gettext("点选一条界线，再拖动它的顶点。"),
      "reshape-draw": gettext("从界线上一处画到另一处，可以经过其他界线的端点；右侧先显示结果，再双击、按回车或“画完”保存。"),
      split: gettext("画一条穿过网格的线，双击或按回车结束；首尾相接则挖出一块。"),
      merge: gettext("依次点选要合并的网格，第一个保留编码。"),
      transfer: gettext("先圈出要移交的一片，再点选接收的网格。"),
      extend: fill(gettext("圈出邻格的一片，再点选要延伸到这里的网格；两格须同属一个上级，且都没有下级网格。邻格不变，两格在此交叉。一个网格最多有自身面积的 {limit}% 与同级网格交叉。"), { limit: Number((100 * this.#limit).toPrecision(3)) }),
      withdraw: gettext("圈住交叉的地方，再点选要从这里收缩的网格；土地仍归与它交叉的邻格。"),
    }[tool] ?? "");
    const isDrawing = ["split", "transfer", "extend", "withdraw", "reshape-draw"].includes(tool);
    const option = (text, box) => el("label", { class: "check" }, box, text);
    const flag = (name) =>
      el("input", { type: "checkbox", checked: this.#act.draw[name], onchange: ({ target }) => (this.#act.draw[name] = target.checked) });
    this.#options.replaceChildren(...[
      isDrawing && option(gettext("沿街描线"), flag("trace")),
      isDrawing && option(gettext("手绘 (按住画)"), flag("freehand")),
      (isDrawing || tool === "reshape") && this.#act.snap.switches(),
      tool === "split" && option(gettext("画多条线"), this.#several),
      tool === "reshape" && option(gettext("允许移动服务区域的外界线"), this.#outer),
      (isDrawing || tool === "merge") && el("div", { class: "actions" },
        el("button", { type: "button", class: "primary", id: "finish", onclick: this.#act.end }, tool === "merge" ? gettext("合并") : gettext("画完")),
        el("button", { type: "button", onclick: this.#act.cancel }, gettext("取消"))),
    ].filter(Boolean));
  }

  /** The two names that the picked border separates, and who of those beside it is locked. @param {string[]|null} names */
  picked(names, locks) {
    if (!this.#desk) return;
    this.tool("reshape");
    if (!names) return;
    this.#hint.replaceChildren(gettext("界线："), data(names.join(" ｜ ")), names.length < 2 ? ` ${gettext("(外界线)")}` : "");
    if (locks.names.length) {
      const text = locks.isFixed
        ? gettext("{names} 已锁定，这条界线不能移动。要移动它，请先选中该网格，在“修改”中解除锁定。")
        : gettext("{names} 已锁定，与它相接的顶点不能移动。");
      this.#options.append(el("p", { class: "note", id: "locked-note" }, icon("lock"), " ", fill(text, { names: locks.names.join("、") })));
    }
    if (locks.isFixed) return;
    const metres = el("input", { type: "number", min: 1, max: 200, value: 20, "aria-label": gettext("容差 (米)") });
    const attempt = (work) => async () => {
      try {
        await work();
      } catch (error) {
        this.warn(error);
      }
    };
    this.#options.append(el("div", { class: "actions" },
      el("button", { type: "button", id: "redraw", title: "D", "aria-keyshortcuts": "d", onclick: this.#act.again }, gettext("重画")),
      el("button", { type: "button", id: "straighten", onclick: attempt(() => this.#act.reshape.straighten()) }, gettext("拉直")),
      el("span", { class: "with-number" },
        el("button", { type: "button", id: "align", onclick: attempt(() => this.#act.reshape.align(Number(metres.value) || 20)) }, gettext("贴合街道")),
        metres, gettext("米"))));
  }

  /** A piece has been drawn round; the grid that it is for is to be chosen. @param {"transfer"|"extend"|"withdraw"} tool */
  ringed(tool) {
    this.hint({
      transfer: gettext("再点选接收的网格。"), extend: gettext("再点选要延伸到这里的网格。"), withdraw: gettext("再点选要从这里收缩的网格。"),
    }[tool]);
    byId("finish").remove();
  }

  /** A new line is shown: to be saved, or not. */
  proposed() {
    this.hint(gettext("图上虚线是原来的界线，实线是新的；尚未保存。"));
    const accept = el("button", { type: "button", class: "primary", id: "accept", onclick: this.#act.end }, gettext("保存"));
    this.#options.replaceChildren(el("div", { class: "actions" }, accept,
      el("button", { type: "button", id: "decline", onclick: this.#act.cancel }, gettext("取消"))));
    accept.focus();
  }

  /** A vertex is chosen, and can be taken away; a node stays. @param {(() => void)|null} remove */
  vertex(remove) {
    byId("delete-vertex")?.remove();
    if (remove) this.#options.append(el("button", { type: "button", id: "delete-vertex", onclick: remove }, gettext("删除顶点")));
  }

  /** The grids chosen for a merge. */
  chosen(grids) {
    if (this.#desk && grids.length)
      this.#hint.replaceChildren(gettext("合并："), data(grids.map(({ name }) => name).join("、")));
  }

  /** Measures before and after, and the rules broken now. @param {{trial?: string, sheet: object}} how  trial: what to write above, where nothing is saved yet */
  async result(answer, { trial, sheet }) {
    const names = await this.#names;
    this.#isTrial = trial !== undefined;
    const title = trial ?? answer.edit?.label;
    this.#result.replaceChildren(
      el("p", {}, el("strong", { translate: "no" }, title ?? "")),
      measureTable(answer, names, sheet),
      ...brokenList(answer.broken, this.#act.look),
    );
  }

  /** What an edit would have come to is of no interest any more. */
  forget() { if (this.#isTrial) this.#result.replaceChildren(); }

  /** An error that has no place on the map. */
  warn(error) { this.#result.replaceChildren(problem(error)); }

  /** What was wrong, and where: the numbers are those on the map. */
  refused(error, look, { isTrial = false } = {}) {
    this.#isTrial = isTrial;
    const places = (error.where?.features ?? []).filter(({ properties, geometry }) => properties?.number && geometry);
    this.#result.replaceChildren(
      problem(error),
      el("ol", { class: "rows" }, places.map(({ properties: { number }, geometry }) =>
        el("li", { id: `fault-${number}` }, el("span", { class: "pin" }, String(number)),
          el("button", { type: "button", class: "link", onclick: () => look(geometry) }, gettext("在图上查看"))))),
    );
  }

  pointFault(number) { byId(`fault-${number}`)?.querySelector("button").focus(); }

  point(number) { byId(`rule-${number}`)?.querySelector("button").focus(); }

  /** Two versions: theirs is in force, mine is not. */
  conflict(error, { theirs, mine }) {
    this.#result.replaceChildren(
      problem(error),
      el("p", { class: "note" }, gettext("图上：蓝色虚线是您的，红色实线是对方的。")),
      el("div", { class: "actions" },
        el("button", { type: "button", class: "primary", id: "theirs", onclick: () => { this.#result.replaceChildren(); theirs(); } }, gettext("采用对方的")),
        el("button", { type: "button", id: "mine", onclick: mine }, gettext("重做我的"))),
    );
  }

  /** Edits that have not reached the server. */
  unsent(number, { again, forget }) {
    const text = number > 1
      ? fill(gettext("连接不上服务器，有 {n} 步没有保存，已按顺序留在本机。"), { n: number })
      : gettext("这一步没有送到服务器，已留在本机。");
    this.#result.replaceChildren(
      el("div", { class: "message warning", role: "alert" }, el("p", {}, text)),
      el("div", { class: "actions" },
        el("button", { type: "button", class: "primary", id: "resend", onclick: again }, gettext("重新提交")),
        el("button", { type: "button", id: "forget", onclick: () => { this.#result.replaceChildren(); forget(); } }, gettext("放弃"))),
    );
  }

  /** Below what became of one edit: that others still wait. */
  waiting(number, show) {
    if (byId("resend")) return;
    this.#result.append(el("p", {}, fill(gettext("还有 {n} 步没有提交。"), { n: number }), " ",
      el("button", { type: "button", id: "waiting", onclick: show }, gettext("查看"))));
  }

  async #fillHistory() {
    try {
      const steps = await this.#act.history();
      this.#history.querySelector("ol").replaceChildren(...steps.map((step) =>
        el("li", { class: step.undone ? "undone" : null },
          el("button", { type: "button", class: "link", onclick: () => this.#showStep(step.id) }, step.label),
          el("span", { class: "note" }, data(step.author), " ", el("span", { class: "figures" }, moment(step.made_at)),
            step.undone && ` ${gettext("已撤销")}`))));
    } catch (error) {
      notify(error.message);
    }
  }

  async #showStep(id) {
    const step = await this.#act.step(id);
    this.#act.show(step);
    const canUndo = !step.undone && !["undo", "redo"].includes(step.op);
    const field = { name: gettext("名称"), code: gettext("编码"), bank_code: gettext("行内编码"), kind: gettext("类别"), locked: gettext("锁定") };
    const shown = (value) => ({ urban: gettext("城区"), rural: gettext("农村"), true: gettext("是"), false: gettext("否") })[value] ?? String(value);
    this.#result.replaceChildren(
      el("p", {}, el("strong", { translate: "no" }, step.label)),
      el("p", { class: "note" }, gettext("图上：红色虚线是原来的，绿色实线是改后的。")),
      ...step.facts.map((fact) => el("p", {}, data(fact.name), " ", field[fact.field] ?? fact.field, gettext("："), data(`${shown(fact.before)} → ${shown(fact.after)}`))),
      ...(canUndo ? [el("button", { type: "button", id: "undo-step", onclick: () => this.#act.undoStep(id) }, gettext("撤销这一步"))] : []),
    );
    // The list may be long, and the step far down in it.
    this.#result.scrollIntoView({ block: "nearest" });
  }
}

