/** The regulator's page: how many banks serve each piece of a county, drawn and by township. */
import { get, post } from "jt/api";
import { byId, data, el } from "jt/dom";
import "jt/download";
import { Labels } from "jt/labels";
import { defectFill, HUES } from "jt/patterns";
import { box, contains } from "jt/plane";
import { area, count, fill, fixed } from "jt/text";
import { createView } from "jt/view";

const { gettext, ngettext } = window;
const view = createView();
const labels = new Labels(view);
const TONES = ["", "#cfe3e3", "#8fbfc0", "#4b9496", "#0b5a5e"];
const FOUND = () => ({ blank: gettext("空白"), deep: gettext("机构过多"), dense: gettext("网点过密") });
const COLUMNS = () => [
  ["name", gettext("名称")], ["households", gettext("户数")], ["blank", gettext("空白占比")], ["mean_depth", gettext("平均机构数")],
  ["outlets", gettext("网点")], ["cash_points", gettext("助农取款点")], ["outlets_per_10k", gettext("每万户网点")],
];
/** Share of the largest piece from which a piece carries the signs of its banks, and the most that do. */
const LEAST_SIGNED = 0.002;
const MOST_SIGNED = 60;
const MOST_PARTS = 30;
let drawn = [];
let chosen = null;
let now = null;
let outlines = null;
let order = { key: "code", down: false };
let asked = 0;

const tone = (depth) => Math.min(depth, TONES.length - 1);
const inWords = (depth) => (depth ? fill(ngettext("{n} 家机构", "{n} 家机构", depth), { n: depth }) : gettext("空白"));
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
    hidePiece();
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
    el("li", {}, el("strong", {}, `${fixed((100 * m2) / total, 1)}%`), " ",
      inWords(Number(depth)), " ", el("small", {}, area(m2)))));
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

/** A bank by its letter, in its colour: on the map, in the legend and in the panel. */
function bankSign(id) {
  const place = now.banks.findIndex((bank) => bank.id === id);
  const sign = el("span", { class: "bank-sign", translate: "no", "aria-hidden": "true" }, String.fromCodePoint(65 + (place % 26)));
  sign.style.borderColor = HUES[place % HUES.length];
  return sign;
}

const bankName = (id) => now.banks.find((bank) => bank.id === id).name;

function draw() {
  drawn.forEach((part) => part.remove());
  const over = (depth) => depth > now.limits.depth_limit;
  const { features } = now.pieces;
  const pieces = features.map(({ geometry, properties: { depth } }) => ({
    polygons: ringsOf(geometry),
    look: depth
      ? { fill: TONES[tone(depth)], opacity: 0.8, stroke: over(depth) ? "#7a5195" : "#4a5f61", weight: over(depth) ? 3 : 0.6 }
      : { ...defectFill.gap, stroke: "#b3261e", weight: 1.5 },
  }));
  drawn = [view.polygons(pieces, "jt-grids"), ...signed(features)];
  labels.show({ levels: 3, grids: () => now.townships.map((town) => ({ ...town, level: 1 })) }, 1);
  const depths = [...new Set(features.map(({ properties }) => properties.depth))].sort((a, b) => a - b);
  byId("depths").replaceChildren(...depths.map((depth) =>
    el("p", {}, el("span", { class: `tone d${tone(depth)}${over(depth) ? " over" : ""}` }),
      inWords(depth), over(depth) && ` · ${gettext("过度集中")}`)),
    ...now.banks.map(({ id, name }) => el("p", {}, bankSign(id), data(name))));
  byId("depths").hidden = false;
}

/** The letters of the banks on the larger pieces; each leads to what its piece is. */
function signed(features) {
  const largest = Math.max(...features.map(({ properties }) => properties.area_m2));
  return features
    .filter(({ properties }) => properties.depth && properties.area_m2 >= LEAST_SIGNED * largest)
    .sort((a, b) => b.properties.area_m2 - a.properties.area_m2)
    .slice(0, MOST_SIGNED)
    .map((piece) => {
      const { banks, depth, label } = piece.properties;
      const title = `${inWords(depth)}: ${banks.map(bankName).join("、")}`;
      return view.marker(label, el("span", { class: "bank-signs" }, banks.map(bankSign)), { title, onClick: () => showPiece(piece, label) });
    });
}

/** The piece at a place on the map; none outside the county. */
function pieceAt(lonLat) {
  return now?.pieces.features.find(({ geometry }) => {
    const polygons = ringsOf(geometry);
    return contains(box(polygons), polygons, lonLat);
  });
}

function hidePiece() {
  chosen?.remove();
  chosen = null;
  byId("piece").hidden = true;
}

/** How many banks serve a piece, which, how large it is, and the grid of each plan at a place in it. */
function showPiece({ geometry, properties }, lonLat) {
  const { plans } = now;
  hidePiece();
  chosen = view.lines([{ arcs: ringsOf(geometry).flat(), look: { stroke: "#0b5fff", weight: 3 } }], "jt-selection");
  const grids = plans.map(({ id, bank }) => {
    const grid = el("small", { "aria-busy": "true" }, "…");
    const said = el("span", { class: "note" }, properties.banks.includes(bank) ? gettext("有人负责") : gettext("无人负责"));
    chainAt(id, lonLat).then((chain) => (chain ? grid.replaceWith(el("small", { translate: "no" }, chain)) : (said.textContent = gettext("此处没有网格"), grid.remove())));
    return el("li", {}, bankSign(bank), el("span", {}, data(bankName(bank)), " ", said, grid));
  });
  byId("piece").replaceChildren(
    el("h2", {}, el("span", { class: `tone d${tone(properties.depth)}` }), " ", inWords(properties.depth)),
    el("p", {}, fill(gettext("这一块面积 {area}"), { area: area(properties.area_m2) })),
    el("ul", { class: "banks" }, grids));
  byId("piece").hidden = false;
  byId("piece").focus();
}

/** The names of a plan's grids at a place, the county first; none where the plan has no grid. */
async function chainAt(plan, coordinates) {
  const point = { type: "Feature", geometry: { type: "Point", coordinates }, properties: {} };
  try {
    const { features } = await post(`locate?plan=${plan}`, { type: "FeatureCollection", features: [point] });
    return features[0].properties.grid_chain;
  } catch (error) {
    return error.message;
  }
}

/** The pieces in a township, the largest first; each can be chosen. */
function showTown(town) {
  hidePiece();
  view.fit(town.bbox);
  const piece = (number) => now.pieces.features.find(({ id }) => id === number);
  const parts = town.parts.filter((part) => piece(part.piece)).sort((a, b) => b.area_m2 - a.area_m2);
  byId("piece").replaceChildren(
    el("h2", {}, data(town.name)),
    el("ul", { class: "banks" }, parts.slice(0, MOST_PARTS).map((part) => {
      const { properties } = piece(part.piece);
      return el("li", {}, el("span", { class: `tone d${tone(properties.depth)}` }),
        el("button", { type: "button", class: "link", onclick: () => showPiece(piece(part.piece), part.at) }, inWords(properties.depth)),
        properties.banks.map(bankSign), el("small", {}, area(part.area_m2)));
    })),
    parts.length > MOST_PARTS ? el("p", { class: "note" }, fill(gettext("只列出最大的 {n} 块, 共 {all} 块"), { n: count(MOST_PARTS), all: count(parts.length) })) : "");
  byId("piece").hidden = false;
  byId("piece").focus();
}

function table() {
  const words = FOUND();
  const value = (town) => town[order.key] ?? -1;
  const towns = [...now.townships].sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (order.down ? -1 : 1));
  const titles = Object.fromEntries(COLUMNS());
  const number = (town, key, decimals = 0, unit = "") =>
    el("td", { class: "number", "data-title": titles[key] }, town[key] === null ? "–" : fixed(town[key] * (unit ? 100 : 1), decimals) + unit);
  byId("townships").replaceChildren(
    el("thead", {}, el("tr", {}, COLUMNS().map(([key, title]) =>
      el("th", { scope: "col", "aria-sort": order.key === key ? (order.down ? "descending" : "ascending") : "none" },
        el("button", { type: "button", onclick: () => sortBy(key) }, title))))),
    ...towns.map((town) => el("tbody", {},
      el("tr", {},
        el("th", { scope: "row" }, el("button", { type: "button", class: "link", onclick: () => showTown(town) }, data(town.name))),
        number(town, "households"), number(town, "blank", 1, "%"), number(town, "mean_depth", 2),
        number(town, "outlets"), number(town, "cash_points"), number(town, "outlets_per_10k", 1)),
      el("tr", { class: "more" }, el("td", { colspan: COLUMNS().length },
        town.findings.map((name) => el("span", { class: "found" }, words[name])), " ",
        el("small", {}, now.banks.map((bank) => {
          const [outlets, points] = town.by_bank[bank.id];
          return fill(gettext("{bank}: 网点 {outlets}, 助农取款点 {points}"), { bank: bank.name, outlets: count(outlets), points: count(points) });
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
view.on("click", (lonLat) => {
  const piece = pieceAt(lonLat);
  if (piece) showPiece(piece, lonLat);
  else hidePiece();
});
load();
