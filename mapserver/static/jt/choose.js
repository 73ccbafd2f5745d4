/** Choosing several grids one after the other; the first keeps its code. */
export class Choose {
  #onChange;
  ids = [];

  /** @param {(ids: number[]) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  toggle(id) {
    if (id === undefined) return;
    this.ids = this.ids.includes(id) ? this.ids.filter((other) => other !== id) : [...this.ids, id];
    this.#onChange(this.ids);
  }

  clear() {
    if (!this.ids.length) return;
    this.ids = [];
    this.#onChange(this.ids);
  }
}
