/** «我在哪个网格»: where the device is, or where somebody taps, and who is in charge there. */
import { ApiError, get } from "jt/api";
import { byId, data, el, icon } from "jt/dom";
import { chainList, demoTag, person, problem } from "jt/panel";
import { coordinates, direction, distance, fill } from "jt/text";

const { gettext } = window;
const MOST_ACCURACY_M = 10_000;

export class Locate {
  #view;
  #panel;
  #actions;
  #drawing = null;
  #last = 0;

  /** @param {{plan: () => object, onGrid: (id: number) => void, onFound: (found: object) => void,
   *          duty: (lonLat?: [number, number], accuracy?: number) => Node[]}} actions what can be done where the device is */
  constructor(view, panel, actions) {
    this.#view = view;
    this.#panel = panel;
    this.#actions = actions;
  }

  /** Asks the device where it is. */
  async here() {
    const done = this.#panel.wait(gettext("正在定位…"));
    try {
      const { coords } = await position();
      await this.at([coords.longitude, coords.latitude], Math.min(coords.accuracy, MOST_ACCURACY_M), "wgs84", true);
    } catch (error) {
      this.#panel.show([title(), problem(error, gettext("也可以直接点按地图上的位置。")), ...this.#actions.duty()]);
    } finally {
      done();
    }
  }

  /** Asks the server about a place. @param {[number, number]} lonLat @param {number} accuracy metres */
  async at(lonLat, accuracy = 0, datum = "cgcs2000", bring = false) {
    const number = (this.#last += 1);
    this.clear();
    this.#drawing = this.#view.drawing(() => this.#view.position(lonLat, accuracy));
    const done = this.#panel.wait(gettext("正在查找网格…"));
    const duty = () => (bring ? this.#actions.duty(lonLat, accuracy) : []);
    try {
      const [lon, lat] = lonLat;
      const found = await get("locate", { lon, lat, datum, accuracy, plan: this.#actions.plan().id });
      if (number !== this.#last) return;
      this.#actions.onFound(found);
      this.#panel.show(result(found, accuracy, this.#actions, duty()));
    } catch (error) {
      if (number !== this.#last || !(error instanceof ApiError)) throw error;
      this.#actions.onFound(null);
      this.#panel.show([
        title(),
        problem(error, error.code === "outside_every_grid" ? gettext("请在服务区域内点按地图，或换一个方案。") : ""),
        ...duty(),
        el("p", { class: "note figures" }, coordinates(lonLat)),
      ]);
    } finally {
      done();
    }
    if (bring) this.#view.bring(lonLat, Math.max(this.#view.zoom, 14));
  }

  clear() {
    this.#drawing?.stop();
    this.#drawing = null;
  }
}

/** The device's position, or an error that says what to do. */
function position() {
  const text = {
    1: gettext("没有获得定位许可。请在浏览器的网站设置中允许定位，再试一次。"),
    2: gettext("设备暂时无法确定位置。请打开定位服务，到开阔处再试。"),
    3: gettext("定位超时。请到开阔处再试。"),
  };
  const fail = (code) => new ApiError(0, { code: "no_position", text: text[code] });
  return new Promise((resolve, reject) => {
    if (!navigator.geolocation) return reject(fail(2));
    navigator.geolocation.getCurrentPosition(resolve, ({ code }) => reject(fail(code)), {
      enableHighAccuracy: true, timeout: 15_000, maximumAge: 10_000,
    });
  });
}

const title = () => el("div", { class: "panel-head" }, el("h2", { class: "big" }, gettext("我在哪个网格")));

function result(found, accuracy, { plan, onGrid }, duty) {
  const { grid, chain, responsible, near_border: nearBorder, nearest } = found;
  return [
    el("div", { class: "panel-head" }, el("h2", { class: "big", translate: "no" }, grid.name)),
    whose(found),
    ...duty,
    el(
      "p",
      { class: "distance" },
      arrow(found),
      fill(gettext("距界线 {distance}，在{direction}方向"), {
        distance: distance(found.border_distance_m), direction: direction(bearing(found)),
      }),
    ),
    ...(nearBorder ? [warning(found, accuracy, onGrid)] : []),
    chainList(chain, onGrid),
    el("p", {}, gettext("编码"), " ", data(grid.code, { class: "code" })),
    ...(responsible.length ? [el("h3", {}, gettext("责任人")), ...responsible.map(person)] : []),
    ...spots(gettext("最近的网点"), nearest.outlets),
    ...spots(gettext("最近的机具"), nearest.machines),
    el("p", { class: "note" }, accuracy > 0 && `${fill(gettext("定位精度约 {distance}"), { distance: distance(accuracy) })} · `,
      gettext("坐标"), " ", el("span", { class: "figures" }, coordinates([found.point.lon, found.point.lat])), " (CGCS2000)"),
    el("p", { class: "note" }, gettext("方案"), " ", data(found.plan.name), " ", found.plan.synthetic && demoTag(),
      !plan().in_force && ` · ${gettext("此方案未生效")}`),
    el("div", { class: "actions" }, el("button", { type: "button", onclick: () => onGrid(grid.id) }, gettext("查看网格详情"))),
  ];
}

/** Whose grid it is: a sign and words, not colour alone. */
function whose({ mine, responsible, people_visible: visible }) {
  if (mine) return el("p", { class: "mine" }, icon("circle-check"), gettext("我的网格"));
  if (responsible.length)
    return el("p", { class: "others" }, icon("user"), fill(gettext("{name}的网格"), { name: responsible[0].name }));
  if (visible) return el("p", { class: "vacant" }, icon("triangle-alert"), gettext("责任人空缺"));
  return el("p", { class: "note" }, gettext("您所在的机构不能查看责任人。"));
}

function warning({ candidates }, accuracy, onGrid) {
  return el(
    "div",
    { class: "message warning", role: "alert" },
    el("p", {}, icon("triangle-alert"), " ", el("strong", {}, gettext("靠近界线")), " ",
      accuracy > 0
        ? gettext("定位误差范围内还有其他网格，请核对所在位置。")
        : gettext("这个位置在界线上，请核对所在位置。")),
    candidates.length > 0 &&
      el(
        "ul",
        { class: "rows" },
        candidates.map(({ id, name, distance_m: metres, responsible }) =>
          el("li", {},
            el("span", {},
              el("button", { class: "link", type: "button", translate: "no", onclick: () => onGrid(id) }, name),
              responsible.length > 0 && el("span", { class: "note", translate: "no" }, ` ${responsible.join("、")}`)),
            el("span", { class: "figures" }, distance(metres))),
        ),
      ),
  );
}

const spots = (name, list) =>
  list.length
    ? [
        el("h3", {}, name),
        el("ul", { class: "rows" }, list.map((spot) =>
          el("li", {},
            el("span", {}, data(spot.name), " ", el("span", { class: "note" }, spot.kind_label), " ", spot.synthetic && demoTag()),
            el("span", { class: "figures" }, distance(spot.distance_m))))),
      ]
    : [];

/** Degrees from north, from the point to the nearest place on the border. */
function bearing({ point, border_point: [lon, lat] }) {
  const east = (lon - point.lon) * Math.cos((point.lat * Math.PI) / 180);
  return ((Math.atan2(east, lat - point.lat) * 180) / Math.PI + 360) % 360;
}

function arrow(found) {
  const sign = icon("arrow-up");
  sign.style.transform = `rotate(${Math.round(bearing(found))}deg)`;
  return sign;
}

/** Switches the map between selecting grids and asking whose they are. */
export function toolButtons(onTool) {
  const buttons = [...document.querySelectorAll("[data-tool]")];
  const choose = (tool) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    byId("map").classList.toggle("locating", tool === "locate");
  };
  for (const button of buttons)
    button.addEventListener("click", () => {
      choose(button.dataset.tool);
      onTool(button.dataset.tool);
    });
  return choose;
}
