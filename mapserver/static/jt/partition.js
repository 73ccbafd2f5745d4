/** Dividing a grid by the computer: a wish, a proposal on the map with its table, and then an edit or nothing. */
import { post } from "jt/api";
import { data, el } from "jt/dom";
import { problem } from "jt/panel";
import { figure } from "jt/text";

const { gettext } = window;
const BORDER = { stroke: "#0b5fff", weight: 2.5 };

/**
 * @param {number} grid
 * @param {{plan: object, view: import("jt/view").View, apply: (wish: object) => Promise<object|null>}} page
 */
export function partitionForm(grid, { plan, view, apply }) {
  const number = (id, label, least) =>
    el("label", {}, label, el("input", { type: "number", id, min: least, step: "any" }));
  const weights = [["households", gettext("户数")], ["buildings", gettext("楼栋")], ["area", gettext("面积")], ["workload", gettext("工作量")]];
  const weight = el("select", { id: "partition-weight" }, weights.map(([value, text]) => el("option", { value }, text)));
  const fields = el("div", { class: "partition-fields" },
    number("partition-count", gettext("个数"), 2), number("partition-low", gettext("每个至少"), 0),
    number("partition-high", gettext("每个至多"), 0), el("label", {}, gettext("按"), weight));
  const result = el("div", { role: "status" });
  let drawn = null;

  const wish = () => {
    const value = (id) => Number(fields.querySelector(`#${id}`).value) || undefined;
    const [count, low, high] = ["partition-count", "partition-low", "partition-high"].map(value);
    if (!count && !(low && high)) return null;
    return { grid, weight: weight.value, ...(count ? { count: Math.round(count) } : { low, high }) };
  };
  const clear = () => {
    drawn?.stop();
    drawn = null;
    result.replaceChildren();
  };
  const propose = async () => {
    clear();
    const asked = wish();
    if (!asked) return result.replaceChildren(el("p", { class: "message warning" }, gettext("请填写个数，或每个的上下限。")));
    const waiting = el("p", { class: "note" }, gettext("正在划分…"));
    result.replaceChildren(waiting);
    try {
      const { parts, table, summary } = await post(`plans/${plan.id}/partition`, asked);
      if (!waiting.isConnected) return undefined;
      drawn = view.drawing(() => view.lines(
        [{ arcs: parts.features.flatMap(({ geometry }) => geometry.coordinates.flat()), look: BORDER }], "jt-edit"));
      result.replaceChildren(
        el("p", { class: "note" }, gettext("图上：蓝线是划分方案，尚未保存。")),
        ...summary.notes.map((note) => el("p", { class: "message warning" }, data(note))),
        partsTable(table, summary),
        el("div", { class: "actions" },
          el("button", { type: "button", class: "primary", id: "partition-apply", onclick: () => { clear(); apply(asked); } }, gettext("采用")),
          el("button", { type: "button", onclick: clear }, gettext("放弃"))));
      return result.scrollIntoView({ block: "nearest" });
    } catch (error) {
      return result.replaceChildren(problem(error));
    }
  };
  return el("details", { class: "partition", ontoggle: ({ target }) => target.open || clear() },
    el("summary", {}, gettext("划分")), fields,
    el("button", { type: "button", id: "partition-try", onclick: propose }, gettext("试算")), result);
}

function partsTable(rows, { weight_label: label, estimated }) {
  const percent = (share) => (typeof share === "number" ? `${figure(Math.round(share * 1000) / 10)}%` : "–");
  return el("table", { class: "measures parts" },
    el("thead", {}, el("tr", {}, [gettext("份"), data(label), gettext("偏差"), gettext("紧凑度"), gettext("沿街")].map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, rows.map((row) => el("tr", {},
      [row.number, figure(row.weight), percent(row.deviation), figure(row.compactness), percent(row.street_share)]
        .map((value) => el("td", { class: "figures" }, value)),
      estimated && el("td", {}, el("span", { class: "tag" }, gettext("估算")))))));
}
