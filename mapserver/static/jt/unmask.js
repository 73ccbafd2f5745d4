/** Personal details in full: somebody says why, sees them once, and both are logged (layers/audit/masking.py). */
import { post } from "jt/api";
import { data, el } from "jt/dom";
import { facts, problem } from "jt/panel";

const { gettext } = window;

/**
 * A form that asks for a reason and gives way to the values.
 * @param {string} path below /api/, of the one that it is about
 * @param {[string, string][]} fields that may be asked for, each with its name on the page
 * @returns {HTMLElement}
 */
export function unmasking(path, fields) {
  const fault = el("div");
  const reason = el("input", { name: "reason", required: true, maxlength: 200, autocomplete: "off", placeholder: gettext("例如：电话核实住址") });
  const ask = el("button", { class: "primary", type: "submit" }, gettext("查看"));
  const form = el("form", { class: "unmask-form", onsubmit: (event) => { event.preventDefault(); show(); } },
    el("label", { class: "stacked" }, el("span", {}, gettext("事由")), reason),
    el("p", { class: "note" }, gettext("查看人、时间和事由将记入审计记录。")),
    fault, ask);
  const box = el("details", { class: "unmask" }, el("summary", {}, gettext("查看完整信息")), form);

  async function show() {
    ask.disabled = true;
    try {
      const answer = await post(`${path}/unmask`, { fields: fields.map(([field]) => field), reason: reason.value });
      const values = answer.values ?? answer;
      box.replaceWith(el("div", { class: "unmasked", role: "status" },
        facts(fields.map(([field, name]) => [name, shown(field, values[field])])),
        el("p", { class: "note" }, gettext("本次查看已记入审计记录。"))));
    } catch (error) {
      fault.replaceChildren(problem(error));
      ask.disabled = false;
    }
  }
  return box;
}

const shown = (field, value) =>
  value && (field.endsWith("phone") ? el("a", { class: "figures", href: `tel:${value}`, translate: "no" }, value) : data(value));
