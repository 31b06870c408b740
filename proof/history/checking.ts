import { setTimeout as sleep } from "node:timers/promises";
import type { History } from "./history.ts";

/** How often the change logs are read, and what they tell of is judged. Milliseconds. */
const CHECK_EVERY_MS = 1000;

/** Has the history checked again and again. */
export class Checking {
  /** Never resolved; rejected when it cannot be checked. */
  readonly failed: Promise<never>;
  #running = true;
  readonly #ended: Promise<void>;

  constructor(history: History) {
    this.#ended = this.#run(history);
    this.failed = new Promise((_, reject) => this.#ended.catch(reject));
    this.failed.catch(() => {});
  }

  /** Rejects as `failed` does. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#ended;
  }

  async #run(history: History): Promise<void> {
    while (this.#running) {
      await sleep(CHECK_EVERY_MS);
      await history.check();
    }
  }
}
