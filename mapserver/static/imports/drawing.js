/** The grids and the defects of an import on the map. */
import { FileDrawing, boxAround } from "jt/files/drawing";
import { defectColour, defectFill } from "jt/patterns";
import { kindName } from "./words.js";

const GRID = { fill: "#0b5a5e", opacity: 0.08 };
const CHANGED = { fill: "#e69f00", opacity: 0.35 };
const AMBER = { fill: "#8a5200", opacity: 0.25 };
const BORDER = { stroke: "#35585b", weight: 0.6 };
const UPPER = [{ stroke: "#16282a", weight: 2 }, { stroke: "#16282a", weight: 1.2 }, { stroke: "#35585b", weight: 0.9 }];
const MOST_PINS = 200;

export class Drawing extends FileDrawing {
  /** @param {{level_names: string[], grids: object, defects: object}} preview */
  show({ level_names: names, grids, defects }) {
    this.clear();
    this.view.resized();
    const leaf = names.length - 1;
    const features = grids.features;
    const shapes = features
      .filter(({ properties }) => properties.level === leaf)
      .map(({ geometry, properties }) => ({
        polygons: polygons(geometry), look: { ...(properties.changed ? CHANGED : GRID), ...BORDER },
      }));
    this.keep(this.view.polygons(shapes, "jt-grids"));
    const borders = features
      .filter(({ properties }) => properties.level < leaf)
      .sort((a, b) => b.properties.level - a.properties.level)
      .map(({ geometry, properties }) => ({ arcs: polygons(geometry).flat(), look: UPPER[properties.level - 1] ?? BORDER }));
    if (borders.length) this.keep(this.view.lines(borders, "jt-borders"));
    this.#defects(defects.features.filter(({ geometry }) => geometry));
    const all = boxAround(places(features.map(({ geometry }) => geometry)));
    if (all) this.view.fit(all);
  }

  /** Looks at a defect, and marks its pin. */
  look(feature) {
    if (feature.geometry) {
      this.#mark(feature);
      this.view.fit(boxAround(places([feature.geometry])), { maxZoom: 19 });
    }
    this.choose(feature.id);
  }

  #defects(features) {
    const look = (kind) => ({ ...(defectFill[kind] ?? AMBER), stroke: defectColour[kind] ?? "#8a5200", weight: 2 });
    const shapes = features.map(({ geometry, properties: { kind } }) => ({ polygons: polygons(geometry), arcs: lines(geometry), look: look(kind) }));
    this.keep(this.view.polygons(shapes, "jt-selection"), this.view.lines(shapes, "jt-selection"));
    features.filter(({ id }) => id <= MOST_PINS).forEach((feature) => this.#mark(feature));
  }

  #mark({ id, properties: { kind, lon, lat } }) {
    this.pin(id, kind, [lon, lat], `${id} ${kindName(kind)}`);
  }
}

function polygons({ type, coordinates, geometries }) {
  if (type === "Polygon") return [coordinates];
  if (type === "MultiPolygon") return coordinates;
  return (geometries ?? []).flatMap(polygons);
}

function lines({ type, coordinates, geometries }) {
  if (type === "LineString") return [coordinates];
  if (type === "MultiLineString") return coordinates;
  return (geometries ?? []).flatMap(lines);
}

/** Every vertex of some geometries, one after the other. */
function* places(geometries) {
  for (const geometry of geometries) for (const line of [...polygons(geometry).flat(), ...lines(geometry)]) yield* line;
}
