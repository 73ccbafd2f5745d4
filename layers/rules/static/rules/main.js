/** The page of rules: a table, an inline form for one rule, presets, and how the institution measures. */
import { ApiError, get } from "jt/api";
import { byId, data, el } from "jt/dom";
import { fill } from "jt/text";

const { gettext } = window;
const page = JSON.parse(byId("page").textContent);
const token = document.querySelector("main input[name=csrfmiddlewaretoken]").value;
const LEVELS = [0, 1, 2, 3, 4];
const number = (value) => (value === null || value === undefined ? "" : String(value));

async function send(method, path, body) {
  const response = await fetch(`/api/${path}`, {
    method,
    headers: { "X-CSRFToken": token, Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  }).catch(() => {
    throw new ApiError(0, { text: gettext("连接不上服务器，请检查网络后再试。") });
  });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer;
}

/** Levels count from below: of grids, or, for rules about people, of who is over whom. */
const levelName = (level, of = "grid") =>
  (of === "staff"
    ? [gettext("没有下属的人员"), gettext("他们的直接上级")]
    : of === "institution"
      ? [gettext("没有下级的机构"), gettext("有下级的机构")]
    : [gettext("最小的网格"), gettext("最小网格的上级")])[level] ?? fill(gettext("往上第 {n} 级"), { n: level });
const kindName = (kind) =>
  ({ urban: gettext("城区"), rural: gettext("农村") })[kind] ?? gettext("城区和农村");

function required({ form, low, high, unit }) {
  if (form === "balance") return fill(gettext("与同级平均相差至多 {high}%"), { high });
  if (low === null) return fill(gettext("至多 {high} {unit}"), { high, unit });
  if (high === null) return fill(gettext("至少 {low} {unit}"), { low, unit });
  return low === high ? `${low} ${unit}` : fill(gettext("{low}–{high} {unit}"), { low, high, unit });
}

const labelled = (text, control) => el("label", { class: "stacked" }, el("span", {}, text), control);
const choice = (name, options, chosen) =>
  el("select", { name }, options.map(([value, text]) =>
    el("option", { value, selected: String(value) === String(chosen ?? "") }, text)));
const input = (name, value, more = {}) => el("input", { name, value: number(value), ...more });
const numeric = (name, value, more = {}) => input(name, value, { type: "number", step: "any", ...more });

class RulesPage {
  #institution = byId("institution");
  #table = byId("rules");
  #measures = [];
  #state = null;
  #open = null;

  async start() {
    this.#institution.value = page.institution;
    this.#institution.addEventListener("change", () => this.#show());
    byId("new")?.addEventListener("click", () => this.#edit("new"));
    this.#table.replaceChildren(el("p", { class: "note" }, gettext("正在载入…")));
    await this.#try(async () => {
      this.#measures = await get("measures");
      await this.#presets();
      await this.#load();
    });
  }

  #show() {
    this.#open = null;
    this.#try(() => this.#load());
  }

  async #load() {
    this.#state = await get("rules", { institution: this.#institution.value });
    this.#draw();
    this.#settings();
    this.#table.dataset.ready = "true";
  }

  async #try(action, done) {
    byId("fault").hidden = byId("said").hidden = true;
    try {
      await action();
      if (done) this.#say("said", done);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#say("fault", error.message);
    }
  }

  #say(id, text) {
    byId(id).textContent = text;
    byId(id).hidden = false;
  }

  #edit(key) {
    this.#open = key;
    this.#draw();
    this.#table.querySelector(".rule-form input")?.focus();
  }

  #draw() {
    const { rules, can_edit: canEdit } = this.#state;
    byId("new")?.toggleAttribute("hidden", !canEdit);
    const rows = rules.flatMap((rule) => [
      this.#row(rule),
      this.#open === rule.id ? this.#formRow(rule) : null,
    ]);
    if (this.#open === "new") rows.push(this.#formRow({ active: true, level: 0, severity: "warn", measure: "households" }));
    if (!rows.length) {
      const text = canEdit
        ? gettext("还没有规则。可以采用一套预设, 再按本机构的要求修改; 也可以直接新建。")
        : gettext("还没有规则。");
      this.#table.replaceChildren(el("p", { class: "message" }, text));
      return;
    }
    const heads = [gettext("规则"), gettext("要求"), gettext("适用于"), gettext("程度"), gettext("操作")];
    this.#table.replaceChildren(
      el("table", { class: "rules cards" },
        el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, rows.filter(Boolean))),
    );
  }

  #row(rule) {
    const whose = rule.inherited ? fill(gettext("沿用 {name}"), { name: rule.institution.name }) : gettext("本机构");
    const standing = !rule.active ? gettext("已停用") : rule.binding ? "" : gettext("已被代替");
    return el("tr", { class: rule.binding ? null : "off", "data-rule": rule.id },
      el("td", { class: "named" }, data(rule.title),
        el("small", {}, [whose, rule.domain, standing].filter(Boolean).join(" · "))),
      el("td", {}, rule.measure_label, el("small", { class: "limits" }, required(rule))),
      el("td", {}, levelName(rule.level, rule.of), ["staff", "institution"].includes(rule.of) ? null : el("small", {}, kindName(rule.kind))),
      el("td", { class: rule.severity }, rule.severity === "block" ? gettext("禁止") : gettext("提醒")),
      el("td", {}, rule.can_edit ? this.#buttons(rule) : null),
    );
  }

  #buttons(rule) {
    if (this.#open === `delete ${rule.id}`) {
      return el("div", { class: "buttons" },
        el("button", { type: "button", onclick: () => this.#remove(rule) }, gettext("确认删除")),
        el("button", { type: "button", class: "quiet", onclick: () => this.#edit(null) }, gettext("取消")));
    }
    return el("div", { class: "buttons" },
      el("button", { type: "button", onclick: () => this.#edit(rule.id) }, gettext("修改")),
      el("button", { type: "button", class: "quiet", onclick: () => this.#edit(`delete ${rule.id}`) }, gettext("删除")));
  }

  #remove(rule) {
    return this.#try(async () => {
      await send("DELETE", `rules/${rule.id}`);
      this.#open = null;
      await this.#load();
    }, gettext("已删除。"));
  }

  #formRow(rule) {
    const form = this.#form(rule);
    return el("tr", {}, el("td", { colspan: 5 }, form));
  }

  #form(rule) {
    const fault = el("p", { class: "message error", role: "alert", hidden: true });
    const low = labelled(gettext("下限"), numeric("low", rule.low));
    const high = labelled(gettext("上限"), numeric("high", rule.high));
    const form = el("form", { class: "rule-form", novalidate: true },
      labelled(gettext("规则名称"), input("name", rule.name, { maxlength: 80 })),
      labelled(gettext("英文名称"), input("name_en", rule.name_en, { maxlength: 80 })),
      labelled(gettext("衡量指标"), choice("measure", this.#measures.map(({ id, name, unit }) => [id, unit ? `${name} (${unit})` : name]), rule.measure)),
      labelled(gettext("形式"), choice("form", [["band", gettext("数值范围")], ["balance", gettext("任务相当 (与同级平均比较)")]], rule.form)),
      low, high,
      labelled(gettext("网格级别"), choice("level", LEVELS.map((level) => [level, levelName(level)]), rule.level)),
      labelled(gettext("城乡类别"), choice("kind", ["", "urban", "rural"].map((kind) => [kind, kindName(kind)]), rule.kind)),
      labelled(gettext("程度"), choice("severity", [["warn", gettext("提醒")], ["block", gettext("禁止")]], rule.severity)),
      el("label", { class: "check" }, el("input", { type: "checkbox", name: "active", checked: rule.active }), gettext("启用")),
      fault,
      el("div", { class: "buttons" },
        el("button", { type: "submit", class: "primary" }, gettext("保存")),
        el("button", { type: "button", onclick: () => this.#edit(null) }, gettext("取消"))),
    );
    const kind = form.elements.kind.closest("label");
    const shape = () => {
      const { of } = this.#measures.find(({ id }) => id === form.elements.measure.value) ?? {};
      for (const option of form.elements.level.options) option.textContent = levelName(Number(option.value), of);
      kind.hidden = ["staff", "institution"].includes(of);
      if (kind.hidden) form.elements.kind.value = "";
      const balance = form.elements.form.value === "balance";
      low.hidden = balance;
      high.firstChild.textContent = balance ? gettext("最多相差 (%)") : gettext("上限");
    };
    form.elements.form.addEventListener("change", shape);
    form.elements.measure.addEventListener("change", shape);
    shape();
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await this.#save(rule, form);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        fault.textContent = error.message;
        fault.hidden = false;
      }
    });
    return form;
  }

  async #save(rule, { elements }) {
    const limit = ({ value }) => (value.trim() === "" ? null : Number(value));
    const name = elements.name.value.trim();
    if (!name) throw new ApiError(0, { text: gettext("请填写名称。") });
    const body = {
      name,
      name_en: elements.name_en.value.trim(),
      measure: elements.measure.value,
      form: elements.form.value,
      level: Number(elements.level.value),
      kind: elements.kind.value,
      low: elements.form.value === "balance" ? null : limit(elements.low),
      high: limit(elements.high),
      severity: elements.severity.value,
      active: elements.active.checked,
    };
    if (rule.id) await send("PUT", `rules/${rule.id}`, body);
    else await send("POST", "rules", { ...body, institution: this.#whose() });
    this.#open = null;
    await this.#try(() => this.#load(), gettext("已保存。"));
  }

  #whose() {
    return Number(this.#institution.value);
  }

  async #presets() {
    const form = byId("presets");
    if (!form) return;
    const presets = await get("rules/presets");
    const select = form.elements.preset;
    select.append(...presets.map(({ key, title, domain }) => el("option", { value: key }, domain ? `${domain} ${title}` : title)));
    const explain = () => {
      const { source_text: text } = presets.find(({ key }) => key === select.value);
      byId("preset-source").textContent = fill(gettext("来源：{text}"), { text });
    };
    select.addEventListener("change", explain);
    explain();
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      let taken = [];
      await this.#try(async () => {
        taken = await send("POST", `rules/presets/${select.value}`, { institution: this.#whose() });
        await this.#load();
      });
      if (taken.length) this.#say("said", fill(gettext("已采用 {n} 条规则。"), { n: taken.length }));
    });
  }

  #settings() {
    const form = byId("settings");
    const { settings, can_edit: canEdit } = this.#state;
    const disabled = !canEdit;
    form.replaceChildren(...[
      labelled(gettext("每户"), numeric("household_weight", settings.household_weight, { min: 0, disabled })),
      labelled(gettext("每个助农取款点"), numeric("cash_point_weight", settings.cash_point_weight, { min: 0, disabled })),
      labelled(gettext("每平方公里"), numeric("km2_weight", settings.km2_weight, { min: 0, disabled })),
      labelled(gettext("最小碎块 (平方米)"), numeric("least_piece_m2", settings.least_piece_m2, { min: 0, disabled })),
      labelled(gettext("户数来源"), choice("households_from", [
        ["automatic", gettext("自动 (有建筑户数时用建筑)")],
        ["buildings", gettext("建筑户数")],
        ["counts", gettext("网格登记户数")],
      ], settings.households_from)),
      labelled(gettext("到网点的距离"), choice("distance_by", [["air", gettext("直线")], ["street", gettext("沿街")]], settings.distance_by)),
      labelled(gettext("离街道至多 (米)"), numeric("street_access_m", settings.street_access_m, { min: 1, disabled })),
      canEdit ? el("button", { type: "submit" }, gettext("保存")) : null,
      settings.own ? null : el("span", { class: "note" }, settings.set_by
        ? fill(gettext("沿用 {name}"), { name: settings.set_by })
        : gettext("尚未设置, 用初始值")),
    ].filter(Boolean));
    form.elements.households_from.disabled = form.elements.distance_by.disabled = disabled;
    form.onsubmit = (event) => {
      event.preventDefault();
      const { elements } = form;
      const body = { institution: this.#whose(), households_from: elements.households_from.value, distance_by: elements.distance_by.value };
      for (const name of ["household_weight", "cash_point_weight", "km2_weight", "least_piece_m2", "street_access_m"]) body[name] = Number(elements[name].value);
      this.#try(async () => {
        await send("PUT", "rules/settings", body);
        await this.#load();
      }, gettext("已保存。"));
    };
  }
}

new RulesPage().start();
