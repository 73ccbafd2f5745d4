/** The form of a feature, new or not: fields by the schema of its kind, the place by click or by coordinates; faults stand at their field. */
import { el, icon } from "jt/dom";
import { back } from "jt/card";
import { problem } from "jt/panel";
import { fill } from "jt/text";

const { gettext } = window;

/**
 * @param {{id: string, name: string, kinds: object[]}} layer
 * @param {object|null} feature to be changed; null for a new one
 * @param {{id: number, name: string}[]} institutions that may have it
 * @param {{onSave: (values: object) => Promise<void>, onPick: () => void, onPlace: (lonLat: number[]|null) => void, onBack: () => void}} actions
 * @returns {{content: Node[], setPlace: (lonLat: number[]) => void}}
 */
export function featureForm(layer, feature, institutions, { onSave, onPick, onPlace, onBack }) {
  const now = feature?.properties ?? { attributes: {} };
  const usable = layer.kinds.filter((kind) => kind.active || kind.id === now.kind);
  const kind = select("kind", usable, now.kind ?? usable[0]?.id);
  const fields = el("div", { class: "form-fields" });
  const fault = el("div");
  const [lon, lat] = ["lon", "lat"].map((name, i) =>
    el("input", { name, inputmode: "decimal", autocomplete: "off", required: true, value: feature?.geometry.coordinates[i] ?? "", oninput: typed }));
  const place = () => [Number(lon.value), Number(lat.value)];
  function typed() {
    onPlace(lon.value && lat.value && place().every(Number.isFinite) ? place() : null);
  }
  const setPlace = ([x, y]) => {
    [lon.value, lat.value] = [x.toFixed(7), y.toFixed(7)];
    typed();
  };
  const offer = () => {
    const chosen = usable.find(({ id }) => id === kind.value);
    fields.replaceChildren(...(chosen?.attributes ?? []).map((attribute) => field(attribute, now.attributes?.[attribute.key])));
  };
  kind.addEventListener("change", offer);
  offer();
  const form = el("form", { class: "feature-form", novalidate: true },
    labelled(gettext("类型"), kind),
    labelled(gettext("名称"), el("input", { name: "name", value: now.name ?? "", maxlength: 120, autocomplete: "off" })),
    labelled(gettext("行内编码"), el("input", { name: "code", value: now.code ?? "", maxlength: 40, autocomplete: "off" })),
    institutions.length > 1 && labelled(gettext("机构"), select("institution", institutions, now.institution_id ?? institutions[0].id)),
    el("fieldset", { class: "place" }, el("legend", {}, gettext("位置 (CGCS2000)")),
      labelled(gettext("经度"), lon), labelled(gettext("纬度"), lat),
      el("button", { type: "button", onclick: onPick }, icon("map-pin"), gettext("在图上点选"))),
    fields,
    feature && el("label", { class: "check" }, el("input", { type: "checkbox", name: "active", checked: now.active !== false }), gettext("有效 (已撤销的请取消勾选)")),
    fault,
    el("div", { class: "actions" },
      el("button", { class: "primary", type: "submit" }, gettext("保存")),
      el("button", { type: "button", onclick: onBack }, gettext("取消"))));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clear(form, fault);
    try {
      await onSave(values(form, usable.find(({ id }) => id === kind.value), place()));
    } catch (error) {
      say(form, fault, error);
    }
  });
  return {
    content: [
      el("div", { class: "panel-head" }, el("p", { class: "note" }, back(onBack)),
        el("h2", { class: "big" }, fill(feature ? gettext("编辑{layer}") : gettext("新增{layer}"), { layer: layer.name }))),
      form,
    ],
    setPlace,
  };
}

const labelled = (name, input) => el("label", { class: "stacked" }, el("span", {}, name), input);

const select = (name, options, chosen) =>
  el("select", { name, translate: "no" }, options.map(({ id, name: word }) => el("option", { value: id, selected: id === chosen }, word)));

function field({ key, name, type, unit, choices = [] }, value) {
  const called = `attributes.${key}`;
  const title = unit ? `${name} (${unit})` : name;
  if (type === "boolean")
    return el("label", { class: "check" }, el("input", { type: "checkbox", name: called, checked: value === true }), title);
  if (type === "choice")
    return labelled(title, select(called, [{ id: "", name: "—" }, ...choices.map((word) => ({ id: word, name: word }))], value ?? ""));
  if (type === "choices")
    return el("fieldset", { class: "choices" }, el("legend", {}, title),
      choices.map((word) => el("label", { class: "check" }, el("input", { type: "checkbox", name: called, value: word, checked: value?.includes(word) }), word)));
  return labelled(title, el("input", {
    name: called, value: value ?? "", type: type === "date" ? "date" : "text", autocomplete: "off",
    inputmode: type === "number" ? "decimal" : type === "integer" ? "numeric" : null,
  }));
}

function values(form, kind, [lon, lat]) {
  const attributes = {};
  for (const { key, type } of kind?.attributes ?? []) {
    const inputs = [...form.querySelectorAll(`[name="attributes.${CSS.escape(key)}"]`)];
    if (type === "boolean") attributes[key] = inputs[0].checked;
    else if (type === "choices") attributes[key] = inputs.filter((input) => input.checked).map((input) => input.value);
    else attributes[key] = inputs[0].value;
  }
  const institution = form.elements.institution?.value;
  return {
    kind: form.elements.kind.value, name: form.elements.name.value, code: form.elements.code.value,
    institution: institution ? Number(institution) : undefined,
    active: form.elements.active?.checked,
    ...(form.elements.lon.value && form.elements.lat.value ? { lon, lat } : {}), attributes,
  };
}

function clear(form, fault) {
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const said of form.querySelectorAll(".field-fault")) said.remove();
  fault.replaceChildren();
}

/** The fault at the field that it is about; else below all. */
function say(form, fault, error) {
  const { field: name, attribute } = error.details ?? {};
  const called = attribute ? `attributes.${attribute}` : name === "place" || error.code.includes("datum") || error.code === "invalid_place" ? "lon" : name;
  const input = called && form.querySelector(`[name="${CSS.escape(called)}"]`);
  if (!input) return fault.replaceChildren(problem(error));
  input.setAttribute("aria-invalid", "true");
  input.after(el("p", { class: "field-fault", role: "alert" }, error.message));
  return input.focus();
}
