/** Figures of grids before and after an edit, and the rules that they break. */
import { data, el } from "jt/dom";
import { areas, figure, inReadersLanguage } from "jt/text";

const { gettext } = window;
const AREA = "area_km2";

/** One block a grid; only what changes. @param {object} answer @param {{id: string, name: string, unit: string}[]} names */
export function measureTable({ measures, changed }, names, sheet) {
  const named = new Map(changed.map(({ id, name }) => [id, name]));
  const levels = new Map(changed.map(({ id, level }) => [id, level]));
  const level = ([id]) => levels.get(Number(id)) ?? sheet.levelOf(Number(id)) ?? -1;
  // What the hand is at first, then what follows from it above.
  const lowestFirst = Object.entries(measures).sort((a, b) => level(b) - level(a));
  return el("div", {}, lowestFirst.map(([id, { before, after }]) => {
    const rows = names.flatMap(({ id: measure, name, unit }) => {
      const [old, now] = [before?.[measure], after?.[measure]];
      if ([old?.value, now?.value].every((value) => value === undefined || value === null)) return [];
      if (old?.value === now?.value || (!before && !now?.value)) return [];
      const isEstimate = old?.estimated || now?.estimated;
      return [el("tr", {}, el("th", { scope: "row" }, words(name)),
        el("td", { class: "figures" }, measure === AREA ? areas(squareMetres(old, now)) : [before ? `${shown(old)} → ${shown(now)}` : shown(now), " ", words(unit)], " ",
          isEstimate && el("span", { class: "tag" }, gettext("估算"))))];
    });
    const grid = named.get(Number(id)) ?? sheet.nameOf(Number(id));
    if (!after) return el("p", { class: "note" }, data(grid), " ", gettext("(已不存在)"));
    if (!rows.length) return null;
    return el("table", { class: "measures" }, el("caption", {}, data(grid), !before && ` ${gettext("(新)")}`), el("tbody", {}, rows));
  }));
}

const squareMetres = (...measured) => measured.map((each) => each?.value).filter((value) => typeof value === "number").map((value) => value * 1e6);
const shown = (measured) => (typeof measured?.value === "number" ? figure(measured.value) : "–");
const words = (text) => (text && typeof text === "object" ? inReadersLanguage(text) : (text ?? ""));

/** @param {(id: number) => void} look */
export function brokenList(broken, look) {
  if (!broken.length) return [];
  return [
    el("h3", {}, gettext("不符合的规则")),
    el("ol", { class: "rows" }, broken.map((rule, index) =>
      el("li", { id: `rule-${index + 1}` },
        el("span", { class: "pin rule" }, String(index + 1)),
        el("button", { type: "button", class: "link", onclick: () => look(rule.grid_id) },
          data(inReadersLanguage({ zh: rule.message_zh, en: rule.message_en }))),
        rule.severity === "block" && el("span", { class: "tag" }, gettext("必须满足"))))),
  ];
}
