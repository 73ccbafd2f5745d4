/** A shared plan: grids, their names and codes. */
import { byId, data, el } from "jt/dom";
import { Drawing } from "./drawing.js";

const { gettext } = window;
const page = JSON.parse(byId("page").textContent);
const MOST_ROWS = 500;
const drawing = new Drawing();
const feature = ({ polygons }) => ({ geometry: { type: "MultiPolygon", coordinates: polygons } });
const leaves = page.grids.filter((grid) => grid.leaf);

function list(words) {
  const found = leaves.filter(({ code, name }) => !words || name.includes(words) || code.startsWith(words));
  byId("grids").replaceChildren(
    el("thead", {}, el("tr", {}, [gettext("网格"), gettext("编码")].map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, found.slice(0, MOST_ROWS).map((grid) => el("tr", {},
      el("td", {}, el("button", { type: "button", class: "link", onclick: () => show(grid) }, data(grid.name))),
      el("td", {}, data(grid.code, { class: "code" }))))));
}

function show(grid) {
  drawing.fit([feature(grid)]);
  drawing.pins([{ place: grid.label, text: "", kind: "comment", title: `${grid.name} ${grid.code}` }]);
}

drawing.context(leaves.map(feature));
const upper = page.grids.filter((grid) => !grid.leaf).reverse();
drawing.view.lines(upper.map(({ polygons, level }) => ({ arcs: polygons.flat(), look: { stroke: "#16282a", weight: level > 1 ? 1 : 2 } })), "jt-borders");
byId("find").addEventListener("input", (event) => list(event.target.value.trim()));
list("");
byId("map").dataset.ready = "true";
