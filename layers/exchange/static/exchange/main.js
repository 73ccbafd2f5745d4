/** The page of import and export: upload, columns, rows, load. The server holds the state; this page shows it. */
import { byId } from "jt/dom";
import { jobsAt } from "jt/jobs";
import { columnsView } from "./columns.js";
import { Drawing } from "./drawing.js";
import { startForms } from "./forms.js";
import { checkedView, failedView, loadedView, workingView } from "./outcome.js";

const page = JSON.parse(byId("page").textContent);
const jobs = jobsAt("exchange");
const POLL_MS = 700;

class ExchangePage {
  #outcome = byId("outcome");
  #drawing = new Drawing((line) => this.#pick(line)?.scrollIntoView({ block: "nearest" }));
  #job = null;
  #found = null;
  #shown = "";

  async open(id) {
    startForms(page, (form) => this.#begin(() => jobs.upload(form)));
    if (!id) return this.#start();
    try {
      this.#take(await jobs.show(id));
    } catch {
      this.#start();
    }
  }

  #start() {
    this.#job = this.#found = null;
    this.#shown = "";
    history.replaceState(null, "", location.pathname);
    this.#step("upload");
    this.#outcome.replaceChildren();
    // A file that was corrected meanwhile has to be chosen anew: the browser refuses to send one that has changed.
    byId("file").value = "";
    byId("start").hidden = false;
    this.#clearMap();
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
    byId("start").hidden = true;
    if (job.status === "working") {
      this.#step({ read: "columns", check: "check", load: "load" }[job.task]);
      if (this.#shown !== before) this.#outcome.replaceChildren(workingView(() => this.#cancel()));
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

  #cancel() {
    return this.#begin(() => jobs.step(this.#job.id, "cancel"));
  }

  async #settle(job) {
    if (job.status === "failed") {
      this.#step("upload");
      this.#outcome.replaceChildren(failedView(job, () => this.#start()));
    } else if (job.status === "loaded") {
      this.#step("load");
      this.#outcome.replaceChildren(loadedView(job, () => this.#start()));
    } else if (job.status === "read") {
      await this.#columns(job);
    } else {
      await this.#rows(job);
    }
    byId("work").focus({ preventScroll: false });
  }

  async #columns(job) {
    this.#step("columns");
    this.#clearMap();
    const facts = await jobs.part(job.id, "columns");
    this.#outcome.replaceChildren(columnsView(job, facts, {
      words: (column) => jobs.part(job.id, "words", { column }),
      check: (reading) => this.#begin(() => jobs.step(job.id, "check", reading)),
      cancel: () => this.#cancel(),
    }));
  }

  async #rows(job) {
    this.#step("check");
    this.#found = await jobs.part(job.id, "found");
    this.#outcome.replaceChildren(checkedView(job, this.#found, {
      pick: (line) => {
        byId("map").scrollIntoView({ block: "nearest" });
        this.#pick(line);
      },
      look: (place) => this.#drawing.look(place),
      load: (options) => this.#begin(() => jobs.step(job.id, "load", options)),
      again: () => this.#columns(job),
      cancel: () => this.#cancel(),
    }));
    document.body.dataset.hasMap = "";
    byId("empty-map").hidden = true;
    byId("key").hidden = false;
    this.#drawing.show(await jobs.part(job.id, "points"), this.#found.rejected);
    document.body.dataset.drawn = this.#shown;
  }

  #clearMap() {
    this.#drawing.clear();
    byId("empty-map").hidden = false;
    byId("key").hidden = true;
    delete document.body.dataset.hasMap;
    delete document.body.dataset.drawn;
  }

  /** Shows a rejected row in both places, on the map and in the list. @returns {?HTMLElement} the row of the list */
  #pick(line) {
    const rejected = this.#found?.rejected.find((row) => row.line === line);
    if (rejected?.lon != null) this.#drawing.look(rejected);
    const rows = [...this.#outcome.querySelectorAll("tr[data-line]")];
    const row = rows.find(({ dataset }) => dataset.line === String(line));
    for (const other of rows) other.setAttribute("aria-selected", String(other.dataset.line === String(line)));
    return row;
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

new ExchangePage().open(new URLSearchParams(location.search).get("job") ?? page.job);
