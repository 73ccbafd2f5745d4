/** The badge «覆盖检查», computed by the server, and what it found: each defect an object on the map and in the list. */
import { get } from "jt/api";
import { byId, data, el } from "jt/dom";
import { facts, problem } from "jt/panel";
import { defectColour, defectFill } from "jt/patterns";
import { area, count, fill, moment } from "jt/text";

const { gettext, ngettext } = window;

export class Coverage {
  #view;
  #panel;
  #badge = byId("coverage");
  #report = null;
  #error = null;
  #plan = null;
  #drawing = null;

  constructor(view, panel) {
    this.#view = view;
    this.#panel = panel;
    this.#badge.addEventListener("click", () => this.open());
  }

  async show(plan) {
    this.#plan = plan;
    this.#report = this.#error = null;
    this.#drawing?.stop();
    this.#set("wait", gettext("覆盖检查…"));
    try {
      const report = await get(`plans/${plan.id}/coverage`);
      if (plan !== this.#plan) return;
      this.#report = report;
      this.#set(report.exact ? "exact" : "broken", this.#verdict());
      this.#drawing = this.#view.drawing(() => this.#draw());
    } catch (error) {
      this.#error = error;
      this.#set("wait", gettext("覆盖检查未完成"));
    }
  }

  open() {
    const heading = el("div", { class: "panel-head" }, el("h2", { class: "big" }, gettext("覆盖检查")));
    if (this.#error) return this.#panel.show([heading, problem(this.#error)]);
    if (!this.#report) return this.#panel.show([heading, el("p", { class: "note" }, gettext("正在检查…"))]);
    const { exact, grids, parents, checked_at: time, policy_label: policy, overlap_limit: limit, guard, faults } = this.#report;
    this.#panel.show([
      heading,
      el("div", { class: exact ? "message" : "message error" }, el("p", {}, this.#verdict())),
      facts([
        [gettext("已检查网格"), count(grids)],
        [gettext("已检查上级"), count(parents)],
        [gettext("检查时间"), el("span", { class: "figures" }, moment(time))],
        [gettext("覆盖规则"), policy],
        [gettext("交叉上限"), limit > 0 && fill(gettext("自身面积的 {n}%"), { n: Number((limit * 100).toPrecision(3)) })],
      ]),
      exact && el("p", { class: "note" }, limit > 0
        ? gettext("农村网格的界线和与其下级之总和相等，没有缺口或重叠；城区网格没有缺口，与同级网格重叠的面积都未超过上限。")
        : gettext("每个上级网格的界线和都等于其下级界线和之总和：没有任何一处缺口或重叠。")),
      ...this.#list(),
      ...(faults.length && !this.#defects().length ? faultList(faults) : []),
      guard.length > 0 && el("div", { class: "message warning" }, el("p", {}, gettext("数据库的覆盖约束不完整：")), guard.map((line) => el("p", { translate: "no" }, line))),
    ].filter(Boolean));
  }

  #set(state, text) {
    this.#badge.dataset.state = state;
    this.#badge.querySelector(".badge-text").textContent = text;
    this.#badge.title = text;
  }

  #verdict() {
    const { exact, faults, guard, overlap_limit: limit } = this.#report;
    if (exact && limit > 0) return gettext("覆盖检查 ✓ 无缺口，交叉未超上限");
    if (exact) return gettext("覆盖检查 ✓ 无缺口、无重叠");
    const found = this.#defects().length || faults.length;
    if (!found && guard.length) return gettext("覆盖检查：约束不完整");
    return fill(ngettext("覆盖检查：{n} 处问题", "覆盖检查：{n} 处问题", found), { n: count(found) });
  }

  #defects() { return this.#report.defects.features; }

  #list() {
    const defects = this.#defects();
    if (!defects.length) return [];
    return [
      el("h3", {}, gettext("问题清单")),
      el(
        "ul",
        { class: "rows" },
        defects.map(({ id, properties, geometry }) =>
          el(
            "li",
            { id: `defect-${id}`, class: "defect" },
            pin(id, properties.kind),
            el("button", { class: "link", type: "button", onclick: () => geometry && this.#look(geometry) }, kindName(properties.kind)),
            el("span", { class: "figures area" }, area(properties.area_m2)),
            data(properties.grids.join("、"), { class: "figures codes" }),
          ),
        ),
      ),
    ];
  }

  #draw() {
    const drawn = this.#defects()
      .filter(({ geometry }) => geometry)
      .flatMap(({ id, geometry, properties: { kind } }) => {
        const { polygons, lines } = parts(geometry);
        const look = { ...(defectFill[kind] ?? defectFill.gap), stroke: defectColour[kind] ?? defectColour.gap, weight: 2 };
        return [
          this.#view.polygons([{ polygons, look }], "jt-selection"),
          this.#view.lines([{ arcs: lines, look }], "jt-selection"),
          this.#view.marker(centre(geometry), pin(id, kind), {
            title: `${id} ${kindName(kind)}`,
            onClick: () => {
              this.open();
              byId(`defect-${id}`)?.querySelector("button").focus();
            },
          }),
        ];
      });
    return { remove: () => drawn.forEach((part) => part.remove()) };
  }

  #look(geometry) {
    this.#view.fit(box(geometry), { maxZoom: 19 });
  }
}

const kindName = (kind) =>
  ({
    gap: gettext("缺口"), overlap: gettext("重叠"), outside: gettext("超出上级"),
    unmatched: gettext("界线顶点不一致"), invalid: gettext("图形无效"),
  })[kind] ?? kind;

const pin = (number, kind) => el("span", { class: `pin ${kind}` }, String(number));

const faultList = (faults) => [
  el("h3", {}, gettext("问题清单")),
  el("ul", { class: "rows" }, faults.map(({ code, fault }) => el("li", {}, data(code ?? "", { class: "code" }), data(fault)))),
];

/** Polygons and lines of any geometry, collections included. */
function parts({ type, coordinates, geometries }) {
  if (type === "Polygon") return { polygons: [coordinates], lines: [] };
  if (type === "MultiPolygon") return { polygons: coordinates, lines: [] };
  if (type === "LineString") return { polygons: [], lines: [coordinates] };
  if (type === "MultiLineString") return { polygons: [], lines: coordinates };
  const inner = (geometries ?? []).map(parts);
  return { polygons: inner.flatMap((part) => part.polygons), lines: inner.flatMap((part) => part.lines) };
}

function positions({ coordinates, geometries }) {
  if (geometries) return geometries.flatMap(positions);
  const flat = coordinates.flat(Infinity);
  return flat.filter((_, index) => index % 2 === 0).map((lon, index) => [lon, flat[2 * index + 1]]);
}

function box(geometry) {
  const places = positions(geometry);
  const [lons, lats] = [places.map(([lon]) => lon), places.map(([, lat]) => lat)];
  return [lons, lats].map((list) => list.reduce((a, b) => Math.min(a, b)))
    .concat([lons, lats].map((list) => list.reduce((a, b) => Math.max(a, b))));
}

function centre(geometry) {
  const [west, south, east, north] = box(geometry);
  return [(west + east) / 2, (south + north) / 2];
}
