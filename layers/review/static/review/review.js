/** A plan beside another: what moves, on the map and in tables; comments; and the decision. */
import { get } from "jt/api";
import { byId, data, el } from "jt/dom";
import { area, count, fill, inReadersLanguage } from "jt/text";
import { coverageRule, day, outcome, say, send, stepsOf } from "./common.js";
import { Drawing } from "./drawing.js";

const { gettext } = window;
const page = JSON.parse(byId("page").textContent);
const CHANGES = { added: gettext("新增"), removed: gettext("不再设置"), changed: gettext("界线调整"), renamed: gettext("资料更改") };
const MOST_ROWS = 300;

class ReviewPage {
  #drawing = new Drawing();
  #compared = null;
  #comments = [];
  #spot = null;

  async open() {
    byId("with")?.addEventListener("change", () => this.#guard(() => this.#compare(byId("with").value)));
    byId("comment").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#guard(() => this.#say());
    });
    this.#drawing.view.on("click", (place) => this.#point(place));
    await this.#guard(async () => {
      await this.#plan();
      const upper = await get(`plans/${page.plan}/grids`, { level: 1 });
      this.#drawing.context(upper.features);
      if (page.with) await this.#compare(page.with);
      else byId("result").replaceChildren();
    });
    document.body.dataset.ready = "true";
  }

  async #guard(action) {
    try {
      await action();
    } catch (error) {
      if (error.code === "plans_clash") this.#clash(error);
      say("fault", error.message);
    }
  }

  async #plan() {
    const plan = await get(`plans/${page.plan}`);
    byId("status").textContent = plan.status_label;
    const steps = stepsOf(plan, page.today).filter(({ id }) => id !== "copy" && id !== "empty");
    byId("steps").replaceChildren(
      ...steps.map((step) => el("button", { type: "button", class: step.primary ? "primary" : "", "data-step": step.id,
        onclick: () => this.#guard(() => this.#take(step)) }, step.text)),
      ...(page.behind ? [el("button", { type: "button", "data-step": "rebase", onclick: () => this.#guard(() => this.#rebase()) }, gettext("合入现行方案"))] : []),
      el("a", { class: "button", href: `/?plan=${plan.id}` }, gettext("在地图上打开")),
    );
    await this.#coverage(plan);
    byId("comment").hidden = !plan.can_comment;
    if (plan.can_comment) this.#comments = await get(`plans/${plan.id}/comments`);
    this.#showComments(plan.can_comment);
    await this.#links(plan);
    const decisions = await get(`plans/${plan.id}/decisions`).catch(() => []);
    byId("history").replaceChildren(...decisions.map((one) =>
      el("li", {}, el("strong", {}, one.label), " ", data(one.author), one.note && el("p", {}, data(one.note)),
        el("small", {}, day(one.made_at), " · ", fill(gettext("版本 {n}"), { n: one.revision })))));
  }

  /** The links that still show the plan to anybody who has one, each to be taken back. */
  async #links(plan) {
    const links = plan.can_share ? await get(`plans/${plan.id}/share`) : [];
    byId("links-part").hidden = !links.length;
    byId("links").replaceChildren(...links.map((link) => el("li", {},
      fill(gettext("{name}于 {day} 建立, 有效期至 {until}"), { name: link.made_by, day: day(link.made_at), until: day(link.expires_at) }),
      el("span", { class: "step-buttons" }, el("button", { type: "button", class: "quiet", "data-revoke": link.id, onclick: () => this.#guard(async () => {
        await send("DELETE", `plans/${plan.id}/share/${link.id}`);
        await this.#links(plan);
      }) }, gettext("撤回"))))));
  }

  /** Whether the plan covers its area, and by which rule. */
  async #coverage(plan) {
    const { exact, defects, policy_label, overlap_limit } = await get(`plans/${plan.id}/coverage`);
    const verdict = !exact ? fill(gettext("覆盖检查: {n} 处问题"), { n: count(defects.features.length || 1) })
      : overlap_limit > 0 ? gettext("覆盖检查 ✓ 无缺口, 交叉未超上限") : gettext("覆盖检查 ✓ 无缺口, 无重叠");
    byId("coverage").replaceChildren(el("span", { class: exact ? "good" : "bad" }, verdict), " · ", coverageRule({ policy_label, overlap_limit }));
  }

  async #take(step) {
    const answer = await step.take();
    if (!answer && step.id !== "share") return;
    await this.#plan();
    if (answer) say("said", outcome(step.id, answer));
  }

  async #compare(other) {
    byId("result").replaceChildren(el("p", { class: "note" }, gettext("正在对照…")));
    delete document.body.dataset.compared;
    this.#compared = await get(`plans/${other}/compare/${page.plan}`);
    this.#drawing.compare(this.#compared);
    this.#pins();
    byId("result").replaceChildren(...this.#tables(this.#compared));
    document.body.dataset.compared = other;
  }

  #tables({ summary, grids, land, people, warnings, broken, points }) {
    const link = (text, feature) => el("button", { type: "button", class: "link", onclick: () => this.#drawing.fit([feature]) }, data(text));
    const table = (heads, rows) => el("div", { class: "scroll" }, el("table", { class: "table" },
      el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, rows.slice(0, MOST_ROWS))));
    const section = (title, body, rows) => rows.length ? [el("h2", {}, `${title} (${count(rows.length)})`), body] : [];
    const sum = (n, text) => el("li", {}, el("strong", {}, typeof n === "number" ? count(n) : n), ` ${text}`);
    return [
      el("ul", { class: "sums" }, sum(summary.changed, CHANGES.changed), sum(summary.added, CHANGES.added), sum(summary.removed, CHANGES.removed),
        sum(area(summary.moved_m2), gettext("换归属")), sum(summary.people, gettext("人受影响")), sum(summary.points, gettext("处网点机具换归属"))),
      grids.length === 0 && el("p", { class: "message" }, gettext("两个方案的网格相同。")),
      ...section(gettext("请留意"), el("ul", { class: "notices" }, warnings.map((one, i) => el("li", {}, this.#number(i + 1, one.label), " ",
        fill(gettext("{name}任{kind}仅 {days} 天, 未满 {least} 天, 其网格有变动。"), { name: one.name, kind: one.kind_label, days: one.days, least: one.least_days }),
        el("small", {}, data(one.from.name))))), warnings),
      ...section(gettext("违反的规则"), el("ul", { class: "notices" }, broken.slice(0, MOST_ROWS).map((one, i) =>
        el("li", {}, this.#number(warnings.length + i + 1, one.label), " ", data(inReadersLanguage({ zh: one.message_zh, en: one.message_en }))))), broken),
      ...section(gettext("网格"), table(
        [gettext("网格"), gettext("面积"), gettext("户数"), gettext("网点"), gettext("取款点")],
        grids.map((row) => el("tr", {},
          el("td", {}, el("button", { type: "button", class: "link", onclick: () => this.#drawing.view.fit(row.bbox) }, data(row.name)),
            el("small", {}, data(row.code, { class: "code" }), " ", CHANGES[row.change]), served(row, people)),
          el("td", { class: "number" }, pair(row, (one) => area(one.area_m2, Math.max(row.before?.area_m2 ?? 0, row.after?.area_m2 ?? 0)))),
          el("td", { class: "number" }, pair(row, ({ households: { value, estimated } }) =>
            value === null ? "—" : `${estimated ? gettext("约") : ""} ${count(value)}`)),
          ["outlets", "cash_points"].map((name) => el("td", { class: "number" }, pair(row, (one) => (one[name].value === null ? "—" : count(one[name].value)))))))), grids),
      ...section(gettext("换归属的范围"), table(
        [gettext("从"), gettext("到"), gettext("面积")],
        land.features.map((one) => el("tr", {}, el("td", {}, link(one.properties.from.name, one)), el("td", {}, data(one.properties.to.name)),
          el("td", { class: "number" }, area(one.properties.area_m2))))), land.features),
      ...section(gettext("责任人"), table(
        [gettext("姓名"), gettext("从"), gettext("到")],
        people.map((one) => el("tr", {}, el("td", {}, data(one.name), el("small", {}, one.kind_label)), el("td", {}, data(one.from.name)),
          el("td", {}, one.to ? data(one.to.name) : "—")))), people),
      ...section(gettext("网点与机具"), table(
        [gettext("名称"), gettext("从"), gettext("到")],
        points.map((one) => el("tr", {}, el("td", {}, data(one.name)), el("td", {}, data(one.from.name)), el("td", {}, data(one.to.name))))), points),
    ].filter(Boolean);
  }

  /** The number of a pin, to look at it. */
  #number(number, place) {
    return el("button", { type: "button", class: "pin rule", id: `pin-${number}`, title: gettext("看位置"), onclick: () => this.#drawing.view.look(place, 16) }, String(number));
  }

  #point(place) {
    if (byId("comment").hidden) return;
    this.#spot = place;
    byId("pinned").hidden = false;
    byId("pinned").textContent = fill(gettext("位置: {place}"), { place: place.map((x) => x.toFixed(6)).join(", ") });
    this.#pins();
  }

  async #say() {
    const text = byId("comment").elements.text;
    const [lon, lat] = this.#spot ?? [null, null];
    await send("POST", `plans/${page.plan}/comments`, { text: text.value, lon, lat });
    text.value = "";
    this.#spot = null;
    byId("pinned").hidden = true;
    await this.#plan();
  }

  #showComments(mayResolve) {
    byId("comments").replaceChildren(...(this.#comments.length ? this.#comments.map((one, i) => el("li", { class: one.resolved_at ? "done" : "new" },
      el("strong", {}, `${i + 1} `), data(one.text),
      el("small", {}, data(one.author), " · ", day(one.made_at), one.resolved_at && ` · ${gettext("已处理")}`),
      el("span", { class: "step-buttons" },
        one.place && el("button", { type: "button", class: "quiet", onclick: () => this.#drawing.view.look(one.place, 16) }, gettext("看位置")),
        mayResolve && !one.resolved_at && el("button", { type: "button", class: "quiet", onclick: () => this.#guard(async () => {
          await send("POST", `plans/${page.plan}/comments/${one.id}/resolve`);
          await this.#plan();
        }) }, gettext("标为已处理")))))
      : [el("li", { class: "done" }, gettext("还没有意见。"))]));
    this.#pins();
  }

  #pins() {
    const warned = [...(this.#compared?.warnings ?? []).map((one) => ({ place: one.label, title: one.name })),
      ...(this.#compared?.broken ?? []).map((one) => ({ place: one.label, title: inReadersLanguage({ zh: one.message_zh, en: one.message_en }) }))];
    this.#drawing.pins([
      ...this.#comments.map((one, i) => ({ ...one, number: i + 1 })).filter((one) => one.place && !one.resolved_at)
        .map(({ place, number, text }) => ({ place, text: String(number), kind: "comment", title: text })),
      ...(this.#spot ? [{ place: this.#spot, text: "+", kind: "placing", title: gettext("意见的位置") }] : []),
      ...warned.map(({ place, title }, i) => ({ place, title, text: String(i + 1), kind: "rule", onClick: () => byId(`pin-${i + 1}`)?.focus() })),
    ]);
  }

  async #rebase(resolve = {}) {
    const answer = await send("POST", `plans/${page.plan}/rebase`, { resolve });
    page.behind = false;
    byId("clash").replaceChildren();
    this.#drawing.clash([]);
    await this.#plan();
    if (byId("with")) await this.#compare(byId("with").value);
    say("said", fill(gettext("已合入现行方案的 {n} 个网格。"), { n: answer.taken.length }));
  }

  /** Both versions on the map, and a choice for each place. */
  #clash({ where, details: { clashes, current } }) {
    this.#drawing.clash(where.features);
    const form = el("form", {}, el("h2", {}, gettext("请选择采用哪一方")),
      clashes.map(({ number, names, codes }) => el("fieldset", { class: "clash-choice", "data-codes": codes.join(" ") },
        el("legend", {}, `${number} `, data(names.slice(0, 6).join("、"))),
        [["mine", gettext("本方案 (蓝)")], ["theirs", fill(gettext("“{name}” (橙)"), { name: current.name })]].map(([side, text]) =>
          el("label", {}, el("input", { type: "radio", name: `clash${number}`, value: side, required: true }), text)))),
      page.behind && el("button", { type: "submit", class: "primary" }, gettext("按选择合入")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const resolve = {};
      for (const { number, codes } of clashes) for (const code of codes) resolve[code] = form.elements[`clash${number}`].value;
      this.#guard(() => this.#rebase(resolve));
    });
    byId("clash").replaceChildren(form);
  }
}

function pair({ before, after }, text) {
  // A value and its unit stay on one line.
  const shown = (facts) => text(facts).trim().replaceAll(" ", "\u00a0");
  if (!before) return shown(after);
  if (!after) return shown(before);
  return shown(before) === shown(after) ? shown(after) : `${shown(before)}\u00a0→ ${shown(after)}`;
}

/** Who serves a grid before or afterwards, of those whom the plan concerns. */
function served({ code }, people) {
  const names = people.filter(({ from, to }) => [from.code, to?.code].includes(code)).map(({ name }) => name);
  return names.length > 0 && el("small", {}, gettext("责任人"), " ", data(names.join("、")));
}

new ReviewPage().open();
