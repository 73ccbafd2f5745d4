/** Features as a list beside the map: filtered, counted, in pages; the map shows the same. A click leads from either to the other. */
import { get, send } from "jt/api";
import { featureCard } from "jt/card";
import { featureForm } from "jt/cardform";
import { byId, data, el, icon, notify } from "jt/dom";
import { download } from "jt/download";
import { demoTag, problem } from "jt/panel";
import { pointSign } from "jt/signs";
import { count, distance, fill, placeOf } from "jt/text";

const { gettext } = window;
const PAGE = 20;
const PAUSE_MS = 300;
const CLOSE = 16;
const NEAREST = 10;
const SAME_PLACE = "1";
const RADII = [300, 500, 1000, 3000, 5000];
const ORDERED = ["number", "integer", "date"];
const FORMATS = [["csv", "CSV"], ["xlsx", "XLSX"], ["geojson", "GeoJSON"], ["gpkg", "GeoPackage"], ["shp", "Shapefile"]];
const DATUMS = [["cgcs2000", "CGCS2000"], ["wgs84", "WGS 84"], ["gcj02", "GCJ-02"], ["bd09", "BD-09"]];

export class Finder {
  #view;
  #panel;
  #points;
  #institutions;
  #actions;
  #layer = null;
  #query = {};
  #picking = null;
  #mark = null;
  #timer = 0;
  #request = 0;

  /**
   * @param {import("jt/layers").PointLayers} points
   * @param {{id: number, name: string, bank: string, own: boolean}[]} institutions
   * @param {{onGrid: (id: number) => void, remember: () => void, grid: () => number|undefined}} actions
   */
  constructor(view, panel, points, institutions, actions) {
    this.#view = view;
    this.#panel = panel;
    this.#points = points;
    this.#institutions = institutions;
    this.#actions = actions;
  }

  get #banks() { return [...new Set(this.#institutions.map(({ bank }) => bank))]; }

  /** Whose a feature is, where there are several banks. */
  #bankOf({ institution_id: id }) { return this.#banks.length > 1 && this.#institutions.find((one) => one.id === id)?.bank; }

  /** What is looked for, as the address has it: "outlets?kind=station"; "" when nothing is. */
  get address() {
    return this.#layer ? `${this.#layer}?${new URLSearchParams(this.#query)}` : "";
  }

  /** @param {string} address as above */
  async read(address) {
    const [, layer, query] = address.match(/^([^?]*)\??(.*)$/s);
    if (this.#points.layer(layer)) await this.open(layer, Object.fromEntries(new URLSearchParams(query)));
  }

  /** Lists a layer. @param {Object<string, string>} [query] filters as of the API */
  async open(layer, query = {}) {
    this.#layer = layer;
    this.#query = query;
    dropStrange(this.#points.layer(layer), query);
    this.#pick(null);
    this.#clearMark();
    this.#points.narrow(layer, query);
    this.#actions.remember();
    this.#panel.show(this.#form(), { height: "half" });
    await this.#list(0);
  }

  /** Puts the list away, and the filter with it. */
  close() {
    this.#request += 1;
    this.#pick(null);
    this.#clearMark();
    if (!this.#layer) return;
    this.#points.narrow(this.#layer, null);
    this.#layer = null;
    this.#actions.remember();
  }

  /** A click on the map, where one is waited for. @returns {boolean} whether it was */
  click(lonLat) {
    const picked = this.#picking;
    if (!picked) return false;
    this.#pick(null);
    picked(lonLat);
    return true;
  }

  escape() {
    if (!this.#picking) return false;
    this.#pick(null);
    return true;
  }

  /** Shows all about a feature. */
  async show(layerId, id, { bring = false } = {}) {
    const number = (this.#request += 1);
    this.#pick(null);
    try {
      const feature = await get(`layers/${layerId}/${id}`);
      const { details } = feature.properties;
      if (details) Object.assign(feature.properties, await get(details.replace("/api/", "")));
      if (number !== this.#request) return;
      const layer = this.#points.layer(layerId);
      const lonLat = placeOf(feature.geometry);
      // Signs at one place lie upon each other: a click opens the one on top, and this leads to the others.
      const here = { near: lonLat.join(","), radius: SAME_PLACE };
      const others = (await get(`layers/${layerId}`, { ...here, limit: 1 })).numberMatched - (feature.properties.active === false ? 0 : 1);
      if (number !== this.#request) return;
      this.#setMark(lonLat);
      this.#panel.show(featureCard(feature, layer, this.#points.kind(layerId, feature.properties.kind), {
        onGrid: this.#actions.onGrid,
        others,
        onOthers: () => this.open(layerId, here),
        onBack: this.#layer ? () => this.open(this.#layer, this.#query) : null,
        onEdit: () => this.#edit(layer, feature),
        onDelete: () => this.#delete(layer, feature),
      }));
      if (bring || !this.#view.shows(lonLat)) this.#view.bring(lonLat, Math.max(this.#view.zoom, bring ? CLOSE : 0));
    } catch (error) {
      if (number === this.#request) this.#panel.show([problem(error)]);
    }
  }

  #edit(layer, feature) {
    const own = this.#institutions.filter((institution) => institution.own);
    const done = (id) => (id ? this.show(layer.id, id, { bring: true }) : this.open(layer.id, this.#layer === layer.id ? this.#query : {}));
    const form = featureForm(layer, feature, own, {
      onPick: () => this.#pick((lonLat) => form.setPlace(lonLat), gettext("请在图上点选位置")),
      onPlace: (lonLat) => (lonLat && Math.abs(lonLat[1]) < 90 ? this.#setMark(lonLat) : this.#clearMark()),
      onBack: () => done(feature?.id),
      onSave: async (values) => {
        const path = feature ? `layers/${layer.id}/${feature.id}` : `layers/${layer.id}`;
        const saved = await send(feature ? "PUT" : "POST", path, values);
        await this.#points.refresh(layer.id);
        notify(gettext("已保存。"));
        setTimeout(() => notify(""), 3000);
        await done(saved.id);
      },
    });
    this.#panel.show(form.content, { height: "half" });
    if (!feature) this.#pick((lonLat) => form.setPlace(lonLat), gettext("请在图上点选位置，或填写经纬度"));
  }

  async #delete(layer, feature) {
    try {
      await send("DELETE", `layers/${layer.id}/${feature.id}`);
      await this.#points.refresh(layer.id);
      await this.open(layer.id, this.#layer === layer.id ? this.#query : {});
    } catch (error) {
      this.#panel.show([problem(error)]);
    }
  }

  #form() {
    const layer = this.#points.layer(this.#layer);
    const query = this.#query;
    const change = (values) => {
      for (const [name, value] of Object.entries(values)) {
        if (value) query[name] = value;
        else delete query[name];
      }
      this.#changed();
    };
    const set = (name, value) => change({ [name]: value });
    const later = (name) => (event) => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => set(name, event.target.value.trim()), PAUSE_MS);
    };
    const without = (...names) => () => {
      for (const name of names) delete query[name];
      return this.open(layer.id, query);
    };
    let attributes = attributeFilter(layer, query, change);
    const ofKind = (kind) => {
      query.kind = kind;
      dropStrange(layer, query);
      set("kind", kind);
      const filters = attributeFilter(layer, query, change);
      attributes.replaceWith(filters);
      attributes = filters;
    };
    const options = (name, choices) =>
      choices.map(({ id, name: word }) => el("option", { value: id, selected: String(id) === query[name], translate: "no" }, word));
    const choice = (name, all, choices, chosen = (value) => set(name, value)) =>
      el("select", { "aria-label": all, onchange: (event) => chosen(event.target.value) }, el("option", { value: "" }, all), choices);
    return [
      el("div", { class: "panel-head" },
        el("h2", { class: "big" }, layer.name)),
      el("div", { class: "finder" },
        el("input", { type: "search", "aria-label": gettext("名称或编码"), placeholder: gettext("名称或编码"), value: query.q ?? "", oninput: later("q") }),
        choice("kind", gettext("全部类型"), options("kind", layer.kinds), ofKind),
        this.#institutions.length > 1 && choice("institution", gettext("全部机构"), this.#banks.length > 1
          ? this.#banks.map((bank) => el("optgroup", { label: bank, translate: "no" }, options("institution", this.#institutions.filter((one) => one.bank === bank))))
          : options("institution", this.#institutions)),
        attributes,
        el("details", { class: "more-filters", open: Boolean(query.along || query.state) },
          el("summary", {}, gettext("更多条件")),
          el("div", { class: "attribute-filter" },
            el("input", { type: "text", list: "street-names", autocomplete: "off", "aria-label": gettext("沿街道 (全名)"), placeholder: gettext("沿街道 (全名)"), value: query.along ?? "", oninput: suggestStreets, onchange: ({ target }) => { if (!target.value.trim()) delete query.within; set("along", target.value.trim()); } }),
            el("datalist", { id: "street-names" }),
            el("input", { type: "number", "aria-label": gettext("离街道至多 (米)"), placeholder: gettext("离街道至多 100 米"), title: gettext("离街道至多 (米)"), min: 1, max: 5000, value: query.within ?? "", onchange: (event) => set("within", event.target.value) })),
          el("select", { "aria-label": gettext("有效与已撤销"), onchange: (event) => set("state", event.target.value) },
            [["", gettext("有效的")], ["inactive", gettext("已撤销的")], ["all", gettext("全部, 含已撤销的")]].map(([value, word]) =>
              el("option", { value, selected: (query.state ?? "") === value }, word)))),
        el("label", { class: "check" },
          el("input", { type: "checkbox", checked: query.outside === "true", onchange: (event) => set("outside", event.target.checked && "true") }),
          gettext("不在任何网格内")),
        el("div", { class: "chips" },
          query.grid && chip(data(fill(gettext("网格 {name}"), { name: query.grid_name ?? query.grid })), without("grid", "grid_name")),
          query.bbox && chip(gettext("图上框定的范围"), without("bbox")),
          query.near && chip(this.#nearness(), without("near", "nearest", "radius"))),
        el("div", { class: "actions" },
          el("button", { type: "button", onclick: () => this.#pick((lonLat) => this.#near(lonLat), gettext("请在图上点一个位置，查找附近")) }, icon("locate"), gettext("在该处附近")),
          el("button", { type: "button", onclick: () => this.open(layer.id, { ...query, bbox: this.#view.bbox.map((x) => x.toFixed(6)).join(",") }) }, icon("scan"), gettext("图上范围")),
          layer.can_add && el("button", { type: "button", onclick: () => this.#edit(layer, null) }, icon("plus"), gettext("新增一个")),
          el("button", { type: "button", onclick: () => { this.close(); this.#actions.onClosed(); } }, icon("x"), gettext("关闭列表")))),
      el("div", { class: "found", "aria-live": "polite" }),
    ];
  }

  #near(lonLat) {
    this.#query.near = lonLat.map((x) => x.toFixed(6)).join(",");
    if (!this.#query.radius) this.#query.nearest ??= String(NEAREST);
    this.open(this.#layer, this.#query).then(() => this.#setMark(lonLat));
  }

  /** The nearest of the place, or all within so far from it. */
  #nearness() {
    const { nearest, radius = nearest ? "" : "1000" } = this.#query;
    const radii = [...new Set([...RADII, Number(radius)])].filter(Boolean).sort((a, b) => a - b);
    return el("select", { "aria-label": gettext("附近"), onchange: ({ target }) => {
      delete this.#query.nearest;
      delete this.#query.radius;
      Object.assign(this.#query, target.value ? { radius: target.value } : { nearest: String(NEAREST) });
      this.#changed();
    } },
      el("option", { value: "" }, fill(gettext("最近的 {n} 个"), { n: nearest ?? NEAREST })),
      radii.map((metres) => el("option", { value: metres, selected: metres === Number(radius) }, fill(gettext("{distance} 以内"), { distance: distance(metres) }))));
  }

  #changed() {
    this.#points.narrow(this.#layer, this.#query);
    this.#actions.remember();
    this.#list(0);
  }

  async #list(offset) {
    const number = (this.#request += 1);
    const layer = this.#points.layer(this.#layer);
    const box = () => byId("panel-body").querySelector(".found");
    const { grid_name: _, ...query } = this.#query;
    try {
      const found = await get(`layers/${layer.id}`, { ...query, limit: PAGE, offset, with: "grid" });
      if (number !== this.#request) return;
      const matched = found.numberMatched;
      box()?.replaceChildren(
        el("p", { class: "matched" }, el("strong", {}, fill(gettext("共 {n} 个"), { n: count(matched) })), " ",
          matched > 0 && downloads(layer, query)),
        matched ? el("ul", { class: "rows found-rows" }, found.features.map((feature) => this.#row(layer, feature)))
          : el("p", { class: "note" }, gettext("没有符合条件的。请放宽筛选条件。")),
        pager(offset, found.numberReturned, matched, (start) => this.#list(start)));
    } catch (error) {
      if (number === this.#request) box()?.replaceChildren(problem(error));
    }
  }

  #row(layer, { properties }) {
    const { done, of } = properties.completeness ?? {};
    const bank = this.#bankOf(properties);
    return el("li", {},
      el("button", { class: "found-row", type: "button", onclick: () => this.show(layer.id, properties.id, { bring: true }) },
        pointSign(layer.id, this.#points.kind(layer.id, properties.kind)),
        el("span", {}, data(properties.name),
          el("small", {}, properties.active === false && [gettext("已撤销"), " · "], bank && [data(bank), " · "], properties.kind_label, " · ", properties.grid ? data([...new Set([properties.grid.chain[1], properties.grid.chain.at(-1)].filter(Boolean).map(({ name }) => name))].join(" ")) : gettext("不在任何网格内"))),
        el("span", { class: "figures" }, of ? `${done}/${of}` : "", properties.distance_m === undefined ? "" : distance(properties.distance_m))));
  }

  #pick(picked, words) {
    this.#picking = picked;
    this.#view.element.classList.toggle("locating", Boolean(picked));
    notify(picked ? words : "");
  }

  #setMark(lonLat) {
    this.#clearMark();
    this.#mark = this.#view.drawing(() => this.#view.ring(lonLat));
  }

  #clearMark() {
    this.#mark?.stop();
    this.#mark = null;
  }
}

/** What is listed, as a file: the same filters; every page of it, in a datum to choose. */
function downloads(layer, query) {
  const address = (format) => `/api/layers/${layer.id}/export?${new URLSearchParams({ ...query, output_datum: datum.value, format })}`;
  const datum = el("select", { onchange: () => links.replaceChildren(...FORMATS.map(link)) },
    DATUMS.map(([id, word]) => el("option", { value: id, translate: "no" }, word)));
  const link = ([format, word]) => el("a", { href: address(format), download: true, translate: "no" }, word);
  const links = el("p", {}, FORMATS.map(link));
  return el("details", { class: "exports" },
    el("summary", {}, gettext("导出")),
    el("label", { class: "stacked" }, gettext("坐标系"), datum),
    links,
    layer.personal && el("p", { class: "note" }, layer.masked ? gettext("姓名和电话部分隐藏；导出会记入审计记录。") : gettext("导出会记入审计记录。")),
    layer.can_unmask && inFull(address));
}

/** The same with names and telephones in full: for a reason, which is logged. */
function inFull(address) {
  const reason = el("input", { name: "reason", required: true, maxlength: 200, autocomplete: "off" });
  const format = el("select", { name: "format", "aria-label": gettext("格式") }, FORMATS.map(([id, word]) => el("option", { value: id, translate: "no" }, word)));
  const ask = el("button", { type: "submit" }, gettext("导出完整信息"));
  const form = el("form", { class: "unmask-form" },
    el("label", { class: "stacked" }, el("span", {}, gettext("事由")), reason), format,
    el("p", { class: "note" }, gettext("导出人、时间、事由和每一条记录将记入审计记录。")), ask);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    download(ask, address(format.value), { reason: reason.value });
  });
  return el("details", { class: "unmask" }, el("summary", {}, gettext("导出完整信息")), form);
}

const chip = (words, onRemove) =>
  el("span", { class: "chip" }, words, el("button", { class: "quiet", type: "button", "aria-label": gettext("去掉此条件"), onclick: onRemove }, icon("x")));

/** Offers the names of streets that have what is typed in them. */
function suggestStreets({ target }) {
  clearTimeout(target.timer);
  const words = target.value.trim();
  if (words) target.timer = setTimeout(async () => {
    const names = await get("streets/names", { q: words }).catch(() => []);
    target.list?.replaceChildren(...names.map((name) => el("option", { value: name })));
  }, PAUSE_MS);
}

function pager(offset, returned, matched, go) {
  if (matched <= PAGE) return "";
  return el("div", { class: "pager" },
    el("button", { type: "button", disabled: offset === 0, onclick: () => go(Math.max(0, offset - PAGE)) }, gettext("上一页")),
    el("span", { class: "figures" }, `${count(offset + 1)}–${count(offset + returned)}`),
    el("button", { type: "button", disabled: offset + returned >= matched, onclick: () => go(offset + PAGE) }, gettext("下一页")));
}

/** What the features that are asked for may carry: those of the kinds chosen, or of all. */
function attributesOf(layer, query) {
  const kinds = query.kind ? layer.kinds.filter(({ id }) => query.kind.split(",").includes(id)) : layer.kinds;
  return [...new Map(kinds.flatMap((kind) => kind.attributes).map((attribute) => [attribute.key, attribute])).values()];
}

const hasChecklist = (layer, query) => attributesOf(layer, query).some(({ scored }) => scored);

const ASKED = /^attributes\.([^.]+)/;

/** Takes out of a query what the kinds chosen do not have: attributes, a checklist. */
function dropStrange(layer, query) {
  if (!hasChecklist(layer, query)) delete query.incomplete;
  const known = new Set(attributesOf(layer, query).map(({ key }) => key));
  for (const name of Object.keys(query)) if (ASKED.test(name) && !known.has(name.match(ASKED)[1])) delete query[name];
}

/** Attributes and their values, each on a line of its own; the last line offers one more. None of people: their lists do not show them. */
function attributeFilter(layer, query, change) {
  const box = el("div", { class: "attribute-filters" });
  const shown = new Set(Object.keys(query).flatMap((name) => name.match(ASKED)?.[1] ?? []));
  const typed = (attribute, name, label) =>
    el("input", {
      "aria-label": label, placeholder: label, type: attribute.type === "date" ? "date" : ORDERED.includes(attribute.type) ? "number" : "text",
      step: "any", value: query[name] ?? "", title: label, onchange: (event) => change({ [name]: event.target.value.trim() }),
    });
  const values = (attribute) => {
    const name = `attributes.${attribute.key}`;
    const options = attribute.type === "boolean" ? ["是", "否"] : attribute.choices;
    if (ORDERED.includes(attribute.type))
      return [typed(attribute, `${name}.min`, fill(gettext("{name}至少"), { name: attribute.name })), typed(attribute, `${name}.max`, fill(gettext("{name}至多"), { name: attribute.name }))];
    if (!options) return typed(attribute, name, attribute.name);
    return el("select", { "aria-label": attribute.name, onchange: (event) => change({ [name]: event.target.value }) }, el("option", { value: "" }, attribute.name),
      options.map((word) => el("option", { value: word, selected: query[name] === word }, attribute.type === "boolean" ? { 是: gettext("是"), 否: gettext("否") }[word] : word)));
  };
  const forget = (key) => {
    shown.delete(key);
    const asked = Object.keys(query).filter((name) => name.match(ASKED)?.[1] === key);
    if (asked.length) change(Object.fromEntries(asked.map((name) => [name, ""])));
    draw();
  };
  const draw = () => {
    const attributes = layer.personal ? [] : attributesOf(layer, query);
    const [taken, others] = [attributes.filter(({ key }) => shown.has(key)), attributes.filter(({ key }) => !shown.has(key))];
    box.replaceChildren(
      ...taken.map((attribute) => el("div", { class: "attribute-filter", "data-key": attribute.key }, el("span", { class: "note" }, attribute.name), values(attribute),
        el("button", { class: "quiet", type: "button", "aria-label": gettext("去掉此条件"), onclick: () => forget(attribute.key) }, icon("x")))),
      ...(others.length ? [el("select", { "aria-label": gettext("属性"), onchange: ({ target }) => { shown.add(target.value); draw(); box.querySelector(`[data-key="${target.value}"] :is(input, select)`).focus(); } },
        el("option", { value: "" }, gettext("属性")), others.map(({ key, name }) => el("option", { value: key }, name)))] : []),
      ...(hasChecklist(layer, query) ? [el("label", { class: "check" },
        el("input", { type: "checkbox", checked: query.incomplete === "true", onchange: ({ target }) => change({ incomplete: target.checked && "true" }) }),
        gettext("未完备 (“十个一”不全)"))] : []),
    );
  };
  draw();
  return box;
}
