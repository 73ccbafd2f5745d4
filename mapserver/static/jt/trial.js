/** Asking what an edit would come to, while the hand still moves: never more than one question at a time, the last one counts. */
const EVERY = 350;

export class Trial {
  #ask;
  #on;
  #timer = 0;
  #stop = null;
  #wanted = null;

  /**
   * @param {(op: string, args: object, signal: AbortSignal) => Promise<object>} ask
   * @param {{onAnswer: (answer: object, asked: {op: string, args: object}) => void, onRefused: (error: Error) => void}} on
   */
  constructor(ask, on) {
    this.#ask = ask;
    this.#on = on;
  }

  /** @param {{quiet?: boolean}} [how] quiet: an edit half drawn may well be refused, and nobody is told */
  want(op, args, { quiet = false } = {}) {
    this.#wanted = { op, args, quiet };
    if (!this.#stop) this.#timer ||= setTimeout(() => this.#run(), EVERY);
  }

  /** What was asked is of no interest any more. */
  drop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#wanted = null;
    this.#stop?.abort();
    this.#stop = null;
  }

  async #run() {
    const { op, args, quiet } = this.#wanted;
    const stop = new AbortController();
    this.#timer = 0;
    this.#wanted = null;
    this.#stop = stop;
    try {
      const answer = await this.#ask(op, args, stop.signal);
      if (!stop.signal.aborted) this.#on.onAnswer(answer, { op, args });
    } catch (error) {
      if (error.name !== "AbortError" && !stop.signal.aborted && !quiet) this.#on.onRefused(error);
    }
    if (this.#stop !== stop) return;
    this.#stop = null;
    if (this.#wanted) this.#timer ||= setTimeout(() => this.#run(), EVERY);
  }
}
