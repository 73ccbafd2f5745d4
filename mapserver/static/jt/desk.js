/** A planner's desk at one draft: sends edits, takes in those of others, keeps what could not be sent. */
import { get, post } from "jt/api";

const EVERY = 5000;

/**
 * @typedef {{op: string, args: object}} Attempt
 * @typedef {{revision: number, edit: object|null, changed: object[], removed: number[], measures: object, broken: object[],
 *            undo: string|null, redo: string|null}} Answer
 */
export class Desk {
  #plan;
  #on;
  #timer;
  #busy = Promise.resolve();
  undo = null;
  redo = null;

  /**
   * @param {object} plan
   * @param {{onNews: (news: object) => void, onDone: (answer: Answer, attempt?: Attempt) => void,
   *          onRefused: (error: import("jt/api").ApiError, attempt?: Attempt) => void, onUnsent: (attempt: Attempt) => void,
   *          onBusy: (busy: boolean) => void}} on
   */
  constructor(plan, on) {
    this.#plan = plan;
    this.#on = on;
    this.#timer = setInterval(() => document.visibilityState === "visible" && this.poll().catch(() => {}), EVERY);
  }

  stop() { clearInterval(this.#timer); }

  /** One operation, after those before it. @returns {Promise<Answer|null>} null: refused, or not sent */
  commit(op, args) {
    return this.#next(() => this.#send("edits", { op, args, base_revision: this.#plan.revision }, { op, args }));
  }

  back() { return this.#next(() => this.#send("undo", { base_revision: this.#plan.revision })); }

  again() { return this.#next(() => this.#send("redo", { base_revision: this.#plan.revision })); }

  /** What an operation would do; nothing is changed. @returns {Promise<Answer>} */
  tryOut(op, args, signal) {
    return post(`plans/${this.#plan.id}/edits`, { op, args, base_revision: this.#plan.revision, dry_run: true }, { signal });
  }

  history() { return get(`plans/${this.#plan.id}/edits`); }

  step(id) { return get(`plans/${this.#plan.id}/edits/${id}`); }

  /** Asks what has happened since. */
  poll() { return this.#next(() => this.#news(), { quiet: true }); }

  /** What was left unsent in this browser. @returns {Attempt|null} */
  get unsent() {
    try {
      return JSON.parse(localStorage.getItem(this.#key));
    } catch {
      return null;
    }
  }

  forget() { localStorage.removeItem(this.#key); }

  get #key() { return `jt-unsent-${this.#plan.id}`; }

  #next(work, { quiet = false } = {}) {
    const run = async () => {
      if (!quiet) this.#on.onBusy(true);
      try {
        return await work();
      } finally {
        if (!quiet) this.#on.onBusy(false);
      }
    };
    const done = this.#busy.then(run, run);
    this.#busy = done.catch(() => {});
    return done;
  }

  async #send(address, body, attempt) {
    try {
      const answer = await post(`plans/${this.#plan.id}/${address}`, body);
      this.forget();
      // Steps of others lie between: what they changed comes along.
      if (answer.revision > this.#plan.revision + 1) await this.#news();
      else this.#take(answer);
      this.#on.onDone(answer, attempt);
      return answer;
    } catch (error) {
      if (error.status === 0 && attempt) {
        localStorage.setItem(this.#key, JSON.stringify(attempt));
        this.#on.onUnsent(attempt);
      } else {
        if (error.code === "edit_conflict") await this.#news();
        this.#on.onRefused(error, attempt);
      }
      return null;
    }
  }

  async #news() {
    const news = await get(`plans/${this.#plan.id}/edits`, { since: this.#plan.revision });
    this.undo = news.undo;
    this.redo = news.redo;
    this.#take(news);
  }

  #take(news) {
    this.undo = news.undo;
    this.redo = news.redo;
    const isNew = news.revision !== this.#plan.revision;
    this.#plan.revision = news.revision;
    if (news.level_names) this.#plan.level_names = news.level_names;
    if (isNew) this.#on.onNews(news);
  }
}
