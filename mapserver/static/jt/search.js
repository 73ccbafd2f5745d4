/** Search for grids, and for what stands in them, by name or code: a combobox whose list is worked by arrow keys, Enter and Escape. */
import { get } from "jt/api";
import { byId, data, el } from "jt/dom";

const { gettext } = window;
const PAUSE_MS = 180;

export class Search {
  #input = byId("search");
  #list = byId("search-results");
  #found = [];
  #active = -1;
  #timer = 0;
  #request = null;
  #plan;
  #onGrid;
  #onFeature;

  /**
   * @param {() => number|null} plan which plan to search
   * @param {{onGrid: (grid: object) => void, onFeature: (layer: string, id: number) => void}} actions
   */
  constructor(plan, { onGrid, onFeature }) {
    this.#plan = plan;
    this.#onGrid = onGrid;
    this.#onFeature = onFeature;
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#search(), PAUSE_MS);
    });
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("focus", () => this.#found.length && this.#open(true));
    this.#input.addEventListener("blur", () => setTimeout(() => this.#open(false), 150));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName)) return;
      event.preventDefault();
      this.#input.focus();
      this.#input.select();
    });
  }

  async #search() {
    const words = this.#input.value.trim();
    this.#request?.abort();
    if (!words) return this.#show([], null);
    this.#request = new AbortController();
    const { signal } = this.#request;
    try {
      const found = (await Promise.all([
        this.#plan() ? get(`plans/${this.#plan()}/search`, { q: words }, { signal }) : [],
        get("layers/search", { q: words }, { signal }),
      ])).flat();
      this.#show(found, found.length ? null : gettext("没有找到。请换一个名称，或输入编码开头的数字。"));
    } catch (error) {
      if (error.name !== "AbortError") this.#show([], error.message);
    }
  }

  #show(found, message) {
    this.#found = found;
    this.#list.replaceChildren(
      ...found.map((one, index) =>
        el(
          "li",
          { role: "option", id: `search-result-${index}`, translate: "no", onpointerdown: (event) => { event.preventDefault(); this.#choose(index); } },
          data(one.name),
          el("small", {}, (one.layer ? [one.layer_name, one.kind_label, one.institution] : [one.level_name, one.parent_name]).filter(Boolean).join(" · "), " ",
            data(one.code, { class: "figures" })),
        ),
      ),
      ...(message ? [el("li", { role: "presentation", class: "note" }, message)] : []),
    );
    this.#activate(found.length ? 0 : -1);
    this.#open(Boolean(found.length || message));
  }

  #open(open) {
    this.#list.hidden = !open;
    this.#input.setAttribute("aria-expanded", String(open));
  }

  #activate(index) {
    this.#active = index;
    [...this.#list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === index)));
    if (index < 0) this.#input.removeAttribute("aria-activedescendant");
    else {
      this.#input.setAttribute("aria-activedescendant", `search-result-${index}`);
      this.#list.children[index].scrollIntoView({ block: "nearest" });
    }
  }

  #choose(index) {
    this.#open(false);
    const one = this.#found[index];
    this.#input.value = one.name;
    if (one.layer) this.#onFeature(one.layer, one.id);
    else this.#onGrid(one);
  }

  #key(event) {
    const { key } = event;
    if (key === "Escape") {
      event.stopPropagation();
      if (this.#list.hidden) this.#input.blur();
      this.#open(false);
    } else if (key === "Enter" && this.#active >= 0 && !this.#list.hidden) {
      event.preventDefault();
      this.#choose(this.#active);
    } else if ((key === "ArrowDown" || key === "ArrowUp") && this.#found.length) {
      event.preventDefault();
      const step = key === "ArrowDown" ? 1 : -1;
      this.#open(true);
      this.#activate((this.#active + step + this.#found.length) % this.#found.length);
    }
  }
}
