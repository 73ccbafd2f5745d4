/** What one file shows on a map of its own: shapes, and numbered pins of which one is chosen. */
import { el } from "jt/dom";
import { createView } from "jt/view";

export class FileDrawing {
  view = createView();
  #drawn = [];
  #pins = new Map();
  #onPick;

  /** @param {(number: number) => void} onPick called with the number of the pin that was chosen */
  constructor(onPick) {
    this.#onPick = onPick;
    this.view.setBase({ url: "", datum: this.view.datum });
  }

  clear() {
    this.#drawn.forEach((part) => part.remove());
    this.#drawn = [];
    this.#pins.clear();
  }

  /** Keeps what the view has drawn, to be cleared with the rest. */
  keep(...parts) {
    this.#drawn.push(...parts);
  }

  /** A pin with a number, unless it stands already. */
  pin(number, kind, lonLat, title) {
    if (this.#pins.has(number)) return;
    const pin = el("span", { class: `pin ${kind}` }, String(number));
    this.#pins.set(number, pin);
    this.keep(this.view.marker(lonLat, pin, { title, onClick: () => this.#onPick(number) }));
  }

  /** Marks one of the pins. */
  choose(number) {
    this.#pins.forEach((pin, other) => pin.classList.toggle("chosen-pin", other === number));
  }
}

/** West, south, east, north of some places, with some room in degrees; null of none. */
export function boxAround(lonLats, room = 0) {
  const bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [lon, lat] of lonLats) {
    bounds[0] = Math.min(bounds[0], lon - room);
    bounds[1] = Math.min(bounds[1], lat - room);
    bounds[2] = Math.max(bounds[2], lon + room);
    bounds[3] = Math.max(bounds[3], lat + room);
  }
  return bounds[0] === Infinity ? null : bounds;
}
