import type { Logger } from "pino";
import { reasonOf } from "./redis-fault.ts";
import type { RedisTarget } from "./redis-url.ts";

/** What the log says of Redis: a line when it comes or goes, and one when the reason for its being away is another. */
export class RedisReport {
  readonly #target: RedisTarget;
  readonly #log: Logger;
  #isUp = false;
  /** Whether the connection has ended since Redis was up, for a reason that is not known yet. */
  #lost = false;
  /** Lines since Redis was up. */
  #lines = 0;
  #logged: string | undefined;
  #reason: string | undefined;
  #repeated = 0;

  constructor(target: RedisTarget, log: Logger) {
    this.#target = target;
    this.#log = log;
  }

  /** Why the last attempt to reach Redis failed. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Redis can be used. */
  up(): void {
    if (this.#lost) this.down();
    if (this.#isUp) return;
    this.#isUp = true;
    this.#lines = 0;
    this.#log.info("Redis is up");
  }

  /** The connection ended or could not be made. One that merely ends says less than the next attempt, which comes at once. */
  failed(fault: Error | undefined): void {
    if (!fault && this.#isUp && !this.#lost) this.#lost = true;
    else this.down(fault);
  }

  /**
   * A reason that changes is logged when it has come several times in turn, and the next such change when it has come
   * one more: several may take turns for as long as Redis is down.
   */
  down(fault?: Error): void {
    this.#lost = false;
    this.#isUp = false;
    // a cluster whose nodes do not know their addresses, or hold no slots, is left without a word
    const unsaid = this.#target.kind === "cluster" ? "the cluster names no node to go to" : "the connection was closed";
    const reason = fault ? reasonOf(fault, this.#target) : unsaid;
    this.#repeated = sameKind(reason, this.#reason) ? this.#repeated + 1 : 1;
    this.#reason = reason;
    if (this.#lines > 0 && (sameKind(reason, this.#logged) || this.#repeated <= this.#lines)) return;
    this.#logged = reason;
    this.#lines++;
    this.#log.warn({ reason }, "Redis is down");
  }
}

/** Whether two reasons differ in nothing but addresses and numbers. */
function sameKind(one = "", other = ""): boolean {
  const words = (text: string) => text.replaceAll(/\S*\d\S*/g, "");
  return words(one) === words(other);
}
