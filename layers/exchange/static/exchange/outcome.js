/** What came of an import, at each step but that of the columns. */
import { data, el } from "jt/dom";
import { problem } from "jt/files/page";
import { button, submitTo, table } from "jt/parts";
import { count, distance, fill, inReadersLanguage } from "jt/text";

const { gettext, ngettext } = window;
const MOST_ROWS = 300;

export function loadedView(job, again) {
  return el(
    "div",
    {},
    el("div", { class: "message good" }, el("p", {}, fill(gettext("已载入“{layer}”：{changes}。"), { layer: job.layer.name, changes: changes(job.result) })),
      job.result.deactivated > 0 && el("p", {}, fill(gettext("撤销 {n} 个。"), { n: count(job.result.deactivated) }))),
    el(
      "div",
      { class: "actions" },
      el("a", { class: "button primary", id: "open-map", href: `/?layers=${job.layer.id}` }, gettext("在地图上查看")),
      button(gettext("再导入一个"), again),
    ),
  );
}

/**
 * @param {{rejected: object[], outside: object[], difference: object}} found
 * @param {{pick: (line: number) => void, look: (place: object) => void, load: (options: object) => Promise<Error|null>,
 *          again: () => void, cancel: () => void}} actions
 */
export function checkedView(job, found, actions) {
  const { result } = job;
  return el(
    "div",
    {},
    problem(job),
    el("p", { class: "facts-line" }, data(job.file), el("span", {}, job.layer.name), data(job.institution.name)),
    result.notes.map((note) =>
      el("div", { class: note.looks_like ? "message warning" : "message" }, el("p", {}, inReadersLanguage(note)))),
    result.good > 0 && el("div", { class: "message good" }, el("p", {}, fill(gettext("{n} 行可以载入：{changes}。"), { n: count(result.good), changes: changes(result) }))),
    result.missing > 0 && el("p", { class: "note" },
      fill(gettext("库中另有 {n} 个不在文件中，其中 {m} 个来自同一来源："), { n: count(result.missing), m: count(result.stale) }),
      data(found.difference.missing_codes.join(" "), { class: "code" })),
    rejectedView(job, found, actions),
    outsideView(result, found, actions),
    result.shown < result.good && el("p", { class: "note" }, fill(gettext("地图上画出其中 {n} 个。"), { n: count(result.shown) })),
    result.good > 0 && loadForm(result, actions),
    el("div", { class: "actions" }, button(gettext("回到列的对应"), actions.again), button(gettext("放弃此次导入"), actions.cancel)),
  );
}

function rejectedView(job, { rejected }, { pick }) {
  const { result } = job;
  if (!result.rejected) return null;
  return [
    el("h2", {}, gettext("不能载入的行")),
    el("div", { class: "message error" }, el("p", {}, fill(ngettext("{n} 行不能载入，原因如下。", "{n} 行不能载入，原因如下。", result.rejected), { n: count(result.rejected) }))),
    table(
      [gettext("行"), gettext("列"), gettext("值"), gettext("原因与办法")],
      rejected.slice(0, MOST_ROWS).map((row) => ({
        attributes: { "data-line": row.line },
        cells: [
          el("button", { type: "button", class: "row-number", title: row.lon == null ? gettext("没有位置") : gettext("在地图上查看"), onclick: () => pick(row.line) }, String(row.line)),
          data(row.column),
          data(row.value, { title: row.value }),
          el("span", {}, inReadersLanguage(row.message)),
        ],
        classes: ["", "", "", "why"],
      })),
      gettext("不能载入的行"),
    ),
    result.faults > MOST_ROWS && el("p", { class: "note" }, fill(gettext("这里列出前 {n} 条，共 {all} 条；下载的表格中是全部。"), { n: count(MOST_ROWS), all: count(result.faults) })),
    result.faults > rejected.length && el("p", { class: "note" }, fill(gettext("地图上标出前 {n} 条中有位置的。"), { n: count(rejected.length) })),
    el("p", {}, el("a", { href: `/api/exchange/${job.id}/rejected.csv`, download: "" }, gettext("下载全部不能载入的行（CSV）"))),
  ];
}

function outsideView(result, { outside }, { look }) {
  if (!result.outside) return null;
  return el(
    "details",
    { open: result.outside <= 20 },
    el("summary", {}, fill(ngettext("{n} 个点不在任何网格内（仍会载入）", "{n} 个点不在任何网格内（仍会载入）", result.outside), { n: count(result.outside) })),
    table(
      [gettext("行"), gettext("编码"), gettext("名称"), gettext("离最近的网格")],
      outside.slice(0, MOST_ROWS).map((point) => ({
        attributes: {},
        cells: [el("button", { type: "button", class: "quiet", title: gettext("在地图上查看"), onclick: () => look(point) }, String(point.line)), data(point.code, { class: "code" }), data(point.name), point.off_m === null ? "–" : distance(point.off_m)],
      })),
      gettext("不在任何网格内的点"),
    ),
  );
}

function loadForm(result, { load }) {
  const skip = el("input", { type: "checkbox", name: "skip_rejected" });
  const update = el("input", { type: "checkbox", name: "update", checked: true });
  const deactivate = el("input", { type: "checkbox", name: "deactivate", disabled: result.rejected > 0 });
  const form = el(
    "form",
    { class: "fields", id: "load-form" },
    result.rejected > 0 && el("label", { class: "check" }, skip, fill(gettext("略过不能载入的 {n} 行"), { n: count(result.rejected) })),
    result.changed > 0 && el("label", { class: "check" }, update, fill(gettext("更新已有的 {n} 个"), { n: count(result.changed) })),
    result.stale > 0 && el("label", { class: "check" }, deactivate, fill(gettext("撤销库中来自同一来源、文件中已没有的 {n} 个（不删除，不再计入）"), { n: count(result.stale) })),
    result.stale > 0 && result.rejected > 0 && el("p", { class: "note" }, gettext("有不能载入的行，不能撤销：这些行的对象可能仍在。")),
    el("p", { class: "message error", role: "alert", hidden: true }),
    el("button", { type: "submit", class: "primary" }, gettext("载入")),
  );
  submitTo(form, () => load({ skip_rejected: skip.checked, update: update.checked, missing: deactivate.checked ? "deactivate" : "report" }));
  return [el("h2", {}, gettext("载入")), form];
}

const changes = (result) =>
  fill(gettext("新增 {new}，更新 {changed}，未变 {unchanged}"), {
    new: count(result.new), changed: count(result.changed), unchanged: count(result.unchanged),
  });
