/** What the panel says of one feature: what it is, its attributes, its grids, whose it is. */
import { customerParts } from "jt/customer";
import { data, el, icon } from "jt/dom";
import { chainList, demoTag, facts } from "jt/panel";
import { pointSign } from "jt/signs";
import { coordinates, count, distance, fill, figure, moment, placeOf } from "jt/text";

const { gettext } = window;

/**
 * @param {object} feature as GET /api/layers/{layer}/{id} gives it; with its `details`, where it has some
 * @param {{id: string, name: string}} layer
 * @param {{name: string, icon: string, colour: string, attributes: object[]}} [kind]
 * @param {{others: number, onGrid: (id: number) => void, onOthers: () => void, onBack: () => void, onEdit: () => void, onDelete: () => void}} actions
 * @returns {Node[]}
 */
export function featureCard({ geometry, properties }, layer, kind, { others, onGrid, onOthers, onBack, onEdit, onDelete }) {
  return [
    el("div", { class: "panel-head" },
      el("p", { class: "note" }, onBack && back(onBack), layer.name, " · ", properties.kind_label),
      el("h2", { class: "big with-sign" }, pointSign(layer.id, kind), data(properties.name), properties.synthetic && demoTag(),
        properties.active === false && el("span", { class: "tag" }, gettext("已撤销")))),
    properties.grid
      ? chainList(properties.grid.chain, onGrid)
      : el("p", { class: "vacant" }, icon("triangle-alert"), gettext("不在任何网格内")),
    properties.completeness && completeness(properties.completeness, kind),
    facts([
      [layer.id === "staff" ? gettext("工号") : gettext("行内编码"), data(properties.code, { class: "code" })],
      [gettext("机构"), data(properties.institution)],
      [gettext("责任人"), properties.in_charge && (properties.in_charge.length
        ? data(properties.in_charge.join("、")) : el("span", { class: "vacant" }, gettext("空缺")))],
      [gettext("职责说明"), properties.duty_text && data(properties.duty_text)],
      [gettext("负责"), properties.in_charge_of && (properties.in_charge_of.length
        ? data(properties.in_charge_of.join("、")) : el("span", { class: "vacant" }, gettext("未安排")))],
      [gettext("互保点位"), properties.partners?.length > 0 && data(properties.partners.map(({ name }) => name).join("、"))],
      ...(kind?.attributes ?? [])
        .filter(({ scored }) => !scored)
        .map((attribute) => [attribute.name, shown(attribute, properties.attributes?.[attribute.key])]),
      [gettext("位置"), el("span", { class: "figures" }, `${coordinates(placeOf(geometry))} CGCS2000`)],
      [gettext("距离"), properties.distance_m !== undefined && distance(properties.distance_m)],
      [gettext("来源"), properties.source && data(properties.source)],
      [gettext("更新时间"), properties.updated_at && el("span", { class: "figures" }, moment(properties.updated_at))],
    ]),
    others > 0 && el("p", {}, el("button", { class: "link", type: "button", onclick: onOthers },
      fill(gettext("同一处另有 {n} 个"), { n: count(others) }))),
    properties.details && customerParts(properties),
    properties.page && el("div", { class: "actions" }, el("a", { class: "button", href: properties.page }, gettext("人员安排与历史"))),
    properties.can_change && el("div", { class: "actions" },
      el("button", { type: "button", onclick: onEdit }, icon("pencil"), gettext("编辑与移动")),
      confirmed(gettext("删除"), fill(gettext("删除“{name}”，不能恢复。"), { name: properties.name }), onDelete)),
  ].flat().filter(Boolean);
}

export const back = (onBack) =>
  el("button", { class: "link back-link", type: "button", onclick: onBack }, icon("arrow-left"), gettext("返回列表"));

/** Ten of ten, and what is missing. */
function completeness({ done, of, missing }, kind) {
  const names = kind?.attributes.filter(({ key }) => missing.includes(key)).map(({ name }) => name) ?? [];
  return el("div", { class: "completeness" },
    el("p", {}, el("strong", {}, fill(gettext("完备度 {done}/{of}"), { done, of })), " ",
      el("meter", { min: 0, max: of, value: done, "aria-hidden": "true" })),
    el("p", { class: names.length ? "" : "note" },
      names.length ? fill(gettext("尚缺: {names}"), { names: names.join("、") }) : gettext("各项齐备")));
}

/** A value as people read it; nothing where there is none. */
function shown({ type, unit }, value) {
  if (value === undefined || value === null || value === "") return null;
  if (type === "boolean") return value ? gettext("是") : gettext("否");
  if (Array.isArray(value)) return value.length > 0 && data(value.join("、"));
  if (type === "number" || type === "integer") return el("span", { class: "figures" }, [figure(value), unit].filter(Boolean).join(" "));
  return data(value);
}

/** A button that asks once more, in its own place. */
function confirmed(word, question, act) {
  const ask = el("button", { type: "button", onclick: () => { ask.hidden = true; sure.hidden = false; yes.focus(); } }, icon("trash-2"), word);
  const yes = el("button", { class: "danger", type: "button", onclick: act }, word);
  const no = el("button", { type: "button", onclick: () => { ask.hidden = false; sure.hidden = true; ask.focus(); } }, gettext("取消"));
  const sure = el("div", { class: "sure", role: "alertdialog", hidden: true }, el("p", {}, question), yes, " ", no);
  return [ask, sure];
}
