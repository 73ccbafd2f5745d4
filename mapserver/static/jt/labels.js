/** Names on the map: the shortest useful form, longer where there is room, never one over another. */
import { padlock } from "jt/patterns";
import { seen } from "jt/plane";

const FAMILY = getComputedStyle(document.documentElement).getPropertyValue("--font");
const LOOKS = [
  { size: 16, weight: 700, colour: "#102a2c" },
  { size: 14, weight: 700, colour: "#0b3f42" },
  { size: 13, weight: 600, colour: "#1f4a4e" },
  { size: 12, weight: 400, colour: "#2f4f52" },
  { size: 12, weight: 400, colour: "#2f4f52" },
];
/** Less room than this holds no label at all, in pixels. */
const LEAST = { x: 24, y: 14 };
const ROOM_FOR_DIGITS = { x: 40, y: 28 };
/** Where a label may stand beside its point when a sign is in the way, in pixels. */
const SHIFTS = [0, 22, -22];
const HALO = 3;
const CELL = 64;
const SIGN = 30;
/** Height of the padlock of a locked grid, and what it needs beside its name. */
const LOCK = 12;
const LOCK_ROOM = 14;

/** Forms of a grid's label that it has room for, longest first: the last level goes by the last digits of its code. */
function forms({ name, code, level }, value, topology, room, measure) {
  const isLast = level === topology.levels - 1 && level > 0;
  const digits = isLast && room.x >= ROOM_FOR_DIGITS.x && room.y >= ROOM_FOR_DIGITS.y ? [value || code.slice(-3)] : [];
  const whole = [value && `${name} ${value}`, name].filter(Boolean).map((text) => ({ text, width: measure(text) }));
  return [...whole.filter(({ width }) => width <= room.x), ...digits.map((text) => ({ text, width: measure(text) }))];
}

export class Labels {
  #view;
  #topology = null;
  #level = 0;
  #canvas;
  /** What stands behind a grid's name: the value that the map is coloured by. */
  value = () => "";

  constructor(view) {
    this.#view = view;
    this.#canvas = view.canvas("jt-labels", (context, size) => this.#topology && this.#paint(context, size));
  }

  show(topology, level) {
    this.#topology = topology;
    this.#level = level;
    this.#canvas.repaint();
  }

  repaint() { this.#canvas.repaint(); }

  #paint(context, size) {
    const taken = new Taken();
    for (const place of this.#view.signs()) taken.take(place, SIGN, SIGN, true);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.strokeStyle = "rgb(255 255 255 / 92%)";
    context.lineWidth = HALO;
    const measure = (text) => context.measureText(text).width;
    // The levels above first, so that a township's name stands among its villages' names.
    for (let level = Math.min(1, this.#level); level <= this.#level; level += 1) {
      const look = LOOKS[level];
      context.font = `${look.weight} ${look.size}px ${FAMILY}`;
      context.fillStyle = look.colour;
      for (const { grid, places, room } of this.#inSight(level, size)) {
        const shifts = SHIFTS.filter((shift) => 2 * Math.abs(shift) + look.size <= room.y);
        const labels = forms(grid, level === this.#level ? this.value(grid) : "", this.#topology, room, measure);
        // Locked is said also where the name has no room.
        const written = grid.locked ? [...labels, { text: "", width: 0 }] : labels;
        this.#write(context, written, places, shifts, look, taken, grid.locked);
      }
    }
  }

  #write(context, labels, places, shifts, { size, colour }, taken, isLocked = false) {
    const room = isLocked ? LOCK_ROOM : 0;
    for (const { text, width } of labels)
      for (const { x, y, width: most = Infinity } of places)
        for (const shift of shifts)
          if (width + room <= most && taken.take({ x, y: y + shift }, width + room + 6, size + 6)) {
            context.strokeText(text, x + room / 2, y + shift);
            context.fillText(text, x + room / 2, y + shift);
            if (isLocked) padlock(context, x - width / 2, y + shift, LOCK, colour);
            return;
          }
  }

  /** Grids that can be labelled on the screen, the largest first, with the pixels and the places that they have for a label. */
  #inSight(level, size) {
    const { x, y } = this.#view.degree();
    return this.#topology
      .grids(level)
      .filter((grid) => grid.level === level)
      .map((grid) => {
        const [west, south, east, north] = grid.bbox;
        return { grid, room: { x: (east - west) * x, y: (north - south) * y } };
      })
      .filter(({ room }) => room.x >= LEAST.x && room.y >= LEAST.y)
      .map((found) => ({ ...found, places: this.#places(found.grid, size) }))
      .filter(({ places }) => places.length > 0)
      .sort((a, b) => b.room.x * b.room.y - a.room.x * a.room.y);
  }

  /** A name stands at its grid's label point. That a grid is locked is to be seen in whatever part of it is in sight. */
  #places({ label, locked, bbox, polygons }, size) {
    const own = this.#view.pixel(label);
    const places = own.x > 0 && own.y > 0 && own.x < size.x && own.y < size.y ? [own] : [];
    if (!locked) return places;
    const [west, south, east, north] = this.#view.bbox;
    if (bbox[0] > east || bbox[2] < west || bbox[1] > north || bbox[3] < south) return places;
    const pixels = (ring) => ring.map((place) => this.#view.pixel(place)).map(({ x, y }) => [x, y]);
    const part = { x: size.x, y: size.y - this.#view.covered };
    return [...places, ...seen(polygons.map((rings) => rings.map(pixels)), part)];
  }
}

/** Which rectangles of the screen are taken, in buckets. */
class Taken {
  #buckets = new Map();

  /** Takes a rectangle round a place; unless `always`, not where it meets one taken before. @returns {boolean} whether it did */
  take({ x, y }, width, height, always = false) {
    const box = { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
    const buckets = [];
    for (let i = Math.floor(box.left / CELL); i <= Math.floor(box.right / CELL); i += 1)
      for (let j = Math.floor(box.top / CELL); j <= Math.floor(box.bottom / CELL); j += 1) {
        const key = `${i} ${j}`;
        if (!this.#buckets.has(key)) this.#buckets.set(key, []);
        buckets.push(this.#buckets.get(key));
      }
    const meets = (other) =>
      box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom;
    if (!always && buckets.some((bucket) => bucket.some(meets))) return false;
    for (const bucket of buckets) bucket.push(box);
    return true;
  }
}
