/** The page of import and export: upload, columns, rows, load. */
import { byId } from "jt/dom";
import { JobPage } from "jt/files/page";
import { columnsView } from "./columns.js";
import { Drawing } from "./drawing.js";
import { startForms } from "./forms.js";
import { checkedView, loadedView } from "./outcome.js";

const page = JSON.parse(byId("page").textContent);

class ExchangePage extends JobPage {
  loadedView = loadedView;
  #drawing = new Drawing((line) => this.#pick(line)?.scrollIntoView({ block: "nearest" }));
  #found = null;

  constructor() {
    super("exchange", byId("start"), { read: "columns", check: "check", load: "load", failed: "upload" });
    startForms(page, (form) => this.upload(form));
  }

  clear() {
    this.#found = null;
    this.#drawing.clear();
    this.showMap(false);
    byId("key").hidden = true;
  }

  async settle(job) {
    if (job.status === "read") await this.#columns(job);
    else await this.#rows(job);
  }

  async #columns(job) {
    this.step("columns");
    this.clear();
    const facts = await this.jobs.part(job.id, "columns");
    this.outcome.replaceChildren(columnsView(job, facts, {
      words: (column) => this.jobs.part(job.id, "words", { column }),
      check: (reading) => this.ask("check", reading),
      cancel: () => this.ask("cancel"),
    }));
  }

  async #rows(job) {
    this.step("check");
    // Both before anything can be pressed: once the import is given up or loaded, there are no points to ask for.
    const [found, points] = await Promise.all([this.jobs.part(job.id, "found"), this.jobs.part(job.id, "points")]);
    this.#found = found;
    this.outcome.replaceChildren(checkedView(job, found, {
      pick: (line) => {
        byId("map").scrollIntoView({ block: "nearest" });
        this.#pick(line);
      },
      look: (place) => this.#drawing.look(place),
      load: (options) => this.ask("load", options),
      again: () => this.#columns(job),
      cancel: () => this.ask("cancel"),
    }));
    this.showMap(true);
    byId("key").hidden = false;
    this.#drawing.show(points, found.rejected);
    document.body.dataset.drawn = this.shown;
  }

  /** Shows a rejected row in both places, on the map and in the list. @returns {?HTMLElement} the row of the list */
  #pick(line) {
    const rejected = this.#found?.rejected.find((row) => row.line === line);
    if (rejected?.lon != null) this.#drawing.look(rejected);
    return this.mark("data-line", line);
  }
}

new ExchangePage().open(new URLSearchParams(location.search).get("job") ?? page.job);
