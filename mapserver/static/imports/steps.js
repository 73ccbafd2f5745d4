/** What the page says at each step; built from the state of the import. */
import { data, el } from "jt/dom";
import { problem } from "jt/files/page";
import { button, submitTo, table } from "jt/parts";
import { count, distance, fill, inReadersLanguage } from "jt/text";
import { kindName, squareMetres } from "./words.js";

const { gettext, ngettext } = window;
const MOST_ROWS = 300;

export function loadedView(job, again) {
  return el(
    "div",
    {},
    el("div", { class: "message good" }, el("p", {}, gettext("已载入为草稿方案，数据库已确认不重不漏。"))),
    el(
      "div",
      { class: "actions" },
      el("a", { class: "button primary", id: "open-plan", href: `/?plan=${job.plan_id}` }, gettext("在地图上查看")),
      button(gettext("再导入一个"), again),
    ),
  );
}

/** How the map differs from the files. @param {{moved_m: number, left_out: number}} preview */
export const drawnAs = ({ moved_m: moved, left_out: leftOut }) =>
  [
    moved > 0 && fill(gettext("界线很多，图上已简化，偏离不超过 {distance}；缺陷和改动处按原样。检查、修复、载入都用原来的界线。"), { distance: distance(moved) }),
    leftOut > 0 && fill(gettext("另有 {n} 个没有缺陷的网格未画出。"), { n: count(leftOut) }),
  ].filter(Boolean).join(" ");

/** An import that was read: exact or not, repaired or not. */
export function foundView(job, page, actions) {
  const { result, status } = job;
  const repaired = result.repair;
  return el(
    "div",
    {},
    problem(job),
    el(
      "p",
      { class: "facts-line" },
      data(`${result.area.name} ${result.area.code}`),
      data(result.levels.map(({ name, grids }) => `${name} ${count(grids)}`).join(" › ")),
      el("span", {}, fill(gettext("坐标系 {datum}"), { datum: job.datum })),
    ),
    status === "exact" && !repaired && el("div", { class: "message good" }, el("p", {}, gettext("不重不漏：没有缺口，没有重叠。"))),
    repaired ? repairedView(repaired) : defectsView(result, actions),
    status === "exact" && loadForm(job, page, actions),
    result.summary.length > 0 && repairForm(page, actions, repaired),
    el(
      "details",
      {},
      el("summary", {}, gettext("读取说明")),
      el("ul", { class: "notes" }, result.notes.map((note) => el("li", {}, inReadersLanguage(note)))),
    ),
    el("div", { class: "actions" }, button(gettext("放弃此次导入"), actions.cancel)),
  );
}

function defectsView({ summary, findings }, { pick }) {
  if (!summary.length) return null;
  const total = summary.reduce((sum, row) => sum + row.count, 0);
  return [
    el(
      "div",
      { class: "message warning" },
      el("p", {}, fill(ngettext("发现 {n} 处缺陷，不能直接载入。", "发现 {n} 处缺陷，不能直接载入。", total), { n: count(total) })),
      el(
        "p",
        { class: "facts-line" },
        summary.map((row) => el("span", {}, `${kindName(row.kind)} ${count(row.count)} · ${squareMetres(row.area_m2)} m²`)),
      ),
    ),
    el("h2", {}, gettext("缺陷清单")),
    table(
      [gettext("序号"), gettext("种类"), ["m²"], gettext("网格")],
      findings.slice(0, MOST_ROWS).map((row) => ({
        attributes: { "data-number": row.number },
        cells: [
          el("button", { type: "button", class: `pin ${row.kind}`, title: gettext("在地图上查看"), onclick: () => pick(row.number) }, String(row.number)),
          kindName(row.kind),
          [squareMetres(row.area_m2)],
          data(shortList(row.grids), { class: "code", title: row.grids.join(" ") }),
        ],
      })),
      gettext("缺陷清单"),
    ),
    more(findings.length, total),
  ];
}

function repairedView({ lines, changes, count: total }) {
  return [
    el("div", { class: "message good" }, el("p", {}, gettext("修复后不重不漏。请核对改动，再载入。"))),
    el("ul", { class: "notes" }, lines.map((line) => el("li", {}, inReadersLanguage(line)))),
    changes.length > 0 && [
      el("h2", {}, gettext("改动的网格")),
      table(
        [gettext("名称"), [gettext("增 m²")], [gettext("减 m²")], [gettext("原 m²")], [gettext("现 m²")], gettext("级别"), gettext("编码")],
        changes.slice(0, MOST_ROWS).map((row) => ({
          attributes: {},
          cells: [
            data(row.name),
            [row.gained_m2 ? `+${squareMetres(row.gained_m2)}` : ""],
            [row.lost_m2 ? `−${squareMetres(row.lost_m2)}` : ""],
            [squareMetres(row.area_before_m2)],
            [squareMetres(row.area_after_m2)],
            data(row.level_name),
            data(row.code, { class: "code" }),
          ],
        })),
        gettext("改动的网格"),
      ),
      more(changes.length, total),
    ],
  ];
}

const more = (listed, total) =>
  total > Math.min(listed, MOST_ROWS) &&
  el("p", { class: "note" }, fill(gettext("另有 {n} 项没有列出。"), { n: count(total - Math.min(listed, MOST_ROWS)) }));

function repairForm(page, { repair }, repaired) {
  const width = el("input", { name: "gap_width", type: "number", min: 0, max: 1000, step: "any", value: page.gapWidth, required: true });
  const form = el(
    "form",
    { class: "fields", id: "repair-form" },
    el("label", { class: "stacked" }, el("span", {}, gettext("缺口宽度（米）")), width),
    el("p", { class: "note" }, gettext("封闭的空白若比这更窄就填补；更宽的保留并列出。")),
    el(
      "div",
      { role: "radiogroup", "aria-label": gettext("上下级不一致时") },
      choice("union", gettext("以下级为准"), gettext("上级改为其下级之和"), true),
      choice("cut", gettext("以上级为准"), gettext("下级按上级裁切，上级内未覆盖处归入相邻的下级"), false),
    ),
    el("p", { class: "message error", role: "alert", hidden: true }),
    el("button", { type: "submit", class: repaired ? "" : "primary" }, gettext("修复")),
  );
  submitTo(form, () => repair(Number(width.value), new FormData(form).get("nest")));
  return repaired
    ? el("details", {}, el("summary", {}, gettext("换一种方式修复")), form)
    : [el("h2", {}, gettext("修复")), form];
}

function loadForm(job, page, { load }) {
  const name = el("input", { name: "plan_name", required: true, maxlength: 120, value: `${job.result.area.name} ${new Date().getFullYear()}` });
  const policy = el("select", { name: "policy" }, page.policies.map(({ id, name: label }) => el("option", { value: id }, label)));
  const form = el(
    "form",
    { class: "fields", id: "load-form" },
    el("label", { class: "stacked" }, el("span", {}, gettext("方案名称")), name),
    el("label", { class: "stacked" }, el("span", {}, gettext("覆盖规则")), policy),
    el("p", { class: "message error", role: "alert", hidden: true }),
    el("button", { type: "submit", class: "primary" }, gettext("载入为草稿方案")),
  );
  submitTo(form, () => load(name.value.trim(), policy.value));
  return [el("h2", {}, gettext("载入")), form];
}

const choice = (value, name, what, checked) =>
  el("label", { class: "choice" }, el("input", { type: "radio", name: "nest", value, checked }), el("strong", {}, name), el("small", {}, what));

const shortList = (codes) => (codes.length > 3 ? `${codes.slice(0, 3).join(" ")} …` : codes.join(" "));
