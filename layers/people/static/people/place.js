/**
 * A small map beside typed coordinates: a click puts a point down or goes on with a line, a point is dragged; what is typed
 * is drawn, and what is drawn is typed. By the keyboard: Space puts the middle of the map down, Backspace takes the last one away.
 */
import { byId, el } from "jt/dom";
import { onLattice } from "jt/plane";
import { Snap } from "jt/snap";
import { fill } from "jt/text";
import { createView } from "jt/view";
import { drawPlan } from "./plan.js";

const { gettext } = window;
const LINE = { stroke: "#0b5fff", weight: 3 };
const ALL_LEVELS = [1, 2, 3];
const NEAR = 16;
const box = byId("place-map");
const { places, lon, lat } = box.closest("form").elements;
const view = createView();
let plan;
let drawn = [];

/** The field that holds a line of several spots, or the two that hold one. */
const fields = places
  ? { inputs: [places], read: () => places.value.split("\n").filter((line) => line.trim()).map((line) => line.split(",").map(numeral)), write: (spots) => { places.value = spots.map(typed).join("\n"); }, most: Infinity }
  : { inputs: [lon, lat], read: () => (lon.value || lat.value ? [[numeral(lon.value), numeral(lat.value)]] : []), write: ([spot]) => { [lon.value, lat.value] = spot ?? ["", ""]; }, most: 1 };

function numeral(text) { return text.trim() ? Number(text) : NaN; }
function typed(spot) { return spot.join(", "); }

/** The spots that are typed; those that are no place yet are left out. */
const spots = () => fields.read().filter((spot) => spot.length === 2 && spot.every(Number.isFinite) && Math.abs(spot[0]) <= 180 && Math.abs(spot[1]) <= 90);

function set(changed) {
  fields.write(changed);
  draw();
}

const add = (place) => set([...spots(), onLattice(snap.near(place))].slice(-fields.most));
const back = () => set(spots().slice(0, -1));

function draw() {
  for (const part of drawn) part.remove();
  const now = spots();
  drawn = now.map((spot, index) => handle(spot, index));
  if (now.length > 1) drawn.push(view.lines([{ arcs: [now], look: LINE }], "jt-edit"));
  byId("place-back").disabled = byId("place-clear").disabled = !now.length;
}

function handle(spot, index) {
  const move = (place) => set(spots().map((one, at) => (at === index ? onLattice(place) : one)));
  return view.handle(spot, el("span", { class: "pin" }, String(index + 1)), {
    title: fill(gettext("第 {n} 处, 可拖动"), { n: index + 1 }), size: 24, isAbove: true,
    onMove: (place) => snap.near(place),
    onDrop: move,
    onKey: (event, [x, y]) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      const degree = view.degree();
      move([x + step[0] / degree.x, y + step[1] / degree.y]);
      drawn[index].element.focus();
    },
  });
}

// Streets are shown from near, and what is put down beside one goes onto it.
const snap = new Snap(view, () => ({ edges: [] }), () => plan, ["plans"]);

view.setBase({ url: "", datum: view.datum });
view.element.classList.add("drawing");
view.setDoubleClickZoom(false);
view.on("click", add);
view.on("moved", () => plan && snap.lookAround());
view.element.addEventListener("keydown", (event) => {
  if (event.target !== view.element || ![" ", "Backspace"].includes(event.key)) return;
  event.preventDefault();
  if (event.key === " ") add(view.centre);
  else back();
});
byId("place-back").addEventListener("click", back);
byId("place-clear").addEventListener("click", () => set([]));
for (const input of fields.inputs) input.addEventListener("input", draw);
draw();
plan = await drawPlan(view, ALL_LEVELS);
const [lons, lats] = [0, 1].map((axis) => spots().map((spot) => spot[axis]));
if (lons.length) view.fit([Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)], { maxZoom: NEAR });
box.dataset.ready = "true";
