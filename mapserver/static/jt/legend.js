/** What the lines, fills and signs on the map mean. */
import { byId, data, el } from "jt/dom";
import { demoBorders } from "jt/details";
import { BORDERS, FIXED } from "jt/grids";
import { pointSign } from "jt/signs";
import { fill } from "jt/text";
import { DOT } from "jt/tiles";
import { defectColour, defectFill, gridFill, padlock } from "jt/patterns";

const { gettext } = window;
const WIDE = "(min-width: 1024px)";

/** A text with a name of the plan's in it, which is nobody's to translate. */
const named = (text, name) => text.split("{name}").flatMap((part, index) => (index ? [data(name), part] : [part]));

/** The legend lies open where there is room for it. */
export const openLegend = () => (byId("legend").open = matchMedia(WIDE).matches);

/**
 * @param {object} plan
 * @param {number} level the level shown
 * @param {{id: string, name: string, kinds: {id: string, name: string, icon: string, colour: string}[]}[]} layers those shown
 * @param {boolean} hasLocked whether any grid of the plan is locked
 * @param {{title: string, rows: {look: object, text: string}[]}|null} [measured] classes of the measure that colours the grids
 */
export function drawLegend(plan, level, layers, hasLocked = false, measured = null) {
  const body = byId("legend").querySelector(".legend-body");
  const before = new Map([...body.querySelectorAll("details")].map(({ dataset, open }) => [dataset.layer, open]));
  body.replaceChildren(...[
    ...plan.level_names.slice(0, level + 1).map((name, depth) =>
      row(swatch((context) => line(context, BORDERS[depth])), el("span", {}, named(gettext("{name}界线"), name)))),
    ...(measured
      ? [row(el("strong", {}, measured.title)), ...measured.rows.map(({ look, text }) => row(swatch((context) => box(context, look)), text))]
      : [
          row(swatch((context) => box(context, gridFill.rural[0])), gettext("农村网格")),
          row(swatch((context) => box(context, gridFill.urban[0])), gettext("城区网格")),
        ]),
    hasLocked && row(swatch(fixed), gettext("已锁定的网格: 界线不能移动")),
    row(swatch((context) => box(context, defectFill.gap, defectColour.gap)), gettext("缺口")),
    row(swatch((context) => box(context, defectFill.overlap, defectColour.overlap)), gettext("重叠")),
    layers.some(({ dense }) => !dense) && row(gettext("数字: 聚在一起的个数")),
    ...layers.map((layer) => ofLayer(layer, before.get(layer.id) ?? layers.length === 1)),
    ...layers.filter(({ dense }) => dense).map(({ name }) => row(swatch(dots), fill(gettext("{layer}: 圆点越大, 数量越多"), { layer: name }))),
    plan.synthetic && row(demoBorders()),
  ].filter(Boolean));
}

/** How a layer's points are gathered, and, where it is opened, its kinds. */
const ofLayer = ({ id, name, kinds, dense }, open) =>
  el("details", { "data-layer": id, open },
    el("summary", {}, !dense && el("span", { class: `cluster ${id}`, "aria-hidden": "true" }, "n"), name),
    kinds.map((kind) => row(pointSign(id, kind), kind.name)));

const row = (...children) => el("div", { class: "legend-row" }, children);

function swatch(paint) {
  const ratio = window.devicePixelRatio || 1;
  const canvas = el("canvas", { width: 28 * ratio, height: 16 * ratio, "aria-hidden": "true" });
  canvas.style.width = "28px";
  canvas.style.height = "16px";
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  paint(context);
  return canvas;
}

/** As a layer in tiles is drawn from afar. */
function dots(context) {
  context.fillStyle = DOT;
  for (const [x, radius] of [[4, 2.2], [12, 4], [23, 5.6]]) {
    context.beginPath();
    context.arc(x, 8, radius, 0, 2 * Math.PI);
    context.fill();
  }
}

function line(context, { stroke, weight, dash }) {
  context.strokeStyle = stroke;
  context.lineWidth = weight;
  context.lineCap = "round";
  context.setLineDash(dash?.split(" ") ?? []);
  context.beginPath();
  context.moveTo(0, 8);
  context.lineTo(28, 8);
  context.stroke();
}

function fixed(context) {
  line(context, FIXED);
  context.setLineDash([]);
  padlock(context, 14, 7, 14, FIXED.stroke);
}

function box(context, { fill, opacity }, stroke = "#7f9a9c") {
  context.globalAlpha = opacity;
  context.fillStyle = fill;
  context.fillRect(0, 0, 28, 16);
  context.globalAlpha = 1;
  context.strokeStyle = stroke;
  context.strokeRect(0.5, 0.5, 27, 15);
}
