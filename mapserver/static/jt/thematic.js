/** Colours the grids of a level by a measure: choice in the status bar, legend, table beside the map, rows behind a number. */
import { get } from "jt/api";
import { registerParts } from "jt/details";
import { byId, data, el, notify } from "jt/dom";
import { demoTag, problem } from "jt/panel";
import { noDataFill, rampFills } from "jt/patterns";
import { count, fill, fixed } from "jt/text";

const { gettext } = window;
const MOST_ROWS = 500;

export class Thematic {
  #page;
  #now;
  #measures = [];
  #plan = null;
  #level = 0;
  #answer = null;
  #byId = new Map();
  #request = 0;
  #box = byId("measure-panel");

  /**
   * @param {object} now the state of the page: measure, classes, limits and sort are kept there
   * @param {{look: (id: number) => void, show: (content: Node[]) => void, features: (layer: string, query: object) => void, changed: () => void}} page
   */
  constructor(now, page) {
    this.#now = now;
    this.#page = page;
  }

  get active() { return Boolean(this.#now.measure); }

  /** Offers the measures. */
  async start() {
    this.#measures = (await get("measures")).filter(({ of }) => ["grid", "served"].includes(of));
    const groups = new Map();
    for (const measure of this.#measures) {
      if (!groups.has(measure.group)) groups.set(measure.group, []);
      groups.get(measure.group).push(measure);
    }
    const choice = byId("measure-name");
    choice.append(...[...groups].map(([label, members]) =>
      el("optgroup", { label }, members.map(({ id, name }) => el("option", { value: id }, name)))));
    if (!this.#measures.some(({ id }) => id === this.#now.measure)) this.#now.measure = undefined;
    choice.value = this.#now.measure ?? "";
    byId("measure-how").value = this.#now.classes ?? "quantile";
    byId("measure-limits").value = this.#now.limits ?? "";
    choice.addEventListener("change", () => this.#choose({ measure: choice.value || undefined, limits: undefined }));
    byId("measure-how").addEventListener("change", ({ target }) => this.#choose({ classes: target.value === "quantile" ? undefined : target.value }));
    byId("measure-limits").addEventListener("change", ({ target }) => this.#choose({ limits: target.value.trim() || undefined }));
    this.#say();
    if (this.active && this.#plan) await this.#load();
  }

  /** Another plan, level, or content of the plan is shown. */
  show(plan, level) {
    this.#plan = plan;
    this.#level = level;
    if (this.active && this.#measures.length) this.#load();
  }

  /** The fill of a grid; null when the map is not coloured by a measure. */
  look({ id }) {
    if (!this.active || !this.#answer) return null;
    const place = this.#byId.get(id)?.class;
    return typeof place === "number" ? this.#fills()[place] : noDataFill;
  }

  /** The value of a grid, for its label. */
  text({ id }) {
    const value = this.active && this.#answer ? this.#byId.get(id)?.value : null;
    return typeof value === "number" ? this.#number(value) : "";
  }

  /** Lines of the legend: {look, text}; null when there is no measure. */
  legend() {
    if (!this.active || !this.#answer) return null;
    const { measure, classes, without_data: missing } = this.#answer;
    return {
      title: measure.unit ? `${measure.name} (${measure.unit})` : measure.name,
      rows: [
        ...classes.map(({ label, count: n }, place) => ({ look: this.#fills()[place], text: `${label} (${count(n)})` })),
        ...(missing ? [{ look: noDataFill, text: `${gettext("没有数据")} (${count(missing)})` }] : []),
      ],
    };
  }

  /** Marks the row of the grid that is selected on the map. */
  mark(id) {
    this.#box.querySelector("tr[aria-selected]")?.removeAttribute("aria-selected");
    const row = this.#box.querySelector(`tr[data-grid="${id}"]`);
    row?.setAttribute("aria-selected", "true");
    row?.scrollIntoView({ block: "nearest" });
  }

  /** A value with the decimals of its measure. */
  #number(value, { decimals } = this.#answer.measure) { return fixed(value, decimals); }

  #fills() { return rampFills(this.#answer.classes.length, this.#answer.measure.scale === "diverging"); }

  #choose(changes) {
    Object.assign(this.#now, changes);
    byId("measure-limits").value = this.#now.limits ?? "";
    this.#say();
    this.#load();
  }

  #say() {
    const chosen = this.#measures.find(({ id }) => id === this.#now.measure);
    byId("measure-said").textContent = chosen ? chosen.name : gettext("单色");
    byId("measure-classes").hidden = !chosen || chosen.scale === "diverging";
    byId("measure-limits").closest("label").hidden = this.#now.classes !== "manual";
  }

  #query() {
    const manual = this.#now.classes === "manual" && this.#now.limits;
    return {
      plan: this.#plan.id, level: this.#level,
      classes: this.#now.classes === "manual" && !manual ? undefined : this.#now.classes,
      limits: manual ? this.#now.limits : undefined,
    };
  }

  async #load() {
    const number = (this.#request += 1);
    this.#box.hidden = !this.active;
    if (!this.active) {
      this.#answer = null;
      this.#page.changed();
      return;
    }
    this.#box.setAttribute("aria-busy", "true");
    try {
      const answer = await get(`measures/${this.#now.measure}`, this.#query());
      if (number !== this.#request) return;
      this.#answer = answer;
      this.#byId = new Map(answer.rows.map((row) => [row.id, row]));
      this.#table();
      notify("");
    } catch (error) {
      if (number !== this.#request) return;
      this.#answer = null;
      this.#box.replaceChildren(problem(error));
    }
    this.#box.removeAttribute("aria-busy");
    this.#page.changed();
  }

  #table() {
    const { measure, notes, level_name: levelName, rows } = this.#answer;
    const address = (path, format) => `/api/measures/${measure.id}${path}?${new URLSearchParams(
      Object.entries({ ...this.#query(), layers: path && (this.#now.layers ?? []).join(","), format }).filter(([, value]) => value || value === 0))}`;
    const download = (path, format) =>
      el("a", {
        class: "button", href: address(path, format), download: true, "data-format": format,
        // The layers shown may have changed since the table was made.
        onclick: ({ currentTarget }) => (currentTarget.href = address(path, format)),
      }, format.toUpperCase());
    const head = (key, text) =>
      el("th", { scope: "col", "aria-sort": this.#sorted(key) },
        el("button", { type: "button", class: "link", "data-sort": key, onclick: () => this.#sort(key) }, text,
          el("span", { "aria-hidden": "true" }, { ascending: " ↑", descending: " ↓" }[this.#sorted(key)] ?? "")));
    this.#box.replaceChildren(el("div", {},
      el("h2", {}, measure.name, " · ", data(levelName)),
      el("details", { class: "notes" }, el("summary", {}, gettext("方法与分母")), notes.map((note) => el("p", { class: "note" }, note)),
        measure.domain.length > 0 && el("p", { class: "note" }, gettext("业务编号"), " ", data(measure.domain.join(" ")))),
      el("p", { class: "downloads" }, download("", "xlsx"), download("", "csv"), download("/map", "pdf"), download("/map", "png")),
      el("table", { class: "values" },
        el("thead", {}, el("tr", {}, head("name", gettext("网格")), head("value", measure.unit ? `${gettext("数值")} (${measure.unit})` : gettext("数值")))),
        el("tbody", {}, this.#ordered().slice(0, MOST_ROWS).map((row) => this.#row(row)))),
      rows.length > MOST_ROWS &&
        el("p", { class: "note" }, fill(gettext("只列出前 {n} 个, 共 {all} 个; 全部见 XLSX 或 CSV"), { n: count(MOST_ROWS), all: count(rows.length) })),
    ));
    this.mark(this.#now.grid);
  }

  #row(row) {
    const { id, name, parent, estimated, source } = row;
    return el("tr", { "data-grid": id },
      el("th", { scope: "row" },
        el("button", { type: "button", class: "link", onclick: () => this.#page.look(id) }, data(name)),
        parent && el("small", { translate: "no" }, parent)),
      el("td", { class: typeof row.value === "number" ? "figures" : "figures note", title: source },
        this.#figure(this.#answer.measure, row, ""), estimated && el("span", { class: "tag" }, gettext("估算"))));
  }

  /** A value, which leads to what it is made of. */
  #figure(measure, row, unit) {
    if (typeof row.value !== "number") return gettext("没有数据");
    const said = `${this.#number(row.value, measure)} ${unit}`.trim();
    return row.rows.length
      ? el("button", { type: "button", class: "link", "aria-label": fill(gettext("{value}, 查看明细"), { value: said }), onclick: () => this.#behind(measure, row) }, said)
      : said;
  }

  #sorted(key) {
    const sort = this.#now.sort ?? "-value";
    return sort.replace("-", "") !== key ? null : sort.startsWith("-") ? "descending" : "ascending";
  }

  #sort(key) {
    this.#now.sort = this.#sorted(key) === "descending" ? key : this.#sorted(key) === "ascending" ? `-${key}` : key === "value" ? "-value" : "name";
    this.#table();
    this.#box.querySelector(`[data-sort="${key}"]`).focus();
    this.#page.changed();
  }

  /** Rows in order; those without data last, whichever way. */
  #ordered() {
    const [key, way] = [(this.#now.sort ?? "-value").replace("-", ""), (this.#now.sort ?? "-value").startsWith("-") ? -1 : 1];
    const compare = (a, b) => (key === "name" ? a.code.localeCompare(b.code) : a.value - b.value);
    const known = ({ value }) => key === "name" || typeof value === "number";
    return [...this.#answer.rows].sort((a, b) =>
      known(a) !== known(b) ? (known(a) ? -1 : 1) : known(a) ? way * compare(a, b) || a.code.localeCompare(b.code) : 0);
  }

  /** What a number is made of, below how it came about. */
  async #behind(measure, { id, name, rows, value, source }) {
    const title = el("div", { class: "panel-head" },
      el("p", { class: "note" }, `${measure.name}: ${this.#number(value, measure)} ${measure.unit}`.trim()), el("h2", { class: "big", translate: "no" }, name),
      source && el("p", { class: "note" }, source));
    try {
      const parts = await Promise.all(rows.map(async (address) => this.#part({ id, name, value }, await get(address.replace(/^\/api\//, "")))));
      this.#page.show([title, ...parts.flat().filter(Boolean)]);
    } catch (error) {
      this.#page.show([title, problem(error)]);
    }
  }

  /** One kind of rows: points of a layer, lines, kinds of a register, or values of the grids below. */
  #part(grid, answer) {
    const more = (shown, all) => all > shown && el("p", { class: "note" }, fill(gettext("共 {n} 条"), { n: count(all) }));
    if (answer.features)
      return [
        el("h3", {}, fill(gettext("登记的对象: {n}"), { n: count(answer.numberMatched) })),
        el("ul", { class: "rows behind" }, answer.features.slice(0, MOST_ROWS).map(({ geometry, properties }) =>
          el("li", {}, el("button", { type: "button", class: "link", onclick: () => this.#page.place(geometry.coordinates) }, data(properties.name)),
            el("span", { class: "note" }, properties.kind_label, " ", properties.synthetic && demoTag())))),
        more(Math.min(MOST_ROWS, answer.features.length), answer.numberMatched),
      ];
    if (answer.lines)
      return [
        el("h3", {}, `${answer.title}: ${count(answer.count)}`),
        grid.value > 0 && !answer.count && el("p", { class: "note" }, gettext("没有逐处的登记")),
        el("ul", { class: "rows behind" }, answer.lines.map(({ name, text, grid: of, at }) => {
          const look = of ? () => this.#page.look(of) : at && (() => this.#page.place(at));
          return el("li", {}, look ? el("button", { type: "button", class: "link", onclick: look }, data(name)) : data(name), el("span", { class: "note" }, text));
        })),
        more(answer.lines.length, answer.count),
      ];
    if (Array.isArray(answer)) return answer.flatMap((one) => registerParts(one, grid, this.#page.features));
    const { measure, level_name: levelName } = answer;
    return [
      el("h3", {}, `${measure.name} · `, data(levelName)),
      el("ul", { class: "rows behind" }, answer.rows.slice(0, MOST_ROWS).map((row) =>
        el("li", {}, el("button", { type: "button", class: "link", onclick: () => this.#page.look(row.id) }, data(row.name)),
          el("span", { class: "figures" }, this.#figure(measure, row, measure.unit))))),
      more(MOST_ROWS, answer.rows.length),
    ];
  }
}
