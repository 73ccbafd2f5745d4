/** The good points and lines, and the rejected rows of an import on the map. */
import { FileDrawing, boxAround } from "jt/files/drawing";
import { fill } from "jt/text";

const { gettext } = window;
const GOOD = { fill: "#0b5a5e", opacity: 0.9, stroke: "#ffffff", weight: 1.5 };
const OUTSIDE = { fill: "#e69f00", opacity: 1, stroke: "#5c3700", weight: 1.5 };
const LINE = { fill: "none", stroke: "#0b5a5e", weight: 3 };
const GRID = { fill: "#0b5a5e", opacity: 0.06, stroke: "#35585b", weight: 1 };
const MOST_PINS = 200;
const AROUND = 0.002;

export class Drawing extends FileDrawing {
  /** @param {object} points GeoJSON @param {object[]} rejected rows; those whose place is known are drawn */
  show({ features, grids }, rejected) {
    this.clear();
    this.view.resized();
    const polygons = ({ type, coordinates }) => (type === "Polygon" ? [coordinates] : coordinates);
    this.keep(this.view.polygons(grids.map((grid) => ({ polygons: polygons(grid), look: GRID })), "jt-grids"));
    const places = (outside) =>
      features.filter(({ properties }) => properties.outside === outside).map(({ geometry }) => geometry.coordinates);
    this.keep(this.view.lines(features.filter(({ path }) => path).map(({ path }) => ({ arcs: [path], look: LINE })), "jt-selection"));
    this.keep(this.view.dots(places(false), "jt-selection", GOOD), this.view.dots(places(true), "jt-selection", OUTSIDE));
    const placed = rejected.filter(({ lon }) => lon !== null);
    for (const { line, lon, lat } of placed.slice(0, MOST_PINS)) {
      this.pin(line, "rejected", [lon, lat], fill(gettext("第 {n} 行不能载入"), { n: line }));
    }
    const inside = features.filter(({ properties }) => !properties.outside);
    const all = [...features.flatMap(({ geometry, path }) => path ?? [geometry.coordinates]), ...placed.map(({ lon, lat }) => [lon, lat])];
    // One point in another city does not make the others too small to be seen.
    const area = boxAround(grids.flatMap(polygons).flat(2));
    const near = inside.length > 0 && area ? all.filter(([lon, lat]) => lon >= area[0] && lat >= area[1] && lon <= area[2] && lat <= area[3]) : all;
    const frame = boxAround(near, AROUND);
    if (frame) this.view.fit(frame);
  }

  /** Looks at a place, and marks its pin. */
  look({ line, lon, lat }) {
    this.choose(line);
    this.view.fit(boxAround([[lon, lat]], AROUND));
  }
}
