/** A planner's desk at one draft: sends edits, takes in those of others, keeps what could not be sent. */
import { get, post } from "jt/api";

import { Unsent, uuid } from "jt/unsent";

const EVERY = 5000;
const PATIENCE = 30_000;
/** No answer, or that nobody is signed in any more. */
const NOT_RECEIVED = new Set([0, 401]);

/**
 * @typedef {import("jt/unsent").Attempt} Attempt
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
   *          onRefused: (error: import("jt/api").ApiError, attempt?: Attempt) => void, onUnsent: () => void,
   *          onBusy: (busy: boolean) => void}} on
   */
  constructor(plan, on) {
    this.#plan = plan;
    this.#on = on;
    this.unsent = new Unsent(plan.id);
    this.#timer = setInterval(() => document.visibilityState === "visible" && this.poll({ unattended: true }).catch(() => {}), EVERY);
  }

  stop() { clearInterval(this.#timer); }

  /** One operation, after those before it. @returns {Promise<Answer|null>} null: refused, or not sent */
  commit(op, args, base) {
    return this.send({ op, args, attempt: uuid() }, base);
  }

  /** An edit, perhaps not for the first time; the server carries out each attempt once. @param {Attempt} attempt */
  send(attempt, base) {
    return this.#next(() => this.#send("edits", { ...attempt, base_revision: base ?? this.#plan.revision }, attempt));
  }

  /** Takes back one's last step, or a given one. @param {number} [edit] */
  back(edit) { return this.#next(() => this.#send("undo", { base_revision: this.#plan.revision, edit })); }

  again() { return this.#next(() => this.#send("redo", { base_revision: this.#plan.revision })); }

  /** What an operation would do; nothing is changed. @returns {Promise<Answer>} */
  tryOut(op, args, signal) {
    return post(`plans/${this.#plan.id}/edits`, { op, args, base_revision: this.#plan.revision, dry_run: true }, { signal });
  }

  history() { return get(`plans/${this.#plan.id}/edits`); }

  step(id) { return get(`plans/${this.#plan.id}/edits/${id}`); }

  /** Asks what has happened since; steps wait behind it no longer than until the next time. */
  poll(options) { return this.#next(() => this.#news(AbortSignal.timeout(EVERY), options), { quiet: true }); }

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
      const answer = await post(`plans/${this.#plan.id}/${address}`, body, { signal: AbortSignal.timeout(PATIENCE) });
      if (attempt) this.unsent.forget(attempt);
      // Steps of others lie between: what they changed comes along.
      if (answer.revision > this.#plan.revision + 1) await this.#news();
      else this.#take(answer);
      this.#on.onDone(answer, attempt);
      return answer;
    } catch (error) {
      if (NOT_RECEIVED.has(error.status) && attempt) {
        this.unsent.keep(attempt);
        this.#on.onUnsent();
      } else {
        if (attempt) this.unsent.forget(attempt);
        if (error.code === "edit_conflict") await this.#news();
        this.#on.onRefused(error, attempt);
      }
      return null;
    }
  }

  async #news(signal = AbortSignal.timeout(PATIENCE), options = {}) {
    const news = await get(`plans/${this.#plan.id}/edits`, { since: this.#plan.revision }, { signal, ...options });
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
