/** The page of lists: choose a list, see its rows and their places; a row and its pin belong together. */
import { get } from "jt/api";
import { byId, data, el, notify } from "jt/dom";
import "jt/download";
import { GridDrawing } from "jt/grids";
import { count, fill } from "jt/text";
import { Topology } from "jt/topology";
import { createView } from "jt/view";

const { gettext } = window;
const MOST_PINS = 300;
const PAGE = 300;
/** Lists whose numbers stand on the page of rules, also where the bank has taken over no preset yet. */
const MADE_BY_RULES = /^(rule|far)-/;
const query = new URLSearchParams(location.search);
const view = createView();
view.setBase({ url: "", datum: view.datum });
const drawing = new GridDrawing(view);

let lists = [];
const canEdit = "canEditRules" in byId("work").dataset;
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
  const first = (lists.find(({ count: n }) => n) ?? lists[0])?.id;
  const wanted = query.get("list") ?? first;
  if (wanted) await open(wanted).catch((error) => (wanted === first ? Promise.reject(error) : open(first)));
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

const rowsOf = (id, offset) =>
  get(`findings/${encodeURIComponent(id)}`, { plan: query.get("plan"), limit: PAGE, offset });

async function open(id) {
  query.set("list", id);
  const list = await rowsOf(id, 0);
  if (query.get("list") !== id) return;
  shown = list;
  for (const button of byId("lists").querySelectorAll("button")) {
    if (button.dataset.list === (list.within || id)) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  draw();
  const row = list.rows.findIndex((one) => named(one) === query.get("row"));
  if (row >= 0) look(row);
  else {
    query.delete("row");
    drawing.select(null);
    if (list.grid) frame(list.grid);
    else view.fit(topology.bbox);
  }
  remember();
}

async function more() {
  const { id, rows } = shown;
  const next = await rowsOf(id, rows.length);
  if (shown.id !== id) return;
  rows.push(...next.rows);
  draw();
}

/** What a row is called in the address. */
const named = ({ grid, code, at }) => String(grid ?? (code || at));

function draw() {
  const { id, name, demand, domain, rows, unmeasured, rule, count: all, within, grid } = shown;
  const download = (format) =>
    el("a", { class: "button", download: true, "data-format": format, href: `/api/findings/${encodeURIComponent(id)}?${new URLSearchParams({ plan: query.get("plan"), format })}` }, format.toUpperCase());
  byId("work").replaceChildren(el("div", {},
    within && el("p", {}, el("button", { type: "button", class: "link", "data-within": within, onclick: () => { query.set("row", grid); return open(within); } }, gettext("返回清单"))),
    el("h2", {}, name, " ", el("span", { class: "figures" }, fill(gettext("{n} 条"), { n: count(all) }))),
    el("p", { class: "demand" }, gettext("要求"), ": ", demand),
    el("p", { class: "note" }, domain && [gettext("业务编号"), " ", data(domain)], canEdit && (rule || MADE_BY_RULES.test(within || id)) && [" · ", el("a", { href: "/rules/" }, gettext("修改数值"))]),
    unmeasured > 0 && el("p", { class: "note" }, fill(gettext("{n} 个网格没有数据, 未作判断"), { n: count(unmeasured) })),
    el("p", { class: "downloads" }, download("xlsx"), download("csv")),
    rows.length
      ? el("ol", {}, rows.map((row, place) => line(row, place)))
      : el("p", { class: "message" }, gettext("没有发现问题。")),
    all > rows.length && el("p", {}, el("button", { type: "button", onclick: more }, fill(gettext("再列 {n} 条 (共 {all} 条)"), { n: count(Math.min(PAGE, all - rows.length)), all: count(all) }))),
    rows.length > MOST_PINS && el("p", { class: "note" }, fill(gettext("地图上只标出前 {n} 条"), { n: count(MOST_PINS) })),
  ));
  for (const pin of pins) pin.remove();
  pins = rows.slice(0, MOST_PINS).flatMap(({ at, name: title }, place) =>
    at ? [view.marker(at, el("span", { class: "pin finding" }, String(place + 1)), { title, onClick: () => look(place) })] : []);
  // Where the ways of the homes lead.
  const outlets = new Map(rows.flatMap(({ details }) => (details.outlet_at ? [[String(details.outlet_at), details]] : [])));
  for (const { outlet, outlet_at: at } of outlets.values()) pins.push(view.marker(at, el("span", { class: "pin outlet" }, gettext("营业网点")), { title: outlet }));
}

const line = ({ name, text, code, grid, at, behind }, place) =>
  el("li", { "data-row": place },
    el("span", { class: "pin finding" }, String(place + 1)),
    el("div", {},
      at
        ? el("button", { type: "button", class: "link", onclick: () => look(place) }, data(name || code))
        : data(name || code),
      el("p", {}, text),
      el("p", { class: "note" }, data(code, { class: "code" }), grid && [" · ", el("a", { href: `/?plan=${query.get("plan")}&grid=${grid}` }, gettext("在地图上打开"))],
        behind && [" · ", el("button", { type: "button", class: "link", "data-behind": behind, onclick: () => { query.delete("row"); return open(behind); } }, gettext("逐处列出"))])));

/** Shows a grid whole, and says whether the plan has it. */
function frame(grid) {
  const found = grid && topology.grid(grid);
  if (!found) return false;
  drawing.show(topology, found.level);
  drawing.select(grid);
  view.fit(found.bbox, { maxZoom: 15 });
  return true;
}

/** Zooms to a row, and marks it. */
function look(place) {
  const { at, grid, details } = shown.rows[place];
  if (!frame(grid) && at) {
    drawing.select(shown.grid);
    if (details.outlet_at) view.fit(around([at, details.outlet_at]), { maxZoom: 15 });
    else view.look(at, 15);
  }
  for (const row of byId("work").querySelectorAll("li[aria-current]")) row.removeAttribute("aria-current");
  const row = byId("work").querySelector(`[data-row="${place}"]`);
  row.setAttribute("aria-current", "true");
  row.scrollIntoView({ block: "nearest" });
  query.set("row", named(shown.rows[place]));
  remember();
}

const around = (places) => [Math.min, Math.max].flatMap((of) => [0, 1].map((axis) => of(...places.map((place) => place[axis]))));

start().catch((error) => {
  byId("lists").replaceChildren(el("p", { class: "message error", role: "alert" }, error.message));
  notify("");
});
