/** On duty: a field worker checks in where she is and leaves; those who look after people see who is on duty, and where. */
import { get, send } from "jt/api";
import { byId, data, el, icon, notify } from "jt/dom";
import { demoTag, facts } from "jt/panel";
import { count, distance, fill, moment } from "jt/text";

const { gettext } = window;

export class OnDuty {
  #view;
  #actions;
  #box = null;
  #drawing = null;
  #found = [];
  #mine = null;
  #fill = () => {};

  /** @param {{onChange: () => void, show: (content: Node[]) => void, onGrid: (id: number) => void}} actions */
  constructor(view, actions) {
    this.#view = view;
    this.#actions = actions;
  }

  /** What is shown, as the address has it among the layers. */
  get shown() { return this.#box?.checked ? ["on-duty"] : []; }

  /** Offers the layer to those who see others; where they are is asked for, and the look logged, when it is shown. @param {string[]} shown */
  async start(shown) {
    this.#mine = await get("on-duty/mine");
    this.#fill();
    if (!this.#mine.sees_others) return;
    this.#box = el("input", {
      type: "checkbox", value: "on-duty", checked: shown.includes("on-duty"),
      onchange: async () => { await this.#draw(); this.#actions.onChange(); },
    });
    byId("layer-choice").append(el("div", { class: "layer", "data-layer": "on-duty" }, el("div", { class: "layer-head" },
      el("label", { class: "check" }, this.#box, gettext("在岗人员"), el("span", { class: "note figures" })))));
    await this.#draw();
  }

  /**
   * What a field worker can do where the device is, or, where it does not know, leave: nothing for other users.
   * Filled as soon as it is known who asks. @param {[number, number]} [lonLat] WGS 84
   */
  choices(lonLat, accuracy) {
    const box = el("div", { class: "duty" });
    const act = (ask, said) => async () => {
      try {
        this.#mine.on_duty = await ask();
        notify(said);
        this.#fill();
      } catch (error) {
        notify(error.message);
      }
    };
    const checkIn = act(() => send("PUT", "on-duty", { lon: lonLat[0], lat: lonLat[1], accuracy }), gettext("已签到。"));
    const leave = act(async () => { await send("DELETE", "on-duty"); return null; }, gettext("已离岗, 签到位置已删除。"));
    this.#fill = () => {
      if (!this.#mine?.possible) return;
      const on = this.#mine.on_duty;
      box.replaceChildren(
        el("p", { class: "note" }, on
          ? fill(gettext("在岗, {time} 签到。在岗期间管理人员可以看到签到位置, 离岗即删除。"), { time: moment(on.at) })
          : gettext("未签到。签到后管理人员可以看到签到位置, 离岗即删除。")),
        el("p", { class: "actions" },
          lonLat && el("button", { type: "button", onclick: checkIn }, on ? gettext("再次签到") : gettext("上岗签到")),
          on && el("button", { type: "button", class: "quiet", onclick: leave }, gettext("离岗"))),
      );
    };
    this.#fill();
    return [box];
  }

  async #draw() {
    this.#drawing?.stop();
    this.#drawing = null;
    if (!this.#box.checked) return;
    try {
      const { features } = await get("on-duty");
      this.#found = features;
      byId("layer-choice").querySelector('[data-layer="on-duty"] .figures').textContent = count(features.length);
      this.#drawing = this.#view.drawing(() => this.#view.clusters(features.map((feature) => ({
        lonLat: feature.geometry.coordinates,
        element: el("span", { class: "point on-duty" }, icon("user")),
        title: feature.properties.name,
        onClick: () => this.#open(feature.id),
      })), (n) => el("span", { class: "cluster on-duty" }, count(n))));
    } catch (error) {
      notify(error.message);
    }
  }

  /** Asks again, since she may have moved on or left. */
  async #open(id) {
    await this.#draw();
    const now = this.#found.find((feature) => feature.id === id);
    if (now) this.#show(now);
    else notify(gettext("此人已离岗。"));
  }

  #show({ id, geometry, properties: { name, institution, synthetic, since, at, accuracy_m: accuracy, grid } }) {
    this.#actions.show([
      el("div", { class: "panel-head" },
        el("p", { class: "note" }, gettext("在岗人员")),
        el("h2", { class: "big with-sign" }, data(name), synthetic && demoTag())),
      facts([
        [gettext("机构"), data(institution)],
        [gettext("上岗时间"), moment(since)],
        [gettext("签到时间"), moment(at)],
        [gettext("签到网格"), grid
          ? el("span", {}, el("button", { class: "link", type: "button", translate: "no", onclick: () => this.#actions.onGrid(grid.id) }, grid.name),
              " ", grid.own ? gettext("本人的网格") : gettext("不是本人的网格"))
          : gettext("不在任何网格内")],
        [gettext("定位精度"), distance(accuracy)],
      ]),
      el("p", { class: "actions" }, el("a", { class: "button", href: `/people/${id}/` }, gettext("人员详情"))),
    ]);
    if (!this.#view.shows(geometry.coordinates)) this.#view.bring(geometry.coordinates);
  }
}
