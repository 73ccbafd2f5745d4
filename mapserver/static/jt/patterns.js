/** Fills that can be told apart without colour: a tint for rural grids, the same tint ruled for urban ones. */

/** Okabe–Ito, in the order in which the colouring spends them. */
export const HUES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442"];
const TINT = 0.15;

const painter = document.createElement("canvas").getContext("2d");

/**
 * Diagonal lines on a tint.
 * @param {{colour: string, tint: number, line: number, gap: number, width?: number, back?: boolean}} look
 * @returns {CanvasPattern}
 */
function ruled({ colour, tint, line, gap, width = 1, back = false }) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = gap;
  const context = tile.getContext("2d");
  if (back) {
    context.translate(gap, 0);
    context.scale(-1, 1);
  }
  context.fillStyle = context.strokeStyle = colour;
  context.globalAlpha = tint;
  context.fillRect(0, 0, gap, gap);
  context.globalAlpha = line;
  context.lineWidth = width;
  context.beginPath();
  for (const start of [-gap, 0, gap]) {
    context.moveTo(start - 1, gap + 1);
    context.lineTo(start + gap + 1, -1);
  }
  context.stroke();
  return painter.createPattern(tile, "repeat");
}

const rural = (colour) => ({ fill: colour, opacity: TINT });
const urban = (colour) => ({ fill: ruled({ colour, tint: TINT, line: 0.45, gap: 8 }), opacity: 1 });

/** Fill of a grid, by kind and by number of its hue. */
export const gridFill = {
  rural: HUES.map(rural),
  urban: HUES.map(urban),
};

/** One hue, light to dark, also in grey; and two hues about zero, of which the lower is ruled, for print in grey. */
const RAMP = ["#d9eeec", "#a3d2ce", "#62aca8", "#2a8380", "#0b5a5e"];
const AROUND_ZERO = ["#8c510a", "#d8b365", "#f5f5f5", "#7fbfba", "#0b5a5e"];
/** Where there is no data: hatched, never the colour of zero. */
export const noDataFill = { fill: ruled({ colour: "#6c7a7c", tint: 0.04, line: 0.6, gap: 7 }), opacity: 1 };
const kept = new Map();

/** Fills of that many classes, spread over the ramp. */
export function rampFills(count, diverging = false) {
  const key = `${count} ${diverging}`;
  if (!kept.has(key)) {
    const ramp = diverging ? AROUND_ZERO : RAMP;
    const at = (place) => (count === 1 ? 2 : Math.round((place * (ramp.length - 1)) / (count - 1)));
    kept.set(key, Array.from({ length: count }, (_, place) => {
      const colour = ramp[at(place)];
      return diverging && at(place) < 2
        ? { fill: ruled({ colour, tint: 0.55, line: 1, gap: 6, back: true }), opacity: 1 }
        : { fill: colour, opacity: 0.9 };
    }));
  }
  return kept.get(key);
}

/** A padlock, for grids that are locked: its middle, its height, its colour. */
export function padlock(context, x, y, height, colour) {
  const unit = height / 12;
  context.save();
  context.translate(x, y);
  context.scale(unit, unit);
  context.strokeStyle = "rgb(255 255 255 / 92%)";
  context.lineWidth = 4;
  const bow = () => {
    context.beginPath();
    context.arc(0, -2, 3, Math.PI, 0);
    context.lineTo(3, 1);
    context.moveTo(-3, -2);
    context.lineTo(-3, 1);
    context.stroke();
  };
  bow();
  context.strokeRect(-4.5, 0, 9, 6);
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 1.6;
  bow();
  context.fillRect(-4.5, 0, 9, 6);
  context.restore();
}

/** Fill of a defect: red for a gap, violet and ruled the other way for an overlap. */
export const defectFill = {
  gap: { fill: ruled({ colour: "#b3261e", tint: 0.18, line: 0.95, gap: 7, width: 2 }), opacity: 1 },
  overlap: { fill: ruled({ colour: "#6a3d9a", tint: 0.18, line: 0.95, gap: 7, width: 2, back: true }), opacity: 1 },
};
/** Fill of land that changes hands, in the colour of the grid that receives it. */
export const handedFill = HUES.map((colour) => ({ fill: ruled({ colour, tint: 0.3, line: 0.95, gap: 7, width: 2 }), opacity: 1 }));
export const defectColour = { gap: "#b3261e", overlap: "#6a3d9a" };
