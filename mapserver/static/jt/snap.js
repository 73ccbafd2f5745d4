/** What a drawn point is pulled to: vertices before lines; of the plan itself and of every other source that is switched on. */
import { get } from "jt/api";
import { el, reach } from "jt/dom";
import { linesOf } from "jt/outcome";
import { nearestOn } from "jt/plane";

const { gettext } = window;
const REACH = 10;
const OWN = "own";

/**
 * All that can be snapped to beside the plan's own borders: from which zoom on, and where its lines come from.
 * @type {{id: string, name: string, from: number, path: (plan: number) => string, look: import("jt/view").Look}[]}
 */
const SOURCES = [
  { id: "streets", name: gettext("街道"), from: 14, path: () => "streets", look: { stroke: "#b08a52", weight: 1 } },
  { id: "buildings", name: gettext("房屋的墙"), from: 17, path: () => "buildings", look: { stroke: "#5f6b6d", weight: 0.8 } },
  { id: "plans", name: gettext("其他现行方案的界线"), from: 14, path: (plan) => `plans/${plan}/borders-beside`, look: { stroke: "#6a3d9a", weight: 1.5, dash: "8 4" } },
  { id: "posts", name: gettext("线状点位"), from: 12, path: () => "layers/posts", look: { stroke: "#7a3e00", weight: 2 } },
];

export class Snap {
  #view;
  #sheet;
  #plan;
  #around = null;
  #wanted = null;
  #off;

  /**
   * @param {import("jt/view").View} view @param {() => import("jt/sheet").Sheet} sheet @param {() => number} plan its id
   * @param {string[]} [off] sources that are off to begin with: those of planners, for whoever is none
   */
  constructor(view, sheet, plan, off = []) {
    this.#view = view;
    this.#sheet = sheet;
    this.#plan = plan;
    this.#off = new Set(off);
  }

  /** A switch for each source. */
  switches() {
    const choices = [{ id: OWN, name: gettext("本方案的界线") }, ...SOURCES];
    return el("details", { class: "snap-sources" }, el("summary", {}, gettext("吸附到")),
      choices.map(({ id, name }) => el("label", { class: "check" },
        el("input", { type: "checkbox", value: id, checked: !this.#off.has(id), onchange: ({ target }) => this.#switch(id, target.checked) }), name)));
  }

  #switch(id, isOn) {
    this.#off[isOn ? "delete" : "add"](id);
    this.clear();
    this.lookAround();
  }

  /** The vertex or line that is near enough; else the place itself. @param {Set<import("jt/sheet").Edge>} [but] what is being moved itself */
  near(place, but) {
    const degree = this.#view.degree();
    const pixels = reach(REACH);
    const far = [pixels / degree.x, pixels / degree.y];
    let vertex = { distance: pixels };
    let line = { distance: pixels };
    const look = ([ax, ay], [bx, by]) => {
      if (Math.min(ax, bx) - far[0] > place[0] || Math.max(ax, bx) + far[0] < place[0]) return;
      if (Math.min(ay, by) - far[1] > place[1] || Math.max(ay, by) + far[1] < place[1]) return;
      for (const end of [[ax, ay], [bx, by]]) {
        const distance = Math.hypot((end[0] - place[0]) * degree.x, (end[1] - place[1]) * degree.y);
        if (distance < vertex.distance) vertex = { place: end, distance };
      }
      const near = nearestOn(place, [ax, ay], [bx, by], degree);
      if (near.distance < line.distance) line = near;
    };
    if (!this.#off.has(OWN)) for (const edge of this.#sheet().edges) if (!but?.has(edge)) look([edge.a.x, edge.a.y], [edge.b.x, edge.b.y]);
    for (const way of this.#around?.lines ?? []) for (let i = 1; i < way.length; i += 1) look(way[i - 1], way[i]);
    return vertex.place ?? line.place ?? place;
  }

  /** Fetches and shows the lines in sight: whoever is to follow them has to see them. */
  async lookAround() {
    const sources = SOURCES.filter(({ id, from }) => this.#view.zoom >= from && !this.#off.has(id));
    if (!sources.length) return this.clear();
    const bbox = this.#view.bbox.join(",");
    if (this.#around?.bbox === bbox) return undefined;
    const wanted = Symbol(bbox);
    this.#wanted = wanted;
    const found = await Promise.all(sources.map((source) => this.#lines(source, bbox)));
    if (this.#wanted !== wanted) return undefined;
    this.clear();
    const drawn = this.#view.drawing(() =>
      this.#view.lines(sources.map(({ look }, index) => ({ arcs: found[index], look })).reverse(), "jt-selection"));
    this.#around = { bbox, lines: found.flat(), drawn };
    return undefined;
  }

  /** The lines of a source; none where it cannot be read: a drawing goes on without it. */
  #lines({ path }, bbox) { return get(path(this.#plan()), { bbox }).then(outlines, () => []); }

  clear() {
    this.#wanted = null;
    this.#around?.drawn.stop();
    this.#around = null;
  }
}

const outlines = ({ features }) => features.flatMap(({ geometry }) => linesOf(geometry));
