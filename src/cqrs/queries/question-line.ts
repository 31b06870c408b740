import { ServiceError } from "../errors.ts";

/** Questions that are asked at once; each holds a connection meanwhile. */
const AT_ONCE = 4;
/** One that has taken so many portions is long, and no more in the way of those that wait. */
const PATIENCE = 100;
/** Long ones at once. Another one is refused: it would hold a connection for nothing. */
const LONG_AT_ONCE = 2;

/**
 * The line in which questions stand that take a connection for themselves. What turns out to take long leaves its place to
 * the others, so that they do not wait for it.
 */
export class QuestionLine {
  #asked = 0;
  #long = 0;
  readonly #waiting: (() => void)[] = [];

  /**
   * Asks when there is a place. `work` awaits what it is given before each portion.
   *
   * @param requireTime - throws when nobody waits for the answer any more
   * @throws ServiceError `SERVICE_UNAVAILABLE` when too many long questions are being answered; what `requireTime` and `work` throw
   */
  async ask<R>(requireTime: () => void, work: (nextPortion: () => Promise<void>) => Promise<R>): Promise<R> {
    await this.#enter();
    let portions = 0;
    let isLong = false;
    const nextPortion = async () => {
      requireTime();
      if (++portions !== PATIENCE) return;
      if (this.#long === LONG_AT_ONCE) {
        throw new ServiceError("SERVICE_UNAVAILABLE", "Too many long questions are being answered. Try again later.");
      }
      isLong = true;
      this.#long++;
      this.#leave();
    };
    try {
      requireTime();
      const answer = await work(nextPortion);
      requireTime();
      return answer;
    } finally {
      if (isLong) this.#long--;
      else this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#asked < AT_ONCE) this.#asked++;
    // whoever leaves hands the place on
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#asked--;
  }
}
