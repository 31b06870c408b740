/** A promise that is waited for, and how its waiting ends. */
interface Waiting {
  /** When it is late, as `performance.now()` has it. */
  readonly lateAt: number;
  readonly giveUp: () => void;
  /** Its place among all; negative when it is not waited for any more. */
  index: number;
}

/** The deadlines of all that is waited for: one timer for each would cost more than the waiting. */
export class Deadlines {
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;

  /** What `promise` comes to, or what `late` makes once the clock has reached `lateAt` without that. */
  inTime<R, L>(lateAt: number, promise: Promise<R>, late: () => L): Promise<R | L> {
    return new Promise((resolve, reject) => {
      const waiting = { lateAt, giveUp: () => resolve(late()), index: this.#waiting.length };
      this.#waiting.push(waiting);
      if (lateAt < this.#dueAt) this.#await(lateAt);
      promise.then(
        (result) => {
          this.#forget(waiting);
          resolve(result);
        },
        (error) => {
          this.#forget(waiting);
          reject(error);
        },
      );
    });
  }

  #forget(waiting: Waiting): void {
    const { index } = waiting;
    if (index < 0) return;
    waiting.index = -1;
    const last = this.#waiting.pop();
    // it takes the place that is free
    if (!last || last === waiting) return;
    this.#waiting[index] = last;
    last.index = index;
  }

  #await(dueAt: number): void {
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(
      // after a stall of this process, timers fire before the sockets are read: what has arrived is still heard
      () => setImmediate(() => this.#endLate(performance.now())),
      Math.max(0, dueAt - performance.now()),
    ).unref();
  }

  #endLate(now: number): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const waiting of [...this.#waiting]) {
      if (waiting.lateAt > now) {
        next = Math.min(next, waiting.lateAt);
        continue;
      }
      this.#forget(waiting);
      waiting.giveUp();
    }
    if (next < Number.POSITIVE_INFINITY) this.#await(next);
  }
}
