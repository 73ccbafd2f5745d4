/** The lists of people: what is not as it should be, on the map and as a table; the address says what is shown. */
import { ApiError, get } from "jt/api";
import { byId, data, el } from "jt/dom";
import "jt/download";
import { count, fill } from "jt/text";
import { PeopleMap } from "./map.js";

const { gettext } = window;
const STEP = 200;
const FILTERS = ["q", "kind", "role", "institution"];
const form = byId("filters");
const map = new PeopleMap((number) => choose(number));

let lists = null;
let shown = { list: "all" };
let rows = [];
let request = 0;

const everybody = () => ({ id: "all", name: gettext("全部人员"), about: gettext("现有人员 (未离岗), 以及今天负责的网格和点位"), count: null });

/** Everything first, then what is not as it should be. */
const choices = () => [everybody(), ...(lists ?? [])];

function readAddress() {
  const query = new URLSearchParams(location.search);
  shown = { list: query.get("list") ?? "all" };
  for (const name of FILTERS) shown[name] = form.elements[name].value = query.get(name) ?? "";
  byId("at").value = query.get("at") ?? "";
  shown.at = byId("at").value;
}

function writeAddress() {
  const query = new URLSearchParams(Object.entries(shown).filter(([name, value]) => value && !(name === "list" && value === "all")));
  const address = query.size ? `${location.pathname}?${query}` : location.pathname;
  history.replaceState(null, "", address);
  for (const input of document.querySelectorAll(".language input[name=next]")) input.value = address;
}

function drawLists() {
  byId("lists").replaceChildren(...choices().map(({ id, name, count: number, is_fault: isFault }) =>
    el("button", { type: "button", "data-list": id, "aria-current": String(id === shown.list), onclick: () => open(id) },
      name, number !== null && el("span", { class: number && isFault ? "number some" : "number" }, count(number)))));
}

function open(id) {
  shown.list = id;
  writeAddress();
  drawLists();
  load();
}

/** The list that is shown; before the lists are known, the one that the address names, without a name yet. */
const shownList = () => choices().find(({ id }) => id === shown.list) ?? (lists ? everybody() : { id: shown.list });

function drawHead({ name = "", about, domain }) {
  byId("list-name").textContent = name;
  byId("list-about").textContent = [about, domain].filter(Boolean).join(" · ");
}

async function load({ more = false } = {}) {
  const number = (request += 1);
  const list = shownList();
  drawHead(list);
  form.hidden = list.id !== "all";
  byId("day").hidden = list.id === "all";
  byId("fault").hidden = true;
  delete byId("rows").dataset.ready;
  if (!more) byId("rows").replaceChildren(el("p", { class: "note" }, gettext("正在载入…")));
  try {
    const read = list.id === "all" ? people : oneList;
    const found = await read(more, list.id);
    if (number === request) draw(list, found, more);
  } catch (error) {
    if (!(error instanceof ApiError) || number !== request) throw error;
    byId("fault").textContent = error.message;
    byId("fault").hidden = false;
  }
}

const filters = () => Object.fromEntries(FILTERS.map((name) => [name, shown[name]]).filter(([, value]) => value));

async function people(more) {
  const query = filters();
  const { count: total, people: found } = await get("people", { ...query, limit: STEP, offset: more ? rows.length : 0 });
  link(`/api/people?${new URLSearchParams(query)}`);
  return { total, rows: found.map((person) => ({ staff: { ...person, institution: person.institution.name }, person, at: person.at })) };
}

async function oneList(more, id) {
  const query = shown.at ? { at: shown.at } : {};
  const { numberMatched, features } = await get(`people/lists/${id}`, { ...query, limit: STEP, offset: more ? rows.length : 0 });
  link(`/api/people/lists/${id}?${new URLSearchParams(query)}`);
  return { total: numberMatched, rows: features.map(({ geometry, properties }) => ({ ...properties, geometry })) };
}

function link(address) {
  byId("csv").hidden = byId("xlsx").hidden = !address;
  if (!address) return;
  byId("csv").href = `${address}&format=csv`.replace("?&", "?");
  byId("xlsx").href = `${address}&format=xlsx`.replace("?&", "?");
}

function draw(list, { total, rows: found }, more) {
  rows = more ? [...rows, ...found] : found;
  byId("total").textContent = total > rows.length
    ? fill(gettext("共 {n} 条, 显示前 {shown} 条"), { n: count(total), shown: count(rows.length) })
    : fill(gettext("共 {n} 条"), { n: count(total) });
  byId("more").hidden = rows.length >= total;
  byId("rows").replaceChildren(rows.length ? table(list) : el("p", { class: "message" }, gettext("没有。")));
  map.show(list.id === "all" ? [] : rows, list.id === "all" ? rows : []);
  if (!more) map.fit(list.id === "all" && !filters().q ? [] : rows);
  byId("rows").dataset.ready = "true";
}

function table(list) {
  const heads = list.id === "all"
    ? [gettext("姓名"), gettext("类型"), gettext("机构"), gettext("负责")]
    : [gettext("序号"), gettext("网格或点位"), gettext("人员"), gettext("情况")];
  return el("table", { class: "table cards" },
    el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, rows.map((row, index) => (list.id === "all" ? personRow(row) : listRow(row, index)))));
}

const personLink = ({ id, name }) => el("a", { href: `/people/${id}/` }, data(name));
const unitLink = ({ type, id, name }) => el("a", { href: `/people/${type}s/${id}/` }, data(name));

const personRow = ({ person }) =>
  el("tr", {},
    el("td", {}, personLink(person), el("small", { class: "code", translate: "no" }, person.number)),
    el("td", {}, person.kind_label, person.duties.length > 0 && el("small", {}, person.duties.join(" · "))),
    el("td", {}, data(person.institution.name)),
    el("td", {}, person.assignments.map((one) =>
      el("div", {}, unitLink(one.unit), " ", el("span", { class: "note" }, [one.role_label, one.kind === "main" ? "" : one.kind_label].filter(Boolean).join(" · "))))));

function listRow({ grid, held, post, outlet, staff, text, at }, index) {
  const units = [...held, grid ?? post ?? outlet].filter(Boolean);
  return el("tr", { "data-row": index + 1 },
    el("td", {}, at
      ? el("button", { type: "button", class: "quiet", title: gettext("在图上显示"), onclick: () => choose(index + 1, true) }, el("span", { class: "pin" }, String(index + 1)))
      : String(index + 1)),
    el("td", {}, units.map((unit) => el("div", {}, unitLink(unit), el("small", {}, data([unit.parent, unit.code].filter(Boolean).join(" · ")))))),
    el("td", {}, staff && personLink(staff), staff && el("small", {}, data(staff.institution))),
    el("td", {}, data(text)));
}

/** A row and its pin on the map belong together: choosing one shows the other. */
function choose(number, look = false) {
  for (const row of byId("rows").querySelectorAll("tr.chosen")) row.classList.remove("chosen");
  const row = byId("rows").querySelector(`[data-row="${number}"]`);
  row?.classList.add("chosen");
  if (look) map.look(rows[number - 1]);
  else row?.scrollIntoView({ block: "center" });
}

byId("at").addEventListener("change", () => {
  shown.at = byId("at").value;
  writeAddress();
  load();
});

let timer = 0;
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    for (const name of FILTERS) shown[name] = form.elements[name].value.trim();
    writeAddress();
    load();
  }, 250);
});
form.addEventListener("submit", (event) => event.preventDefault());
byId("more").addEventListener("click", () => load({ more: true }));

readAddress();
await map.context();
drawLists();
const loading = load();
lists = await get("people/lists");
drawLists();
await loading;
// The name and the words about a list come with the lists; a list that there is not shows everybody.
drawHead(shownList());
if (shownList().id !== shown.list) await load();
byId("lists").dataset.ready = "true";
