/** The import page: upload, look, repair, load. The server holds the state; this page shows it and asks for steps. */
import { byId } from "jt/dom";
import { Drawing } from "./drawing.js";
import * as jobs from "./jobs.js";
import { failedView, foundView, loadedView, workingView } from "./steps.js";
import { UploadForm } from "./upload.js";

const page = JSON.parse(byId("page").textContent);
const POLL_MS = 700;

class ImportPage {
  #outcome = byId("outcome");
  #drawing = new Drawing((number) => this.#pick(number).row?.scrollIntoView({ block: "nearest" }));
  #form = new UploadForm(page, (form) => this.#begin(() => jobs.upload(form)));
  #job = null;
  #preview = null;
  #shown = "";

  async open(id) {
    if (!id) return this.#start();
    try {
      this.#take(await jobs.show(id));
    } catch {
      this.#start();
    }
  }

  #start() {
    this.#job = this.#preview = null;
    this.#shown = "";
    history.replaceState(null, "", location.pathname);
    this.#drawing.clear();
    this.#step("upload");
    this.#outcome.replaceChildren();
    this.#form.show();
    byId("empty-map").hidden = false;
    delete document.body.dataset.hasMap;
  }

  /** Runs a step that answers with the import; returns the error, if there was one. */
  async #begin(request) {
    try {
      this.#take(await request());
    } catch (error) {
      return error;
    }
    return null;
  }

  #take(job) {
    const before = this.#shown;
    this.#job = job;
    this.#shown = `${job.status} ${job.task}`;
    history.replaceState(null, "", `?job=${job.id}`);
    this.#form.hide();
    if (job.status === "working") {
      this.#step({ read: "check", repair: "repair", load: "load" }[job.task]);
      if (this.#shown !== before) {
        this.#outcome.replaceChildren(workingView(() => this.#begin(() => jobs.cancel(job.id))));
      }
      this.#outcome.querySelector("progress").value = job.progress;
      this.#outcome.querySelector(".task").textContent = job.task_label;
      setTimeout(() => this.#poll(job.id), POLL_MS);
    } else if (job.status === "cancelled") {
      this.#start();
    } else {
      this.#settle(job);
    }
  }

  async #poll(id) {
    if (this.#job?.id !== id) return;
    try {
      this.#take(await jobs.show(id));
    } catch {
      setTimeout(() => this.#poll(id), 3 * POLL_MS);
    }
  }

  async #settle(job) {
    if (job.status === "failed") {
      this.#step("check");
      this.#outcome.replaceChildren(failedView(job, () => this.#start()));
    } else if (job.status === "loaded") {
      this.#step("load");
      this.#outcome.replaceChildren(loadedView(job, () => this.#start()));
    } else {
      await this.#found(job);
    }
    byId("work").focus({ preventScroll: false });
  }

  async #found(job) {
    this.#step(job.status === "dirty" ? "repair" : "load");
    const actions = {
      pick: (number) => {
        byId("map").scrollIntoView({ block: "nearest" });
        this.#pick(number);
      },
      repair: (gapWidth, nest) => this.#begin(() => jobs.repair(job.id, gapWidth, nest)),
      load: (name, policy) => this.#begin(() => jobs.load(job.id, name, policy)),
      cancel: () => this.#begin(() => jobs.cancel(job.id)),
    };
    this.#outcome.replaceChildren(foundView(job, page, actions));
    try {
      this.#preview = await jobs.preview(job.id);
    } catch {
      return;
    }
    document.body.dataset.hasMap = "";
    byId("empty-map").hidden = true;
    this.#drawing.show(this.#preview);
    document.body.dataset.drawn = this.#shown;
  }

  /** Shows a defect in both places, on the map and in the list. @returns {{row: ?HTMLElement}} */
  #pick(number) {
    const feature = this.#preview?.defects.features.find(({ id }) => id === number);
    if (feature) this.#drawing.look(feature);
    const rows = [...this.#outcome.querySelectorAll("tr[data-number]")];
    const row = rows.find(({ dataset }) => dataset.number === String(number));
    for (const other of rows) other.setAttribute("aria-selected", String(other === row));
    return { row };
  }

  #step(name) {
    let done = true;
    for (const item of byId("steps").children) {
      const current = item.dataset.step === name;
      if (current) done = false;
      item.toggleAttribute("data-done", done);
      if (current) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
  }
}

new ImportPage().open(new URLSearchParams(location.search).get("job") ?? page.job);
