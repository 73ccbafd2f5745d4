/** The base map. The page draws everything in its datum (see jt/view), so it stays right on a shifted one. */
import { byId, el } from "jt/dom";

/**
 * @param {import("jt/view").View} view
 * @param {object[]} baseMaps those of the settings; the first is the default and needs no network
 * @param {string} [chosen] id
 * @param {(id: string) => void} onChange
 */
export function baseMaps(view, baseMaps, chosen, onChange) {
  const select = byId("base");
  select.append(...baseMaps.map(({ id, name }) => el("option", { value: id }, name)));
  const find = (id) => baseMaps.find((base) => base.id === id) ?? baseMaps[0];
  select.value = find(chosen).id;
  view.setBase(find(chosen));
  select.addEventListener("change", () => {
    view.setBase(find(select.value));
    onChange(select.value === baseMaps[0].id ? "" : select.value);
  });
}
