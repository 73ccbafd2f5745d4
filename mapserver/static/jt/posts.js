/** Posts on the map: points and lines with somebody in charge, of those that the user may see. */
import { get } from "jt/api";
import { byId, data, el, icon, notify } from "jt/dom";
import { demoTag, facts } from "jt/panel";
import { count } from "jt/text";

const { gettext } = window;
const LOOK = { stroke: "#7a3e00", weight: 4, opacity: 0.9 };

export class Posts {
  #view;
  #actions;
  #features = [];
  #box = null;
  #drawing = null;

  /** @param {{onChange: () => void, show: (content: Node[]) => void}} actions */
  constructor(view, actions) {
    this.#view = view;
    this.#actions = actions;
  }

  /** What is shown, as the address has it among the layers. */
  get shown() { return this.#box?.checked ? ["posts"] : []; }

  /** Offers the posts beside the other layers; nothing where the user sees none. @param {string[]} shown */
  async start(shown) {
    this.#features = (await get("posts")).features;
    if (!this.#features.length) return;
    this.#box = el("input", { type: "checkbox", value: "posts", checked: shown.includes("posts"), onchange: () => { this.#draw(); this.#actions.onChange(); } });
    byId("layer-choice").append(el("div", { class: "layer", "data-layer": "posts" }, el("div", { class: "layer-head" },
      el("label", { class: "check" }, this.#box, gettext("点位"), el("span", { class: "note figures" }, count(this.#features.length))))));
    this.#draw();
  }

  #draw() {
    this.#drawing?.stop();
    this.#drawing = this.#box.checked ? this.#view.drawing(() => this.#parts()) : null;
  }

  #parts() {
    const lines = this.#features.filter(({ geometry }) => geometry.type !== "Point")
      .map(({ geometry }) => ({ arcs: arcsOf(geometry), look: LOOK }));
    const parts = [
      this.#view.lines(lines, "jt-borders"),
      this.#view.clusters(this.#features.map((feature) => ({
        lonLat: placeOf(feature.geometry),
        element: el("span", { class: "point posts" }, icon("user")),
        title: feature.properties.name,
        onClick: () => this.#show(feature),
      })), (n) => el("span", { class: "cluster posts" }, count(n))),
    ];
    return { remove: () => parts.forEach((part) => part.remove()) };
  }

  #show({ id, geometry, properties }) {
    const place = placeOf(geometry);
    this.#actions.show([
      el("div", { class: "panel-head" },
        el("p", { class: "note" }, gettext("点位"), " · ", properties.kind_label),
        el("h2", { class: "big with-sign" }, data(properties.name), properties.synthetic && demoTag())),
      facts([
        [gettext("行内编码"), data(properties.code, { class: "code" })],
        [gettext("机构"), data(properties.institution)],
        [gettext("责任人"), properties.in_charge.length ? data(properties.in_charge.join("、")) : el("span", { class: "vacant" }, gettext("空缺"))],
      ]),
      el("p", { class: "actions" }, el("a", { class: "button", href: `/people/posts/${id}/` }, gettext("人员安排与历史"))),
    ]);
    if (!this.#view.shows(place)) this.#view.bring(place);
    notify("");
  }
}

const arcsOf = ({ type, coordinates }) => (type === "LineString" ? [coordinates] : coordinates);

/** Where its sign stands: a line's in its middle. */
function placeOf({ type, coordinates }) {
  if (type === "Point") return coordinates;
  const [line] = arcsOf({ type, coordinates });
  return line[Math.floor(line.length / 2)];
}
