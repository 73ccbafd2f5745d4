/** Edits that have not reached the server, in the order in which they were made; they outlive the page. */

/** @typedef {{op: string, args: object, attempt: string}} Attempt  attempt: by which the server knows it again */

export class Unsent {
  #key;

  /** @param {number} plan */
  constructor(plan) {
    this.#key = `jt-unsent-${plan}`;
  }

  /** @returns {Attempt[]} */
  get all() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.#key));
      return Array.isArray(kept) ? kept : [];
    } catch {
      return [];
    }
  }

  keep(attempt) {
    if (!this.all.some((each) => each.attempt === attempt.attempt)) this.#write([...this.all, attempt]);
  }

  forget({ attempt }) { this.#write(this.all.filter((each) => each.attempt !== attempt)); }

  forgetAll() { this.#write([]); }

  #write(attempts) {
    if (attempts.length) localStorage.setItem(this.#key, JSON.stringify(attempts));
    else localStorage.removeItem(this.#key);
  }
}

/** A random UUID; crypto.randomUUID is there on secure pages only. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
