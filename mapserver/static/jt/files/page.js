/** A page that takes files on their way: upload, look, load. The server holds the state; the page shows it and asks for steps. */
import { byId, el } from "jt/dom";
import { jobsAt } from "jt/files/jobs";
import { button } from "jt/parts";
import { fill, inReadersLanguage } from "jt/text";

const { gettext } = window;
const POLL_MS = 500;

/** What the pages have in common; each says how it clears its map, and what it shows of a job that came to rest. */
export class JobPage {
  outcome = byId("outcome");
  job = null;
  /** Status and task of the job as it is shown. */
  shown = "";
  #form;
  #steps;

  /**
   * @param {string} base of the jobs in the API
   * @param {HTMLElement} form what the page begins with
   * @param {Object<string, string>} steps the step at which each task and the status "failed" stand
   */
  constructor(base, form, steps) {
    this.jobs = jobsAt(base);
    this.#form = form;
    this.#steps = steps;
  }

  async open(id) {
    if (!id) return this.start();
    try {
      this.take(await this.jobs.show(id));
    } catch {
      this.start();
    }
  }

  start() {
    this.job = null;
    this.shown = "";
    history.replaceState(null, "", location.pathname);
    this.step("upload");
    this.outcome.replaceChildren();
    // A file that was corrected meanwhile has to be chosen anew: the browser refuses to send one that has changed.
    for (const input of this.#form.querySelectorAll("[type=file]")) {
      input.value = "";
      input.dispatchEvent(new Event("change"));
    }
    this.#form.hidden = false;
    this.clear();
  }

  /** Sends the files; returns the error, if there was one. */
  async upload(form) {
    const { answer, cancel } = this.jobs.upload(form, (sent) => showProgress(this.outcome, sent));
    this.outcome.replaceChildren(workingView(gettext("正在上传"), cancel));
    this.outcome.scrollIntoView({ block: "nearest" });
    const error = await this.begin(() => answer);
    if (error) this.outcome.replaceChildren();
    return error;
  }

  /** Runs a step that answers with the job; returns the error, if there was one. */
  async begin(request) {
    try {
      this.take(await request());
    } catch (error) {
      return error;
    }
    return null;
  }

  /** Begins a step of the job that is shown; returns the error, if there was one. */
  ask(name, body) {
    return this.begin(() => this.jobs.step(this.job.id, name, body));
  }

  take(job) {
    const before = this.shown;
    this.job = job;
    this.shown = `${job.status} ${job.task}`;
    history.replaceState(null, "", `?job=${job.id}`);
    this.#form.hidden = true;
    if (job.status === "working") {
      this.step(this.#steps[job.task]);
      if (this.shown !== before) {
        const note = el("p", { class: "note" }, gettext("可以离开此页，回来时继续。"));
        const what = fill(gettext("正在处理：{task}"), { task: job.task_label });
        this.outcome.replaceChildren(workingView(what, () => this.ask("cancel"), note));
      }
      showProgress(this.outcome, job.progress);
      setTimeout(() => this.#poll(job.id), POLL_MS);
    } else if (job.status === "cancelled") {
      this.start();
    } else {
      this.#settle(job);
    }
  }

  async #poll(id) {
    if (this.job?.id !== id) return;
    try {
      this.take(await this.jobs.show(id));
    } catch {
      setTimeout(() => this.#poll(id), 3 * POLL_MS);
    }
  }

  async #settle(job) {
    if (job.status === "failed") {
      this.step(this.#steps.failed);
      this.outcome.replaceChildren(failedView(job, () => this.start()));
    } else if (job.status === "loaded") {
      this.step("load");
      this.outcome.replaceChildren(this.loadedView(job, () => this.start()));
    } else {
      try {
        await this.settle(job);
      } catch (error) {
        if (this.job !== job) return;
        this.outcome.replaceChildren(brokenOffView(error, () => this.#settle(job)));
      }
    }
    byId("work").focus({ preventScroll: false });
  }

  /** Says that there is something on the map, or nothing. */
  showMap(isDrawn) {
    byId("empty-map").hidden = isDrawn;
    document.body.toggleAttribute("data-has-map", isDrawn);
    if (!isDrawn) document.body.removeAttribute("data-drawn");
  }

  /** Marks a row of the list, the one whose data attribute has a value. @returns {?HTMLElement} */
  mark(attribute, value) {
    const rows = [...this.outcome.querySelectorAll(`tr[${attribute}]`)];
    for (const row of rows) row.setAttribute("aria-selected", String(row.getAttribute(attribute) === String(value)));
    return rows.find((row) => row.getAttribute(attribute) === String(value)) ?? null;
  }

  step(name) {
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

const reason = (text) => el("div", { class: "message error", role: "alert" }, el("p", { class: "reason" }, text));

/** What went wrong with the last step, if anything did. */
export const problem = ({ message }) => message && reason(inReadersLanguage(message));

function workingView(what, cancel, ...notes) {
  return el(
    "div",
    { class: "working" },
    el("p", {}, el("strong", { role: "status" }, what), " ", el("span", { class: "percent", "aria-hidden": "true" })),
    el("progress", { max: 1, "aria-label": what }),
    notes,
    el("div", { class: "actions" }, button(gettext("取消"), cancel)),
  );
}

/** @param {?number} fraction null while nothing is known yet */
function showProgress(view, fraction) {
  const bar = view.querySelector("progress");
  if (fraction === null) bar.removeAttribute("value");
  else bar.value = fraction;
  view.querySelector(".percent").textContent = fraction === null ? "" : `${Math.floor(fraction * 100)}%`;
}

/** What came of the job could not be fetched: it is asked for again. */
function brokenOffView(error, again) {
  return el(
    "div",
    {},
    reason(error.message),
    el("div", { class: "actions" }, button(gettext("再试一次"), again, "primary")),
  );
}

function failedView(job, again) {
  return el(
    "div",
    {},
    problem(job),
    el("p", {}, gettext("没有保存任何内容。")),
    el("div", { class: "actions" }, button(gettext("重新上传"), again, "primary")),
  );
}
