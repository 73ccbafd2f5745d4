/**
 * A dense layer: vector tiles, drawn on one canvas over the map. Not a layer of Leaflet's, because the base map may be drawn in
 * another datum, by which every point moves some hundred metres; and not WebGL, which many desktops of banks do not have.
 */
import { VectorTile } from "@mapbox/vector-tile";
import Pbf from "pbf";
import { notify } from "jt/dom";
import { sprite, spriteSize } from "jt/signs";

/** The colour of what stands for several kinds. */
export const DOT = "#0b5a5e";

const DEEPEST = 18;
const KEPT = 400;
const REACH = 13;

export class DenseLayer {
  #view;
  #layer;
  #query;
  #tiles = new Map();
  #drawn = [];
  #canvas;
  #waiting = false;

  /** @param {{id: string, kinds: object[]}} layer @param {Object<string, string>} query filters as of the API */
  constructor(view, layer, query) {
    this.#view = view;
    this.#layer = layer;
    this.#query = new URLSearchParams(query);
    this.#canvas = view.canvas("jt-dense", (context, size) => this.#paint(context, size), { live: true });
    this.#canvas.repaint();
  }

  remove() {
    this.#canvas.remove();
  }

  /** What is drawn nearest to a place, if anything is there. @returns {{lonLat: number[], id?: number, n?: number}|null} */
  at(lonLat) {
    const { x, y } = this.#view.pixel(lonLat);
    let nearest = null;
    let least = REACH ** 2;
    for (const spot of this.#drawn) {
      const distance = (spot.x - x) ** 2 + (spot.y - y) ** 2;
      if (distance <= least) [nearest, least] = [spot.spot, distance];
    }
    return nearest;
  }

  #paint(context, size) {
    this.#drawn = [];
    for (const key of this.#keys()) {
      const spots = this.#tiles.get(key);
      if (spots === undefined) this.#fetch(key);
      for (const spot of spots ?? []) {
        const { x, y } = this.#view.pixel(spot.lonLat);
        if (x < -spriteSize || y < -spriteSize || x > size.x + spriteSize || y > size.y + spriteSize) continue;
        this.#drawn.push({ x, y, spot });
        if (spot.n) this.#dot(context, x, y, spot.n);
        else this.#sign(context, x, y, spot.kind);
      }
    }
  }

  /** A dot is the larger the more it stands for, and never wider than the square it stands in. */
  #dot(context, x, y, n) {
    context.fillStyle = this.#layer.kinds.length === 1 ? this.#layer.kinds[0].colour : DOT;
    context.globalAlpha = 0.85;
    context.beginPath();
    context.arc(x, y, Math.min(7.5, 2.2 + 1.7 * Math.log10(n)), 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = 1;
  }

  #sign(context, x, y, kindId) {
    const kind = this.#layer.kinds.find(({ id }) => id === kindId);
    const image = kind && sprite(kind, () => this.#repaint());
    if (image) context.drawImage(image, x - spriteSize / 2, y - spriteSize / 2, spriteSize, spriteSize);
    else this.#dot(context, x, y, 1);
  }

  #keys() {
    const z = Math.max(0, Math.min(DEEPEST, Math.round(this.#view.zoom)));
    const [west, south, east, north] = this.#view.bbox;
    const [left, top] = tileAt([west, north], z);
    const [right, bottom] = tileAt([east, south], z);
    const keys = [];
    for (let x = left; x <= right; x += 1) for (let y = top; y <= bottom; y += 1) keys.push(`${z}/${x}/${y}`);
    return keys;
  }

  async #fetch(key) {
    if (this.#tiles.size > KEPT) this.#tiles.clear();
    this.#tiles.set(key, null);
    try {
      const answer = await fetch(`/tiles/${this.#layer.id}/${key}.mvt?${this.#query}`);
      if (!answer.ok) throw new Error(String(answer.status));
      this.#tiles.set(key, spotsOf(await answer.arrayBuffer(), this.#layer.id, key.split("/").map(Number)));
      this.#repaint();
    } catch {
      this.#tiles.delete(key);
      notify(window.gettext("图层没有完整载入，请移动地图重试。"));
    }
  }

  #repaint() {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#canvas.repaint();
    });
  }
}

const mercator = (lat) => (1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2;

function tileAt([lon, lat], z) {
  const most = 2 ** z - 1;
  const within = (value) => Math.max(0, Math.min(most, Math.floor(value)));
  return [within(((lon + 180) / 360) * 2 ** z), within(mercator(lat) * 2 ** z)];
}

/** The points of a tile in degrees; those in its margin are the neighbour's. */
function spotsOf(buffer, name, [z, x, y]) {
  const layer = buffer.byteLength ? new VectorTile(new Pbf(buffer)).layers[name] : null;
  const spots = [];
  for (let i = 0; i < (layer?.length ?? 0); i += 1) {
    const feature = layer.feature(i);
    const [[point]] = feature.loadGeometry();
    if (point.x < 0 || point.y < 0 || point.x >= layer.extent || point.y >= layer.extent) continue;
    const lon = ((x + point.x / layer.extent) / 2 ** z) * 360 - 180;
    const lat = (Math.atan(Math.sinh(Math.PI * (1 - (2 * (y + point.y / layer.extent)) / 2 ** z))) * 180) / Math.PI;
    spots.push({ lonLat: [lon, lat], id: feature.id, ...feature.properties });
  }
  return spots;
}
