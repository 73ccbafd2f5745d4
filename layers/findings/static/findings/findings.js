/** The page of lists: choose a list, see its rows and their places; a row and its pin belong together. */
import { get } from "jt/api";
import { byId, data, el, notify } from "jt/dom";
import { GridDrawing } from "jt/grids";
import { count, fill } from "jt/text";
import { Topology } from "jt/topology";
import { createView } from "jt/view";

const { gettext } = window;
const MOST_PINS = 300;
const query = new URLSearchParams(location.search);
const view = createView();
view.setBase({ url: "", datum: view.datum });
const drawing = new GridDrawing(view);

let lists = [];
let shown = null;
let topology = null;
let pins = [];

function remember() {
  const address = `${location.pathname}?${query}`;
  history.replaceState(null, "", address);
  for (const input of document.querySelectorAll(".language input[name=next]")) input.value = address;
}

async function start() {
  const plan = query.get("plan");
  const answer = await get("findings", { plan });
  lists = answer.lists;
  topology = new Topology(await get(`plans/${answer.plan.id}/topology`));
  query.set("plan", answer.plan.id);
  byId("lists").replaceChildren(el("p", { class: "note", translate: "no" }, answer.plan.name), ...groups());
  drawing.show(topology, Math.min(1, topology.levels - 1));
  view.fit(topology.bbox);
  const first = lists.find(({ id }) => id === query.get("list")) ?? lists.find(({ count: n }) => n) ?? lists[0];
  if (first) await open(first.id);
  view.element.dataset.ready = "true";
}

const groups = () =>
  [...new Set(lists.map(({ group }) => group))].flatMap((group) => [
    el("h2", {}, group),
    ...lists.filter((list) => list.group === group).map(({ id, name, domain, count: n }) =>
      el("button", { type: "button", "data-list": id, onclick: () => open(id) },
        el("span", {}, name, domain && el("small", { class: "note", translate: "no" }, ` ${domain}`)),
        el("span", { class: n ? "number figures" : "number figures none" }, count(n)))),
  ]);

async function open(id) {
  query.set("list", id);
  for (const button of byId("lists").querySelectorAll("button")) {
    if (button.dataset.list === id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  const list = await get(`findings/${encodeURIComponent(id)}`, { plan: query.get("plan") });
  if (query.get("list") !== id) return;
  shown = list;
  draw();
  const row = list.rows.findIndex(({ grid, code }) => String(grid ?? code) === query.get("row"));
  if (row >= 0) look(row);
  else {
    query.delete("row");
    drawing.select(null);
    view.fit(topology.bbox);
  }
  remember();
}

function draw() {
  const { id, name, demand, domain, rows, unmeasured, rule } = shown;
  const download = (format) =>
    el("a", { class: "button", download: true, "data-format": format, href: `/api/findings/${encodeURIComponent(id)}?${new URLSearchParams({ plan: query.get("plan"), format })}` }, format.toUpperCase());
  byId("work").replaceChildren(el("div", {},
    el("h2", {}, name, " ", el("span", { class: "figures" }, fill(gettext("{n} 条"), { n: count(rows.length) }))),
    el("p", { class: "demand" }, gettext("要求"), ": ", demand),
    el("p", { class: "note" }, domain && [gettext("业务编号"), " ", data(domain)], rule && [" · ", el("a", { href: "/rules/" }, gettext("修改数值"))]),
    unmeasured > 0 && el("p", { class: "note" }, fill(gettext("{n} 个网格没有数据, 未作判断"), { n: count(unmeasured) })),
    el("p", { class: "downloads" }, download("xlsx"), download("csv")),
    rows.length
      ? el("ol", {}, rows.map((row, place) => line(row, place)))
      : el("p", { class: "message" }, gettext("没有发现问题。")),
    rows.length > MOST_PINS && el("p", { class: "note" }, fill(gettext("地图上只标出前 {n} 条"), { n: count(MOST_PINS) })),
  ));
  for (const pin of pins) pin.remove();
  pins = rows.slice(0, MOST_PINS).flatMap(({ at, name: title }, place) =>
    at ? [view.marker(at, el("span", { class: "pin finding" }, String(place + 1)), { title, onClick: () => look(place) })] : []);
}

const line = ({ name, text, code, grid, at }, place) =>
  el("li", { "data-row": place },
    el("span", { class: "pin finding" }, String(place + 1)),
    el("div", {},
      at
        ? el("button", { type: "button", class: "link", onclick: () => look(place) }, data(name || code))
        : data(name || code),
      el("p", {}, text),
      el("p", { class: "note" }, data(code, { class: "code" }), grid && [" · ", el("a", { href: `/?plan=${query.get("plan")}&grid=${grid}` }, gettext("在地图上打开"))])));

/** Zooms to a row, and marks it. */
function look(place) {
  const { at, grid, code } = shown.rows[place];
  const found = grid && topology.grid(grid);
  if (found) {
    drawing.show(topology, found.level);
    drawing.select(grid);
    view.fit(found.bbox, { maxZoom: 15 });
  } else if (at) {
    drawing.select(null);
    view.look(at, 15);
  }
  for (const row of byId("work").querySelectorAll("li[aria-current]")) row.removeAttribute("aria-current");
  const row = byId("work").querySelector(`[data-row="${place}"]`);
  row.setAttribute("aria-current", "true");
  row.scrollIntoView({ block: "nearest" });
  query.set("row", String(grid ?? code));
  remember();
}

start().catch((error) => {
  byId("lists").replaceChildren(el("p", { class: "message error", role: "alert" }, error.message));
  notify("");
});
