/** What the panel says of a grid, and of a plan as a whole. */
import { get } from "jt/api";
import { data, el, icon, notify } from "jt/dom";
import { chainList, demoTag, facts, person, problem } from "jt/panel";
import { area, count, distance, figure, fill } from "jt/text";

const { gettext } = window;

/**
 * @param {object} grid as GET /api/grids/{id} gives it
 * @param {{name: string}} plan
 * @param {{onGrid: (id: number) => void, onLevel: (level: number) => void, onFeatures: (layer: string, query: object) => void}} actions
 * @returns {Node[]}
 */
export function gridDetails(grid, plan, { onGrid, onLevel, onFeatures }) {
  return [
    el("div", { class: "panel-head" }, el("p", { class: "note", translate: "no" }, grid.level_name), el("h2", { class: "big", translate: "no" }, grid.name)),
    chainList(grid.chain, onGrid),
    ...(grid.vacant === null && !grid.responsible.length ? [] : inCharge(grid)),
    facts([
      [gettext("编码"), data(grid.code, { class: "code", "data-field": "code" })],
      [gettext("行内编码"), grid.bank_code && data(grid.bank_code, { class: "code" })],
      [gettext("类别"), grid.kind_label],
      [gettext("面积"), area(grid.area_m2)],
      [gettext("户数"), grid.households && households(grid.households)],
      [gettext("下级网格"), grid.children > 0 && children(grid, onLevel)],
      [gettext("方案"), data(plan.name)],
      [gettext("界线来源"), grid.synthetic && demoBorders()],
    ]),
    ...contents(grid, onFeatures),
    registers(grid, onFeatures),
    channels(grid),
    el("h3", {}, gettext("相邻网格")),
    grid.neighbours.length
      ? el("ul", { class: "rows" }, grid.neighbours.map((neighbour) => neighbourRow(neighbour, onGrid)))
      : el("p", { class: "note" }, gettext("没有相邻的同级网格。")),
    el("div", { class: "actions" }, el("button", { type: "button", onclick: copyLink }, icon("link"), gettext("复制链接"))),
  ];
}

/** What stands in the grid, by layer and kind; every number leads to its rows. */
function contents(grid, onFeatures) {
  const within = { grid: String(grid.id), grid_name: grid.name };
  const number = (n, query, layer, name) =>
    el("button", { class: "link figures", type: "button", "aria-label": `${name} ${count(n)}`, onclick: () => onFeatures(layer, query) }, count(n));
  return [
    el("h3", {}, gettext("网格内")),
    grid.features.length
      ? el("ul", { class: "rows contents" }, grid.features.map(({ layer, name, count: total, kinds }) =>
        el("li", { "data-layer": layer },
          el("details", {},
            el("summary", {}, el("span", {}, name), number(total, within, layer, name)),
            el("ul", { class: "rows" }, kinds.map((kind) =>
              el("li", {}, el("span", {}, kind.name), number(kind.count, { ...within, kind: kind.id }, layer, kind.name))))))))
      : el("p", { class: "note" }, gettext("没有网点、机具和场所。")),
  ];
}

/** Details that are fetched when opened. @param {(answer: object) => Node} show */
function later(name, title, path, show) {
  const body = el("div");
  const box = el("details", { class: `${name} later` }, el("summary", {}, title), body);
  box.addEventListener("toggle", async () => {
    if (!box.open || body.hasChildNodes()) return;
    try {
      body.replaceChildren(show(await get(path)));
    } catch (error) {
      body.replaceChildren(problem(error));
    }
  });
  return box;
}

/** How people of the grid reach the bank: online, as a share of customers; and the places. */
const channels = (grid) =>
  later("channels", gettext("线上线下渠道"), `grids/${grid.id}/channels`, (found) =>
    el("ul", { class: "rows" }, found.map(({ id, name, value, unit, decimals, source }) =>
      el("li", { "data-channel": id },
        el("span", {}, name),
        el("span", { class: "figures", title: source }, value === null ? gettext("没有数据") : `${figure(Number(value.toFixed(decimals)))} ${unit}`.trim())))));

/** What a register is made of, by kind; each number leads to its rows. */
export function registerParts({ parts, partial }, grid, onFeatures) {
  const row = ({ name, count: n, layer, kind }) =>
    el("li", {}, el("span", {}, name),
      layer ? el("button", { class: "link figures", type: "button", "aria-label": `${name} ${count(n)}`, onclick: () => onFeatures(layer, { grid: String(grid.id), grid_name: grid.name, kind }) }, count(n))
        : el("span", { class: "figures" }, count(n)));
  return [
    parts.length ? el("ul", { class: "rows" }, parts.map(row)) : !partial && el("p", { class: "note" }, gettext("没有登记。")),
    partial && el("p", { class: "note" }, gettext("不含您无权查看的客户和人员。")),
  ];
}

/** 人·房·事·组织·物品, and what the bank has added. */
const registers = (grid, onFeatures) =>
  later("registers", gettext("五类登记 (人·房·事·组织·物品)"), `grids/${grid.id}/registers`, (found) =>
    el("ul", { class: "rows contents" }, found.map((one) =>
      el("li", { "data-register": one.id },
        el("details", {},
          el("summary", {}, el("span", {}, one.name),
            el("span", { class: "figures" }, one.partial && !one.count ? gettext("无权查看") : count(one.count))),
          registerParts(one, grid, onFeatures))))));

export const demoBorders = () => el("span", { class: "tag" }, gettext("演示数据: 内部界线为合成"));

/** As counted on a day; or, where the border has moved since, as measured, and how. */
const households = ({ value, as_of: asOf, estimated, method, synthetic }) => [
  fill(gettext("{n} 户"), { n: count(value) }), " ",
  el("span", { class: "note" }, asOf ? fill(gettext("截至 {date}"), { date: asOf }) : method), " ",
  estimated && el("span", { class: "tag" }, gettext("估算")), " ",
  synthetic && demoTag(),
];

const children = (grid, onLevel) =>
  el("button", { class: "link", type: "button", onclick: () => onLevel(grid.level + 1) }, fill(gettext("{n} 个"), { n: count(grid.children) }));

const inCharge = ({ id, responsible, vacant, can_arrange: canArrange }) => [
  el("h3", {}, gettext("责任人")),
  ...responsible.map(person),
  vacant && el("p", { class: "vacant" }, icon("triangle-alert"), gettext("空缺")),
  el("p", {}, el("a", { href: `/people/grids/${id}/` }, canArrange ? gettext("安排、交接与历任") : gettext("历任"))),
].filter(Boolean);

const neighbourRow = ({ id, name, code, border_m: metres }, onGrid) =>
  el(
    "li",
    {},
    el("button", { class: "link", type: "button", translate: "no", title: code, onclick: () => onGrid(id) }, name),
    el("span", { class: "figures", title: gettext("共同界线的长度") }, distance(metres)),
  );

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    notify(gettext("链接已复制。"));
  } catch {
    notify(gettext("浏览器不允许复制，请从地址栏复制链接。"));
  }
  setTimeout(() => notify(""), 3000);
}

/** «2026 年调整 (草稿·第 37 版)»; with the institution, where the user sees plans of more than one. */
export function planTitle(plan, plans) {
  const banks = new Set(plans.map(({ institution }) => institution.id));
  const name = banks.size > 1 ? `${plan.institution.name} ${plan.name}` : plan.name;
  return fill(gettext("{name} ({status}·第 {revision} 版)"), { name, status: plan.status_label, revision: plan.revision });
}

/**
 * @param {object} plan as the API gives it
 * @param {object[]} plans all that the user may see
 * @param {import("jt/topology").Topology} topology
 */
export function planDetails(plan, plans, topology, { onPlan, onLevel }) {
  const others = plans.filter(({ id }) => id !== plan.id);
  return [
    el("div", { class: "panel-head" }, el("p", { class: "note" }, gettext("方案")), el("h2", { class: "big", translate: "no" }, plan.name)),
    facts([
      [gettext("机构"), data(plan.institution.name)],
      [gettext("状态"), `${plan.status_label}${plan.in_force ? ` · ${gettext("现行")}` : ""}`],
      [gettext("版本"), fill(gettext("第 {n} 版"), { n: plan.revision })],
      [gettext("有效期"), plan.valid_from && el("span", { class: "figures" }, validity(plan))],
      [gettext("覆盖规则"), plan.policy_label],
      [gettext("交叉上限"), plan.overlap_limit > 0 && fill(gettext("自身面积的 {n}%"), { n: Number((plan.overlap_limit * 100).toPrecision(3)) })],
      [gettext("界线来源"), plan.synthetic && demoBorders()],
      [gettext("来源"), plan.source && data(plan.source)],
    ]),
    el("h3", {}, gettext("级别")),
    el(
      "ul",
      { class: "rows" },
      plan.level_names.map((name, level) =>
        el(
          "li",
          {},
          el("button", { class: "link", type: "button", translate: "no", onclick: () => onLevel(level) }, name),
          el("span", { class: "figures" }, fill(gettext("{n} 个"), { n: count(topology.objects[level]?.length ?? 0) })),
        ),
      ),
    ),
    el("p", { class: "note" }, gettext("在图上点选一个网格，查看它的详情。")),
    ...(others.length
      ? [
          el("h3", {}, gettext("其他方案")),
          el(
            "ul",
            { class: "rows" },
            others.map((other) =>
              el("li", {}, el("button", { class: "link", type: "button", translate: "no", onclick: () => onPlan(other.id) }, planTitle(other, plans))),
            ),
          ),
        ]
      : []),
  ];
}

const validity = ({ valid_from: from, valid_to: to }) =>
  to ? fill(gettext("{from} 至 {to}"), { from, to }) : fill(gettext("自 {from} 起"), { from });

/** No plan yet: how to begin. */
export const noPlan = (canImport) => [
  el("div", { class: "panel-head" }, el("h2", { class: "big" }, gettext("还没有方案"))),
  el("p", {}, gettext("本机构还没有可以查看的网格方案。")),
  ...(canImport
    ? [
        el("p", {}, gettext("可以先导入已有的网格文件 (GeoJSON、GeoPackage、Shapefile)，检查并修复后成为草稿方案。")),
        el("p", {}, el("a", { class: "button", href: "/import/" }, gettext("导入网格"))),
      ]
    : []),
];
