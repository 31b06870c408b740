import type { Logger } from "pino";

/** The same thing is told once in so many seconds, however often it happens. */
const EVERY_S = 60;

/** What clients do to themselves, for the log: counted, so that they cannot fill it. */
export class Notices {
  readonly #log: Logger;
  /** How often each has happened. */
  readonly totals = new Map<string, number>();
  readonly #counts = new Map<string, number>();
  #sinceTold = EVERY_S;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param what one of a few texts; nothing of a client's may be in it */
  add(what: string): void {
    for (const counts of [this.#counts, this.totals]) counts.set(what, (counts.get(what) ?? 0) + 1);
  }

  /** To be called each second. */
  tick(): void {
    this.#sinceTold++;
    if (this.#sinceTold < EVERY_S || this.#counts.size === 0) return;
    this.#sinceTold = 0;
    for (const [what, times] of this.#counts) this.#log.warn({ times }, what);
    this.#counts.clear();
  }
}
