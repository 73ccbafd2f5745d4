/** The regulator's page: how many banks serve each piece of a county, drawn and by township. */
import { get } from "jt/api";
import { byId, data, el } from "jt/dom";
import "jt/download";
import { defectFill } from "jt/patterns";
import { area, count, figure, fill } from "jt/text";
import { createView } from "jt/view";

const { gettext } = window;
const view = createView();
const TONES = ["", "#cfe3e3", "#8fbfc0", "#4b9496", "#0b5a5e"];
const FOUND = () => ({ blank: gettext("空白"), deep: gettext("机构过多"), dense: gettext("网点过密") });
const COLUMNS = () => [
  ["name", gettext("名称")], ["households", gettext("户数")], ["blank", gettext("空白占比")], ["mean_depth", gettext("平均机构数")],
  ["outlets", gettext("网点")], ["cash_points", gettext("取款点")], ["outlets_per_10k", gettext("每万户网点")],
];
let drawn = [];
let now = null;
let outlines = null;
let order = { key: "code", down: false };
let asked = 0;

const tone = (depth) => Math.min(depth, TONES.length - 1);
const ringsOf = ({ type, coordinates, geometries }) =>
  type === "Polygon" ? [coordinates] : type === "MultiPolygon" ? coordinates : (geometries ?? []).flatMap(ringsOf);

async function load() {
  const number = (asked += 1);
  byId("fault").hidden = true;
  byId("busy").hidden = false;
  const query = { area: byId("choice").area.value || undefined, at: byId("choice").at.value || undefined };
  try {
    const found = await get("oversight", query);
    if (number !== asked) return;
    const moved = found.area !== now?.area;
    now = found;
    show(moved);
    if (moved) outline();
  } catch (error) {
    byId("fault").textContent = error.message;
    byId("fault").hidden = false;
  } finally {
    if (number === asked) byId("busy").hidden = true;
    byId("map").dataset.ready = "true";
  }
}

function show(moved) {
  byId("choice").area.replaceChildren(...now.areas.map(({ code, name }) => el("option", { value: code, selected: code === now.area }, `${name} ${code}`)));
  for (const [name, value] of Object.entries(now.limits)) byId("limits")[name].value = name === "blank_limit" ? 100 * value : value;
  draw();
  if (moved) view.fit(joined(now.townships.map(({ bbox }) => bbox)));
  const total = Object.values(now.area_by_depth).reduce((a, b) => a + b, 0);
  byId("sums").replaceChildren(...Object.entries(now.area_by_depth).map(([depth, m2]) =>
    el("li", {}, el("strong", {}, `${figure(Math.round((1000 * m2) / total) / 10)}%`), " ",
      fill(Number(depth) ? gettext("{n} 家机构") : gettext("空白"), { n: depth }), " ", el("small", {}, area(m2)))));
  table();
  for (const format of ["csv", "xlsx"])
    byId(format).href = `/api/oversight/table?${new URLSearchParams({ area: now.area, at: now.day, format })}`;
}

/** The borders of the townships, to see where one is. */
async function outline() {
  const { features } = await get(`plans/${now.reference}/grids`, { level: 1 });
  outlines?.remove();
  outlines = view.lines(features.map(({ geometry }) => ({ arcs: ringsOf(geometry).flat(), look: { stroke: "#35585b", weight: 0.8 } })), "jt-borders");
}

function draw() {
  drawn.forEach((part) => part.remove());
  const over = (depth) => depth > now.limits.depth_limit;
  const pieces = now.pieces.features.map(({ geometry, properties: { depth } }) => ({
    polygons: ringsOf(geometry),
    look: depth
      ? { fill: TONES[tone(depth)], opacity: 0.8, stroke: over(depth) ? "#7a5195" : "#4a5f61", weight: over(depth) ? 3 : 0.6 }
      : { ...defectFill.gap, stroke: "#b3261e", weight: 1.5 },
  }));
  drawn = [view.polygons(pieces, "jt-grids")];
  const depths = [...new Set(now.pieces.features.map(({ properties }) => properties.depth))].sort();
  byId("depths").replaceChildren(...depths.map((depth) =>
    el("p", {}, el("span", { class: `tone d${tone(depth)}${over(depth) ? " over" : ""}` }),
      depth ? fill(gettext("{n} 家机构"), { n: depth }) : gettext("空白"), over(depth) && ` · ${gettext("过度集中")}`)),
    el("p", { class: "note" }, now.banks.map(({ name }) => data(name))));
  byId("depths").hidden = false;
}

function table() {
  const words = FOUND();
  const value = (town) => town[order.key] ?? -1;
  const towns = [...now.townships].sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (order.down ? -1 : 1));
  const titles = Object.fromEntries(COLUMNS());
  const number = (town, key, text = town[key] === null ? "–" : figure(town[key])) =>
    el("td", { class: "number", "data-title": titles[key] }, text);
  byId("townships").replaceChildren(
    el("thead", {}, el("tr", {}, COLUMNS().map(([key, title]) =>
      el("th", { scope: "col", "aria-sort": order.key === key ? (order.down ? "descending" : "ascending") : "none" },
        el("button", { type: "button", onclick: () => sortBy(key) }, title))))),
    ...towns.map((town) => el("tbody", {},
      el("tr", {},
        el("th", { scope: "row" }, el("button", { type: "button", class: "link", onclick: () => view.fit(town.bbox) }, data(town.name))),
        number(town, "households"), number(town, "blank", `${figure(Math.round(1000 * town.blank) / 10)}%`),
        number(town, "mean_depth"), number(town, "outlets"), number(town, "cash_points"), number(town, "outlets_per_10k")),
      el("tr", { class: "more" }, el("td", { colspan: COLUMNS().length },
        town.findings.map((name) => el("span", { class: "found" }, words[name])), " ",
        el("small", {}, now.banks.map((bank) => {
          const [outlets, points] = town.by_bank[bank.id];
          return fill(gettext("{bank}: 网点 {outlets}, 取款点 {points}"), { bank: bank.name, outlets: count(outlets), points: count(points) });
        }).join("; ")))))));
}

function sortBy(key) {
  order = { key, down: order.key === key ? !order.down : key !== "name" };
  table();
}

const joined = (boxes) => boxes.reduce(([w, s, e, n], [a, b, c, d]) => [Math.min(w, a), Math.min(s, b), Math.max(e, c), Math.max(n, d)]);

async function save(event) {
  event.preventDefault();
  const form = byId("limits");
  const body = { depth_limit: Number(form.depth_limit.value), blank_limit: Number(form.blank_limit.value) / 100, outlets_limit: Number(form.outlets_limit.value) };
  const answer = await fetch("/api/oversight/settings", {
    method: "PUT", body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", "X-CSRFToken": document.querySelector("input[name=csrfmiddlewaretoken]").value },
  }).catch(() => null);
  if (answer?.ok) return load();
  byId("fault").textContent = gettext("没有保存, 请检查数字后再试。");
  byId("fault").hidden = false;
  return undefined;
}

view.setBase({ url: "", datum: view.datum });
byId("choice").addEventListener("change", load);
byId("choice").addEventListener("submit", (event) => event.preventDefault());
byId("limits").addEventListener("submit", save);
load();
