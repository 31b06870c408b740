import { setTimeout as sleep } from "node:timers/promises";

/** Below this it does not become slower. Requests per second. */
const SLOWEST = 1;
/** It becomes no slower again for as long. Milliseconds. */
const LEAST_WAIT_MS = 500;
/** The longest that a server's `Retry-After` is waited for. Milliseconds. */
const LONGEST_WAIT_MS = 30_000;

/** Lets requests through no faster than a rate, and more slowly for a while when a server asks for that. */
export class Pace {
  readonly #most: number;
  #rate: number;
  #next = performance.now();
  /** What is refused until then was sent too early as well. */
  #patientUntil = 0;
  /** The slowest rate that it was at. Requests per second. */
  slowest: number;
  /** How often it was told to slow down. */
  refusals = 0;

  /** `rate` is in requests per second. */
  constructor(rate: number) {
    this.#most = rate;
    this.#rate = rate;
    this.slowest = rate;
  }

  /** Waits until the next request may be sent. Those that wait go in the order in which they came. */
  async turn(): Promise<void> {
    const now = performance.now();
    const at = Math.max(now, this.#next);
    this.#next = at + 1000 / this.#rate;
    if (at > now) await sleep(at - now);
  }

  /** A server has answered as it should. */
  answered(): void {
    this.#rate = Math.min(this.#most, this.#rate * 1.01 + 0.01);
  }

  /** A server has too much to do, and may have said for how long. */
  refused(retryAfter: string | undefined): void {
    this.refusals++;
    const now = performance.now();
    const seconds = Number(retryAfter ?? 1);
    const ms = Number.isFinite(seconds) ? Math.min(LONGEST_WAIT_MS, seconds * 1000) : 1000;
    this.#next = Math.max(this.#next, now + ms);
    if (now < this.#patientUntil) return;
    this.#patientUntil = now + Math.max(LEAST_WAIT_MS, ms);
    this.#rate = Math.max(SLOWEST, this.#rate / 2);
    this.slowest = Math.min(this.slowest, this.#rate);
  }
}
