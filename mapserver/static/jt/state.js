/** The state of the page, in its address: a copied link shows the same thing. */

const NUMBERS = ["plan", "level", "grid", "lon", "lat", "z"];
const TEXTS = ["base", "find", "measure", "classes", "limits", "sort"];

/** @returns {{plan?: number, level?: number, grid?: number, lon?: number, lat?: number, z?: number, base?: string, find?: string, layers: string[]}} */
export function read() {
  const query = new URLSearchParams(location.search);
  const state = {};
  for (const name of NUMBERS) {
    const value = query.get(name);
    if (value && Number.isFinite(Number(value))) state[name] = Number(value);
  }
  for (const name of TEXTS) if (query.has(name)) state[name] = query.get(name);
  state.layers = (query.get("layers") ?? "").split(",").filter(Boolean);
  return state;
}

/** Puts the state into the address without a new entry in the history. @param {ReturnType<typeof read>} state */
export function write(state) {
  const query = new URLSearchParams();
  for (const name of NUMBERS) if (state[name] !== undefined && state[name] !== null) query.set(name, state[name]);
  for (const name of TEXTS) if (state[name]) query.set(name, state[name]);
  if (state.layers.length) query.set("layers", state.layers.join(","));
  const address = `${location.pathname}?${query}`.replace(/%2C/g, ",");
  history.replaceState(null, "", address);
  for (const input of document.querySelectorAll(".language input[name=next]")) input.value = address;
}
