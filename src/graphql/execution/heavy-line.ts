import type { GraphQLError } from "graphql";
import { CommonError } from "../errors.ts";
import { anyOf, RETRY_AFTERS } from "./retry-after.ts";

/** An operation that costs more takes some milliseconds to compute, and more where the objects are large. */
const HEAVY_COST = 1000;
/** Those that wait may take so long together, as far as those before them can tell; one may always wait. Milliseconds. */
const LONGEST_WAIT_MS = 2000;
/** Who was let in is sent away when it turns out to be so many times as much: guesses differ by less, and late is late to hear no. */
const MISJUDGED = 2;
/** After one that took long, others have so long for themselves: an answer to a light one takes a few turns. */
const LONG_MS = 20;
const PAUSE_MS = 5;
/** And at least so many turns of the event loop, which on a busy machine may have one in that time. */
const PAUSE_TURNS = 5;

/** How many of the last ones tell how long others will take. */
const SAMPLES = 9;

/** A heavy operation that waits for its turn. */
interface Waiting {
  readonly cost: number;
  readonly isWanted: () => boolean;
  readonly begin: () => void;
  readonly refuse: (reason: Error) => void;
}

/**
 * The line in which heavy operations stand: one is executed at a time, and between two of them the event loop has its
 * turns, in which light ones are answered. What has to wait too long is refused at once.
 *
 * How long a point of cost takes follows from the catalogue, the stores and what else is asked, so it is what the last ones took,
 * with what passed between them: of those that wait, the last come are refused when it turns out to be far more.
 */
export class HeavyLine {
  readonly #line: Waiting[] = [];
  #isTaken = false;
  /** Whether one has begun in this turn of the event loop. */
  #hasBegunInTurn = false;
  #cost = 0;
  /** When the last one was answered. */
  #leftAt = 0;
  /** Milliseconds for a point of cost, of the last ones, and as it is taken to be. */
  readonly #samples: number[] = [];
  #msPerPoint = 0;

  /** How many wait for their turn, or have it. */
  get length(): number {
    return this.#line.length + Number(this.#isTaken);
  }

  isHeavy(cost: number): boolean {
    return cost > HEAVY_COST;
  }

  /**
   * Waits for a turn. The next one begins when what is returned is called, which must be in the end.
   *
   * @param isWanted - whether anybody waits for the answer; asked when it would begin
   * @returns `SERVICE_UNAVAILABLE` when the wait would be too long; the promise is rejected with the same when it turns out to be
   */
  enter(cost: number, isWanted: () => boolean): Promise<() => void> | GraphQLError {
    const isTooLong = this.#line.length > 0 && (this.#cost + cost) * this.#msPerPoint > LONGEST_WAIT_MS;
    // told by no promise: one that is rejected before anybody waits for it takes as long as all else here
    if (isTooLong) return anyOf(UNAVAILABLE);
    return new Promise((resolve, refuse) => {
      const entered = performance.now();
      const begin = () => {
        const began = performance.now();
        resolve(() => this.#leave(cost, entered, began));
      };
      this.#line.push({ cost, isWanted, begin, refuse });
      this.#cost += cost;
      if (this.#isTaken) return;
      this.#isTaken = true;
      setImmediate(this.#beginNext);
    });
  }

  #leave(cost: number, entered: number, began: number): void {
    const now = performance.now();
    // how long one takes that waits is from when it could have begun
    this.#samples.unshift((now - Math.max(entered, this.#leftAt)) / cost);
    this.#samples.length = Math.min(this.#samples.length, SAMPLES);
    // the middle one: one that was slow by chance, or as the first, says nothing of the others; nor do fewer than half
    this.#msPerPoint = this.#samples.toSorted((a, b) => a - b)[SAMPLES >> 1] ?? 0;
    this.#leftAt = now;
    this.#shorten();
    this.#rest(now - began);
  }

  /** Begins the next one when others had their turns, after one that took so long. */
  #rest(ms: number): void {
    // a timer counts from the beginning of its turn, which is long ago
    if (ms > LONG_MS) setImmediate(() => setTimeout(afterTurns, PAUSE_MS, PAUSE_TURNS, this.#beginNext));
    else if (this.#hasBegunInTurn) setImmediate(this.#beginNext);
    // it has waited for a store, and others had turns; they have their next while the store is asked for the next one
    else process.nextTick(this.#beginNext);
  }

  readonly #beginNext = (): void => {
    this.#isTaken = false;
    for (let next = this.#line.shift(); next; next = this.#line.shift()) {
      this.#cost -= next.cost;
      if (next.isWanted()) {
        this.#isTaken = true;
        this.#hasBegunInTurn = true;
        setImmediate(() => {
          this.#hasBegunInTurn = false;
        });
        next.begin();
        return;
      }
      next.refuse(anyOf(UNAVAILABLE));
    }
  };

  #shorten(): void {
    while (this.#line.length > 1 && this.#cost * this.#msPerPoint > MISJUDGED * LONGEST_WAIT_MS) {
      const last = this.#line.pop() as Waiting;
      this.#cost -= last.cost;
      last.refuse(anyOf(UNAVAILABLE));
    }
  }
}

function afterTurns(turns: number, work: () => void): void {
  if (turns === 0) work();
  else setImmediate(afterTurns, turns - 1, work);
}

/** One for each `Retry-After`. */
const UNAVAILABLE = RETRY_AFTERS.map(
  (after) =>
    new CommonError("Too many large requests are being answered; please come again.", {
      extensions: { code: "SERVICE_UNAVAILABLE", http: { status: 503, headers: { "retry-after": after } } },
    }),
);
