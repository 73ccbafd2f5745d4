/** The map page: puts the modules together and keeps the address in step with what is shown. */
import { get, stayAwake } from "jt/api";
import { baseMaps } from "jt/base";
import { Coverage } from "jt/coverage";
import { gridDetails, noPlan, planDetails, planTitle } from "jt/details";
import { byId, el, notify } from "jt/dom";
import { OnDuty } from "jt/duty";
import { Editor } from "jt/editor";
import { gridForm, levelForm } from "jt/gridform";
import { Finder } from "jt/finder";
import { GridDrawing } from "jt/grids";
import { Labels } from "jt/labels";
import { PointLayers } from "jt/layers";
import { drawLegend, openLegend } from "jt/legend";
import { Locate, toolButtons } from "jt/locate";
import { Panel, problem } from "jt/panel";
import { partitionForm, putAway, rebalanceForm } from "jt/partition";
import { Remarks } from "jt/remarks";
import { Search } from "jt/search";
import * as state from "jt/state";
import { coordinates } from "jt/text";
import { Thematic } from "jt/thematic";
import { Topology } from "jt/topology";
import { createView } from "jt/view";

const { gettext } = window;
const page = JSON.parse(byId("page").textContent);

const now = state.read();
const wanted = now.find;
const view = createView();
const panel = new Panel(() => view.resized());
view.setCovered(() => panel.covers);
const drawing = new GridDrawing(view);
const labels = new Labels(view);
const coverage = new Coverage(view, panel);
const remarks = new Remarks(view);
const points = new PointLayers(view, page.dense, {
  onChange: () => {
    now.layers = layersShown();
    legend();
    labels.repaint();
    remember();
  },
  onFeature: (layer, id) => finder.show(layer, id),
  onList: (layer) => {
    byId("layers").open = false;
    finder.open(layer);
  },
});
const finder = new Finder(view, panel, points, page.institutions, {
  onGrid: selectGrid,
  onClosed: overview,
  remember,
});
const onDuty = new OnDuty(view, {
  onChange: () => { now.layers = layersShown(); remember(); },
  show: (content) => { request += 1; finder.close(); panel.show(content); },
  onGrid: selectGrid,
});
const layersShown = () => [...points.shown, ...onDuty.shown];
const locate = new Locate(view, panel, {
  plan: () => plan, onGrid: selectGrid, onFound: showFound, duty: (lonLat, accuracy) => onDuty.choices(lonLat, accuracy),
});

const thematic = new Thematic(now, {
  look: (id) => selectGrid(id),
  place: (lonLat) => view.bring(lonLat, Math.max(view.zoom, 15)),
  show: (content) => panel.show(content),
  features: (layer, query) => finder.open(layer, query),
  changed: () => { drawing.repaint(); labels.repaint(); legend(); remember(); },
});
drawing.look = (grid) => thematic.look(grid);
labels.value = (grid) => thematic.text(grid);

const COVERAGE_AFTER = 800;

let plans = [];
let plan = null;
let topology = null;
let tool = "select";
let request = 0;
let choose = () => {};
let coverageTimer = 0;

const editor = new Editor(view, {
  level: () => now.level,
  selected: () => now.grid,
  redraw: redrawEdited,
  levels: () => { offerLevels(); showLevel(Math.min(now.level, topology.levels - 1)); },
  mark: (ids) => drawing.select(now.grid, ids),
  bend: (mould, news) => drawing.bend(mould, news),
  choose: takeTool,
  look: (id) => {
    const grid = topology.grid(id);
    if (grid) view.fit(grid.bbox, { maxZoom: 17 });
    selectGrid(id);
  },
});

async function start() {
  stayAwake();
  openLegend();
  baseMaps(view, page.baseMaps, now.base, (base) => {
    now.base = base;
    labels.repaint();
    remember();
  });
  const layers = points.start(now.layers);
  const duties = layers.then(() => onDuty.start([...now.layers]));
  const measures = thematic.start();
  plans = await get("plans");
  if (!plans.length) {
    panel.show(noPlan(page.canImport));
    return ready();
  }
  const choice = byId("plan");
  choice.append(...plans.map((each) => el("option", { value: each.id }, planTitle(each, plans))));
  choice.addEventListener("change", () => openPlan(Number(choice.value)));
  listen();
  await openPlan(plans.some(({ id }) => id === now.plan) ? now.plan : plans[0].id, { keep: true });
  await Promise.all([layers, measures, duties]);
  await points.show(topology.bbox);
  legend();
  if (wanted) await finder.read(wanted);
}

/** Shows another plan; `keep`: with the level, grid and extent that the address names. */
async function openPlan(id, { keep = false } = {}) {
  const loaded = new Topology(await get(`plans/${id}/topology`));
  plan = plans.find((each) => each.id === id);
  editor.close();
  topology = plan.can_edit ? editor.open(plan, loaded) : loaded;
  document.body.classList.toggle("can-edit", plan.can_edit);
  byId("plan").value = id;
  byId("synthetic").hidden = !plan.synthetic;
  if (!keep) now.level = now.grid = now.lon = undefined;
  now.plan = id;
  now.level = topology.objects[now.level] ? now.level : defaultLevel();
  locate.clear();
  offerLevels();
  if (now.lon !== undefined && now.lat !== undefined) view.look([now.lon, now.lat], now.z ?? 14);
  else view.fit(topology.grid(now.grid)?.bbox ?? topology.bbox, { maxZoom: 16 });
  showLevel(now.level);
  ready();
  coverage.show(plan);
  await remarks.show(plan).catch((error) => notify(error.message));
  if (topology.grid(now.grid)) await selectGrid(now.grid, { at: view.centre });
  else overview();
  if (!keep) await points.show(topology.bbox);
}

/** The level below the service area: its names can be read when the whole plan is in sight. */
const defaultLevel = () => Math.min(1, topology.levels - 1);

function offerLevels() {
  const box = byId("levels");
  for (const label of box.querySelectorAll("label")) label.remove();
  box.append(
    ...topology.objects.map((_, level) =>
      el("label", { title: gettext("快捷键") + ` ${level + 1}` },
        el("input", { type: "radio", name: "level", value: level, onchange: () => showLevel(level) }),
        el("span", { translate: "no" }, plan.level_names[level]))),
  );
}

function showLevel(level) {
  now.level = level;
  byId("levels").querySelector(`[value="${level}"]`).checked = true;
  thematic.show(plan, level);
  drawing.show(topology, level);
  labels.show(topology, level);
  const link = byId("export");
  link.href = `/api/plans/${plan.id}/grids?level=${level}`;
  link.setAttribute("download", `${plan.name}-${plan.level_names[level]}.geojson`);
  legend();
  remember();
}

/** After an edit, one's own or another's. */
function redrawEdited() {
  showLevel(now.level);
  byId("plan").querySelector(`[value="${plan.id}"]`).textContent = planTitle(plan, plans);
  clearTimeout(coverageTimer);
  coverageTimer = setTimeout(() => coverage.show(plan), COVERAGE_AFTER);
  if (topology.grid(now.grid)) selectGrid(now.grid, { at: view.centre });
  else overview();
}

function legend() {
  if (plan) drawLegend(plan, now.level, points.visible, topology.hasLocked, thematic.legend());
}

function overview() {
  putAway();
  finder.close();
  now.grid = undefined;
  drawing.select(null);
  const details = planDetails(plan, plans, topology, { onPlan: openPlan, onLevel: showLevel });
  if (editor.active)
    details.push(
      ...remarks.list(),
      levelForm(plan.level_names, (op, args) => editor.commit(op, args)),
      el("p", { class: "actions" }, el("a", { class: "button", href: "/plans/" }, gettext("提交审定"))),
    );
  panel.show(details, { height: "peek" });
  remember();
}

/**
 * Selects a grid: outlines it, shows its level if need be, brings it into sight, and says all about it.
 * `at`: the place by which it was chosen, and which has to stay in sight; without it, the grid's label is.
 */
async function selectGrid(id, { at } = {}) {
  const number = (request += 1);
  const grid = topology.grid(id);
  finder.close();
  if (id !== now.grid) putAway();
  now.grid = id;
  thematic.mark(id);
  if (grid && grid.level > now.level) showLevel(grid.level);
  drawing.select(id);
  remember();
  const done = panel.wait(gettext("正在读取…"));
  try {
    const details = await get(`grids/${id}`);
    if (number !== request) return;
    done();
    const shown = gridDetails(details, plan, {
      onGrid: selectGrid, onLevel: showLevel, onFeatures: (layer, query) => finder.open(layer, query),
    });
    if (editor.active && topology.grid(id)) {
      const proposing = { plan, view, apply: ({ op, args }) => editor.commit(op, args) };
      shown.push(
        gridForm(details, topology, plan.level_names, (op, args) => editor.commit(op, args)),
        partitionForm(id, proposing),
        rebalanceForm(id, topology, proposing),
      );
    }
    putAway();
    panel.show(shown.filter(Boolean));
    // Only now: on a phone the sheet has come up.
    if (at && !view.shows(at)) view.bring(at);
    else if (!at && grid && !view.shows(grid.label)) view.fit(grid.bbox, { maxZoom: 15 });
  } catch (error) {
    if (number === request) panel.show([problem(error)]);
  } finally {
    done();
  }
}

function showFound(found) {
  request += 1;
  finder.close();
  now.grid = found?.grid.id;
  if (found && found.grid.level > now.level) showLevel(found.grid.level);
  drawing.select(now.grid ?? null, found?.near_border ? found.candidates.map(({ id }) => id) : []);
  remember();
}

/** A place is chosen, by the pointer or by the keyboard. */
function pick(lonLat) {
  if (finder.click(lonLat)) return undefined;
  if (!topology || editor.click(lonLat) || points.click(lonLat)) return undefined;
  if (tool === "locate") return locate.at(lonLat);
  const grid = topology.gridAt(now.level, lonLat);
  return grid ? selectGrid(grid.id, { at: lonLat }) : overview();
}

function listen() {
  choose = toolButtons(takeTool);
  view.on("click", pick);
  // The cross-hair stands for the pointer; a tool that draws takes the key before.
  view.element.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.target !== view.element) return;
    event.preventDefault();
    pick(view.centre);
  });
  view.on("pointer", (lonLat) => (byId("pointer").textContent = `${coordinates(lonLat)} CGCS2000`));
  view.on("out", () => (byId("pointer").textContent = ""));
  view.on("moved", remember);
  new Search(() => plan?.id ?? null, {
    onGrid: ({ id, bbox }) => {
      view.fit(bbox, { maxZoom: 15 });
      selectGrid(id);
    },
    onFeature: (layer, id) => {
      request += 1;
      finder.show(layer, id, { bring: true });
    },
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=radio], [type=checkbox]), select")) return;
    if (/^[1-9]$/.test(event.key) && topology?.objects[event.key - 1]) showLevel(event.key - 1);
    if (event.key === "Escape") escape();
  });
  document.addEventListener("click", ({ target }) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
  });
  byId("scale").append(view.scale());
}

/** Escape puts away one thing after the other: a menu, the tool, the panel. */
function escape() {
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    const wasThere = menu.contains(document.activeElement);
    menu.open = false;
    if (wasThere) menu.querySelector("summary").focus();
  } else if (editor.escape() || finder.escape()) return;
  else if (tool !== "select") takeTool("select");
  else panel.close();
}

function takeTool(chosen) {
  tool = chosen;
  choose(tool);
  if (tool === "locate") locate.here();
  else locate.clear();
  editor.take(tool);
}

function remember() {
  if (!plan) return;
  const [lon, lat] = view.centre;
  now.find = finder.address;
  Object.assign(now, { lon: Number(lon.toFixed(5)), lat: Number(lat.toFixed(5)), z: view.zoom });
  state.write(now);
}

/** Says that what was asked for is on the map, for tests and for measuring: after the frame that paints it. */
function ready() {
  requestAnimationFrame(() => setTimeout(() => {
    performance.mark("jt-map-ready");
    view.element.dataset.ready = "true";
  }));
}

start().catch((error) => {
  panel.show([problem(error)]);
  notify("");
});
