/** What can be changed of the selected grid in the panel: its facts, its place in the tree, its levels below. */
import { el } from "jt/dom";
import { fill } from "jt/text";

const { gettext } = window;

/**
 * @param {object} details as GET /api/grids/{id} gives it
 * @param {import("jt/sheet").Sheet} sheet
 * @param {string[]} levelNames
 * @param {(op: string, args: object) => Promise<object|null>} commit
 */
export function gridForm(details, sheet, levelNames, commit) {
  const { id, level, name, code, bank_code: bankCode, kind } = details;
  const grid = sheet.grid(id);
  const locked = grid.locked ?? details.locked ?? false;
  const below = levelNames[level + 1] ?? gettext("子网格");
  const row = (label, control, text, act) =>
    el("div", { class: "edit-row" }, el("label", {}, label, control), el("button", { type: "button", id: `${control.id}-save`, onclick: act }, text));
  const named = el("input", { value: name, maxlength: 120, id: "grid-name" });
  const coded = el("input", { value: code, maxlength: 32, id: "grid-code" });
  const bank = el("input", { value: bankCode ?? "", maxlength: 40, id: "grid-bank-code" });
  const kinds = el("select", { id: "grid-kind" }, [["urban", gettext("城区")], ["rural", gettext("农村")]].map(([value, text]) =>
    el("option", { value, selected: value === kind }, text)));
  const parents = parentsNear(grid, sheet);
  const chosen = el("select", { id: "grid-parent", translate: "no" }, parents.map((parent) =>
    el("option", { value: parent.id, selected: parent.id === grid.parent }, parent.name)));
  return el("section", { class: "grid-form" },
    el("h3", {}, gettext("修改")),
    row(gettext("名称"), named, gettext("重命名"), () => commit("rename", { grid: id, name: named.value })),
    row(gettext("编码"), coded, gettext("改编码"), () => commit("recode", { grid: id, code: coded.value })),
    row(gettext("行内编码"), bank, gettext("改编码"), () => commit("recode", { grid: id, bank_code: bank.value })),
    row(gettext("类别"), kinds, gettext("改类别"), () => commit("classify", { grids: [id], kind: kinds.value })),
    parents.length > 1 && row(gettext("上级"), chosen, gettext("改上级"), () => commit("reparent", { grid: id, parent: Number(chosen.value) })),
    el("div", { class: "actions" },
      el("button", { type: "button", id: "grid-lock", onclick: () => commit("lock", { grids: [id], locked: !locked }) },
        locked ? gettext("解除锁定") : gettext("锁定")),
      !sheet.parents.has(id) && level < 4 && el("button", { type: "button", id: "add-level", onclick: () => commit("add_level", { grids: [id] }) },
        fill(gettext("增加下级“{name}”"), { name: below })),
      isAboveLeaves(id, sheet) && level > 0 && el("button", { type: "button", id: "remove-level", onclick: () => commit("remove_level", { grid: id }) },
        gettext("删除下级"))),
  );
}

/** The grid's parent and the parents of its neighbours. */
function parentsNear(grid, sheet) {
  const ids = new Set([grid.parent, ...[...sheet.neighbours(grid.id)].map((id) => sheet.grid(id).parent)]);
  return [...ids].filter((id) => id !== null && id !== undefined).map((id) => sheet.grid(id)).filter(Boolean);
}

const isAboveLeaves = (id, sheet) => {
  const children = sheet.children(id);
  return children.length > 0 && children.every((child) => !sheet.parents.has(child.id));
};

/** Names of the plan's levels. */
export function levelForm(names, commit) {
  const inputs = names.map((name, index) => el("input", { value: name, maxlength: 20, "aria-label": fill(gettext("第 {n} 级名称"), { n: index + 1 }) }));
  return el("details", { class: "level-form" }, el("summary", {}, gettext("级别名称")),
    el("div", { class: "fields" }, inputs),
    el("button", { type: "button", onclick: () => commit("levels", { names: inputs.map(({ value }) => value.trim()) }) }, gettext("保存")));
}

