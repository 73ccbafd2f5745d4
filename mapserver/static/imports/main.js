/** The import page: upload, look, repair, load. */
import { byId } from "jt/dom";
import { JobPage } from "jt/files/page";
import { Drawing } from "./drawing.js";
import { drawnAs, foundView, loadedView } from "./steps.js";
import { startForm } from "./upload.js";

const page = JSON.parse(byId("page").textContent);

class ImportPage extends JobPage {
  loadedView = loadedView;
  #drawing = new Drawing((number) => this.#pick(number)?.scrollIntoView({ block: "nearest" }));
  #preview = null;

  constructor() {
    super("imports", byId("upload"), { read: "check", repair: "repair", load: "load", failed: "check" });
    startForm(page, (form) => this.upload(form));
  }

  clear() {
    this.#preview = null;
    this.#say("");
    this.#drawing.clear();
    this.showMap(false);
  }

  async settle(job) {
    this.step(job.status === "dirty" ? "repair" : "load");
    const actions = {
      pick: (number) => {
        byId("map").scrollIntoView({ block: "nearest" });
        this.#pick(number);
      },
      repair: (gapWidth, nest) => this.ask("repair", { gap_width_m: gapWidth, nest }),
      load: (name, policy) => this.ask("load", { name, policy }),
      cancel: () => this.ask("cancel"),
    };
    this.outcome.replaceChildren(foundView(job, page, actions));
    try {
      this.#preview = await this.jobs.part(job.id, "preview");
    } catch {
      return;
    }
    this.showMap(true);
    this.#drawing.show(this.#preview);
    this.#say(drawnAs(this.#preview));
    document.body.dataset.drawn = this.shown;
  }

  /** Says beside the map how it differs from the files. */
  #say(text) {
    byId("drawn-as").textContent = text;
    byId("drawn-as").hidden = !text;
  }

  /** Shows a defect in both places, on the map and in the list. @returns {?HTMLElement} the row of the list */
  #pick(number) {
    const feature = this.#preview?.defects.features.find(({ id }) => id === number);
    if (feature) this.#drawing.look(feature);
    return this.mark("data-number", number);
  }
}

new ImportPage().open(new URLSearchParams(location.search).get("job") ?? page.job);
