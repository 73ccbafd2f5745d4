/** Dividing and evening out by the computer: a wish, a proposal on the map with its table, and then an edit or nothing. */
import { post } from "jt/api";
import { data, el } from "jt/dom";
import { problem } from "jt/panel";
import { count, figure, fill } from "jt/text";

const { gettext } = window;
const BORDER = { stroke: "#0b5fff", weight: 2.5 };
const MOST_PINS = 150;

let current = null;

/** Takes a proposal off the map whose form is gone. */
export function putAway() {
  current?.clear();
  current = null;
}

/**
 * @typedef {{plan: object, view: import("jt/view").View, apply: (operation: {op: string, args: object}) => Promise<object|null>}} Page
 * @param {number} grid
 * @param {Page} page
 */
export function partitionForm(grid, page) {
  const proposal = new Proposal(page);
  let seed = 1;
  const weight = weightChoice("partition-weight");
  const way = el("select", { id: "partition-way", onchange: () => show() },
    [["count", gettext("分成几个")], ["size", gettext("每个多大")], ["outlets", gettext("以网点为中心")]].map(([value, text]) => el("option", { value }, text)));
  const even = el("label", { class: "check", "data-way": "outlets" }, el("input", { type: "checkbox", id: "partition-even" }), gettext("再按数量调匀"));
  const fields = el("div", { class: "partition-fields" },
    el("label", {}, gettext("方式"), way), el("label", {}, gettext("按"), weight),
    number("partition-count", gettext("个数"), { min: 2, step: 1, "data-way": "count" }),
    number("partition-low", gettext("每个至少"), { min: 0, "data-way": "size" }),
    number("partition-high", gettext("每个至多"), { min: 0, "data-way": "size" }),
    number("partition-radius", gettext("服务半径 (公里)"), { min: 0, "data-way": "outlets", placeholder: gettext("按规则") }),
    number("partition-tolerance", gettext("允许偏差 (%)"), { min: 1, max: 100, placeholder: "10", "data-way": "count outlets" }), even);
  const show = () => {
    proposal.clear();
    for (const field of fields.querySelectorAll("[data-way]")) field.hidden = !field.dataset.way.split(" ").includes(way.value);
  };
  const value = (id) => Number(fields.querySelector(`#partition-${id}`).value) || undefined;
  const wish = () => {
    const common = { grid, weight: weight.value, seed };
    const tolerance = value("tolerance") && value("tolerance") / 100;
    const [parts, low, high] = ["count", "low", "high"].map(value);
    if (way.value === "outlets")
      return { ...common, around: "outlets", radius_km: value("radius"), even: even.firstChild.checked, tolerance };
    if (way.value === "size") return low && high ? { ...common, low, high } : null;
    return parts ? { ...common, count: Math.round(parts), tolerance } : null;
  };
  const propose = () => {
    const asked = wish();
    if (!asked) return proposal.warn(gettext("请填写个数，或每个的上下限。"));
    const other = way.value !== "outlets" && el("button", { type: "button", id: "partition-other", onclick: () => { seed += 1; propose(); } }, gettext("换一种分法"));
    return proposal.ask("partition", asked, other);
  };
  show();
  return section("partition", gettext("划分"), proposal, fields,
    el("button", { type: "button", id: "partition-try", onclick: () => { seed = 1; propose(); } }, gettext("试算")));
}

/**
 * Evening a grid of the lowest level out with neighbours, or getting some of a neighbour's.
 * @param {number} id @param {import("jt/sheet").Sheet} sheet @param {Page} page
 * @returns {HTMLElement|null} null where there is nobody to even out with
 */
export function rebalanceForm(id, sheet, page) {
  const own = sheet.grid(id);
  if (sheet.parents.has(id)) return null;
  const beside = [...sheet.neighbours(id)].map((other) => sheet.grid(other)).filter((other) => !sheet.parents.has(other.id));
  if (!beside.length) return null;
  const siblings = beside.filter(({ parent }) => parent === own.parent);
  const proposal = new Proposal(page);
  const weight = weightChoice("rebalance-weight");
  const boxes = siblings.map((other) => el("input", { type: "checkbox", value: other.id, checked: true }));
  const from = el("select", { id: "take-from", translate: "no" }, beside.map((other) => el("option", { value: other.id }, other.name)));
  const amount = el("input", { type: "number", id: "take-amount", min: 0, step: "any", value: 12 });
  const evenOut = () => {
    const others = boxes.filter((box) => box.checked).map((box) => Number(box.value));
    if (!others.length) return proposal.warn(gettext("请选择一个或几个邻格。"));
    return proposal.ask("rebalance", { grids: [id, ...others], weight: weight.value });
  };
  const take = () => proposal.ask("rebalance", { to: id, from: Number(from.value), amount: Number(amount.value) || 0, weight: weight.value });
  return section("rebalance", gettext("与邻格调匀"), proposal,
    el("div", { class: "partition-fields" }, el("label", {}, gettext("按"), weight)),
    siblings.length > 0 && el("fieldset", { class: "choices" }, el("legend", {}, gettext("与哪些邻格调匀")),
      siblings.map((other, i) => el("label", { class: "check" }, boxes[i], data(other.name))),
      el("button", { type: "button", id: "rebalance-try", onclick: evenOut }, gettext("试算调匀"))),
    el("fieldset", { class: "choices" }, el("legend", {}, gettext("从邻格要一些")),
      el("div", { class: "partition-fields" }, el("label", {}, gettext("邻格"), from), el("label", {}, gettext("数量"), amount)),
      el("button", { type: "button", id: "take-try", onclick: take }, gettext("试算移交"))));
}

/** A proposal of the server, shown until it is taken or put away. */
class Proposal {
  #page;
  #drawn = [];
  result = el("div", { role: "status" });

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
  }

  clear() {
    for (const drawing of this.#drawn) drawing.stop();
    this.#drawn = [];
    this.result.replaceChildren();
  }

  warn(text) { this.clear(); this.result.replaceChildren(el("p", { class: "message warning" }, text)); }

  async ask(address, wish, more) {
    putAway();
    current = this;
    const waiting = el("p", { class: "note" }, gettext("正在划分…"));
    this.result.replaceChildren(waiting);
    try {
      const answer = await post(`plans/${this.#page.plan.id}/${address}`, wish);
      if (waiting.isConnected) this.#show(answer, more);
    } catch (error) {
      if (waiting.isConnected) this.result.replaceChildren(problem(error));
    }
  }

  #show({ parts, table, summary, operation }, more) {
    const { view, apply } = this.#page;
    const draw = (work) => this.#drawn.push(view.drawing(work));
    draw(() => view.lines([{ arcs: parts.features.flatMap(({ geometry }) => geometry.coordinates.flat()), look: BORDER }], "jt-edit"));
    for (const row of table.slice(0, MOST_PINS)) {
      const title = [row.number, ...(row.outlets ?? []).map(({ name }) => name)].join(" ");
      draw(() => view.marker(row.place, el("span", { class: "pin part" }, String(row.number)), { title, onClick: () => this.#point(row.number) }));
    }
    this.result.replaceChildren(
      el("p", { class: "note" }, gettext("图上：蓝线是划分方案，尚未保存。")),
      ...(summary.moved === null ? [] : [el("p", {}, fill(gettext("移交 {n}。"), { n: figure(summary.moved) }))]),
      ...summary.notes.map((note) => el("p", { class: "message warning" }, data(note))),
      ...partsTable(table, summary, (row) => view.bring(row.place)),
      el("div", { class: "actions" },
        el("button", { type: "button", class: "primary", id: "partition-apply", onclick: () => { this.clear(); apply(operation); } }, gettext("采用")),
        more, el("button", { type: "button", onclick: () => this.clear() }, gettext("放弃"))));
    this.result.scrollIntoView({ block: "nearest" });
    if (table.some(({ place }) => !view.shows(place))) view.fit(boxOf(parts), { maxZoom: 16 });
  }

  #point(number) { this.result.querySelector(`[data-part="${number}"] button`)?.focus(); }
}

function boxOf({ features }) {
  const points = features.flatMap(({ geometry }) => geometry.coordinates.flat(2));
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const least = (values) => values.reduce((a, b) => Math.min(a, b));
  const most = (values) => values.reduce((a, b) => Math.max(a, b));
  return [least(xs), least(ys), most(xs), most(ys)];
}

function section(name, title, proposal, ...fields) {
  return el("details", { class: `partition ${name}`, ontoggle: ({ target }) => target.open || proposal.clear() },
    el("summary", {}, title), ...fields, proposal.result);
}

function number(id, label, { "data-way": way, ...attributes }) {
  return el("label", { "data-way": way }, label, el("input", { type: "number", id, step: "any", ...attributes }));
}

function weightChoice(id) {
  const weights = [["households", gettext("户数")], ["buildings", gettext("建筑数")], ["area", gettext("面积")], ["workload", gettext("工作量")]];
  return el("select", { id }, weights.map(([value, text]) => el("option", { value }, text)));
}

function partsTable(rows, { weight_label: label, estimated, count: parts, target, moved }, look) {
  const percent = (share) => (typeof share === "number" ? `${figure(Math.round(share * 1000) / 10)}%` : "–");
  const around = Boolean(rows[0]?.outlets);
  const named = around || rows.some(({ code }) => code);
  const heads = [gettext("份"), data(label), gettext("偏差"), gettext("紧凑度"), gettext("沿街"), ...(around ? [gettext("半径内")] : [])];
  const called = (row) => (row.outlets ? row.outlets.map(({ name }) => name).join("、") : row.code);
  return [
    el("p", { class: "note" }, moved === null && fill(gettext("共 {n} 份，平均 {mean}"), { n: count(parts), mean: figure(Math.round(target * 10) / 10) }), " ",
      estimated && el("span", { class: "tag" }, gettext("估算"))),
    el("div", { class: "scroll" }, el("table", { class: "measures parts" },
      el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col" }, text)))),
      rows.map((row) => el("tbody", { "data-part": row.number },
        el("tr", {},
          el("td", { class: "figures" }, el("button", { type: "button", class: "link", onclick: () => look(row) }, String(row.number))),
          [figure(row.weight), percent(row.deviation), figure(row.compactness), percent(row.street_share), ...(around ? [percent(row.within_radius)] : [])]
            .map((value) => el("td", { class: "figures" }, value))),
        named && el("tr", { class: "named" }, el("td", { colspan: heads.length }, data(called(row), { class: around ? "" : "code" }),
          around && el("span", { class: "note" }, ` ${fill(gettext("最远 {n} 公里"), { n: figure(Math.round(row.reach_km * 10) / 10) })}`))))))),
  ];
}
