/** Siting: ask for a proposal, draw it before and after, list the places. */
import { get, post } from "jt/api";
import { byId, data, el } from "jt/dom";
import { download } from "jt/download";
import { count, distance, fill } from "jt/text";
import { createView } from "jt/view";

const { gettext } = window;
const page = JSON.parse(byId("page").textContent);
const view = createView();
const form = byId("wish");
let drawn = [];
let outlined = null;
let outlines = null;

const LOOKS = {
  served: { fill: "#8fb7b9", opacity: 0.9 },
  gained: { fill: "#009e73", opacity: 1 },
  beyond: { fill: "#b3261e", opacity: 0.35 },
};

function start() {
  view.setBase({ url: "", datum: view.datum });
  for (const [layer, kinds] of Object.entries(page.sited).filter(([, found]) => found.length))
    form.what.append(el("optgroup", { label: page.layers[layer] },
      kinds.map((kind) => el("option", { value: `${layer}:${kind.id}` }, kind.name))));
  form.grid.append(...page.grids.map((grid) => el("option", { value: grid.id }, `${"　".repeat(grid.level)}${grid.name}`)));
  form.candidates.append(
    el("option", { value: "villages" }, gettext("各村 (最小网格的上级)")),
    el("option", { value: "leaves" }, gettext("各网格")),
    ...Object.entries(page.kinds).map(([layer, kinds]) => el("optgroup", { label: page.layers[layer] },
      kinds.map((kind) => el("option", { value: `${layer}:${kind.id}` }, kind.name)))),
  );
  const asked = new URLSearchParams(location.search);
  for (const [name, value] of asked) if (form[name] && name !== "csrfmiddlewaretoken") form[name].value = value;
  form.grid.addEventListener("change", lookAtGrid);
  form.addEventListener("submit", propose);
  lookAtGrid();
  byId("map").dataset.ready = "true";
  if (asked.size && form.reportValidity()) propose();
}

/** The borders of the townships, to see where one is. */
async function lookAtGrid() {
  const grid = page.grids.find(({ id }) => id === Number(form.grid.value));
  if (!grid) return;
  view.fit(grid.bbox);
  if (outlined === grid.plan) return;
  outlined = grid.plan;
  const { features } = await get(`plans/${grid.plan}/grids`, { level: 1 });
  const rings = ({ type, coordinates }) => (type === "Polygon" ? coordinates : coordinates.flat());
  outlines?.remove();
  outlines = view.lines(features.map(({ geometry }) => ({ arcs: rings(geometry), look: { stroke: "#35585b", weight: 1 } })), "jt-borders");
}

/** What is asked stands in the address: a link asks the same again. */
async function propose(event) {
  event?.preventDefault();
  const [layer, kind] = form.what.value.split(":");
  byId("fault").hidden = true;
  byId("busy").hidden = false;
  form.querySelector("button").disabled = true;
  try {
    const wish = {
      grid: Number(form.grid.value), layer, kind, candidates: form.candidates.value,
      k: Number(form.k.value), objective: form.objective.value, radius_m: Number(form.radius.value),
    };
    const address = `${location.pathname}?${new URLSearchParams(new FormData(form))}`;
    history.replaceState(null, "", address);
    for (const input of document.querySelectorAll(".language input[name=next]")) input.value = address;
    show(await post("siting", wish), wish);
  } catch (error) {
    byId("fault").textContent = error.message;
    byId("fault").hidden = false;
  } finally {
    byId("busy").hidden = true;
    form.querySelector("button").disabled = false;
  }
}

function show(found, wish) {
  drawn.forEach((part) => part.remove());
  const by = { served: [], gained: [], beyond: [] };
  for (const [lon, lat, , before, after] of found.demand) {
    const within = (metres) => metres !== null && metres <= found.radius_m;
    by[within(before) ? "served" : within(after) ? "gained" : "beyond"].push([lon, lat]);
  }
  drawn = Object.entries(by).map(([state, places]) => view.spots(places, LOOKS[state], "jt-selection"));
  drawn.push(...found.existing.map((one) =>
    view.marker(one.geometry.coordinates, el("span", { class: "there-mark" }), { title: one.properties.name, size: 12 })));
  drawn.push(...found.chosen.map((one, i) =>
    view.marker(one.geometry.coordinates, el("span", { class: "pin comment" }, String(i + 1)), { title: one.properties.name })));
  byId("siting-legend").hidden = false;
  const households = (n) => fill(gettext("{n} 户"), { n: count(n) });
  const share = (n) => `${households(n)} (${Math.round((1000 * n) / found.households) / 10}%)`;
  const metres = (n) => (n === null ? gettext("没有") : distance(n));
  byId("outcome").replaceChildren(
    el("h2", {}, gettext("结果")),
    el("div", { class: "figures-row" },
      el("span"), el("strong", {}, gettext("现在")), el("strong", {}, gettext("新设后")),
      el("span", {}, fill(gettext("{n} 以内的户数"), { n: distance(found.radius_m) })),
      el("span", {}, share(found.covered.before)), el("span", {}, share(found.covered.after)),
      el("span", {}, gettext("平均距离")), el("span", {}, metres(found.mean_m.before)), el("span", {}, metres(found.mean_m.after))),
    el("p", { class: "note" },
      fill(gettext("户数来源: {source}; 直线距离; 共 {n}。"), { source: found.source, n: households(found.households) }),
      found.gap > 0.0005 && fill(gettext("计算到时限为止, 与最优解最多相差 {n}%。"), { n: Math.round(found.gap * 1000) / 10 })),
    found.chosen.length > 0 && el("p", {}, el("button", { type: "button", onclick: ({ target }) => download(target, "/api/siting/csv", wish) }, "CSV")),
    found.chosen.length
      ? el("div", { class: "scroll" }, el("table", { class: "table" },
        el("thead", {}, el("tr", {}, ["", gettext("名称"), gettext("新增覆盖 (户)"), gettext("就近 (户)"), gettext("每户平均近")].map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, found.chosen.map((one, i) => el("tr", {},
          el("td", {}, String(i + 1)),
          el("td", {}, el("button", { type: "button", class: "link", onclick: () => view.look(one.geometry.coordinates, 14) }, data(one.properties.name)),
            el("small", {}, data(one.properties.code, { class: "code" }))),
          el("td", { class: "number" }, count(one.gain.covered)), el("td", { class: "number" }, count(one.gain.nearer)),
          el("td", { class: "number" }, one.gain.saved_m === null ? "–" : distance(one.gain.saved_m)))))))
      : el("p", {}, gettext("没有能增加覆盖的候选地点。")),
  );
  byId("outcome").hidden = false;
}

start();
