import { performance } from "node:perf_hooks";

/** How much there is to do is looked at so often. Milliseconds. */
const WINDOW_MS = 100;
/** The share of a window for which the event loop must have worked. */
const BUSY = 0.9;
/** Who waits longer, or has others wait longer by one turn of the event loop, is one too many. Milliseconds. */
const LONG_WAIT_MS = 250;
const LONG_TURN_MS = 40;
/** So long nothing but that, and there is more to do than can be done. */
const STREAK_MS = 3000;
/** Where fewer wait, they are better answered late than refused: the machine may be busy with something else. */
const CROWD = 100;
/** Where a request takes less, to refuse it takes as much as to answer it. */
const CHEAP_MS = 0.1;
/** While there is too much to do, so many run as are answered in this time. Milliseconds. */
const WAIT_MS = 50;
/** While there is too much to do, what comes later in a turn is refused. */
const BUDGET_MS = 20;
/** How long nothing must have been refused before everything is as it was. */
const CALM_MS = 2000;
const FEWEST = 4;

/** What the gate goes by; milliseconds, each since any one moment. */
export interface LoadClocks {
  readonly now: () => number;
  /** How long the event loop has worked. */
  readonly worked: () => number;
  /** How long this thread has computed: what others do on the same machine is no reason to refuse. */
  readonly computed: () => number;
  readonly atEndOfTurn: (listener: () => void) => void;
}

/**
 * Says whether one more request may be begun: while not too many run, and what runs is answered soon. What has to wait is in two
 * places: what has been begun (by Little's law it waits as long as it takes to answer so many), and what is still in the sockets,
 * which waits for the turn of the event loop to end. When either has been long for a while, less may run at once, and requests are
 * refused as soon as a turn has had its share; so those that are refused hear so at once, and those that are not are answered as
 * fast as ever.
 */
export class LoadGate {
  readonly #max: number;
  readonly #aside: () => number;
  readonly #clocks: LoadClocks;
  /** How many run. */
  #running = 0;
  #limit: number;
  #isGuarding = false;
  #refusedAt = Number.NEGATIVE_INFINITY;
  #streakBegan: number | undefined;
  #isInTurn = false;
  #turnBegan = 0;
  #computedBefore = 0;
  // of the window
  #began = 0;
  #workedBefore = 0;
  #turns = 0;
  #begun = 0;
  #ended = 0;

  /**
   * @param max how many may run at once in any case
   * @param aside how many of those that run stand in a line of their own, in which they are no trouble to others
   */
  constructor(max: number, aside: () => number, clocks: LoadClocks = CLOCKS) {
    this.#max = max;
    this.#limit = max;
    this.#aside = aside;
    this.#clocks = clocks;
  }

  /** How many are being answered. */
  get running(): number {
    return this.#running;
  }

  /** Whether one more may be begun now. */
  admits(): boolean {
    if (!this.#isInTurn) this.#beginTurn();
    if (this.#running < this.#max && !(this.#isGuarding && this.#isTooMuch)) return true;
    if (this.#isGuarding) this.#refusedAt = this.#turnBegan;
    return false;
  }

  begin(): void {
    this.#begun++;
    this.#running++;
  }

  end(): void {
    this.#ended++;
    this.#running--;
  }

  get #isTooMuch(): boolean {
    return this.#crowd >= this.#limit || this.#hasHadItsShare;
  }

  get #crowd(): number {
    return this.#running - this.#aside();
  }

  get #hasHadItsShare(): boolean {
    const { now, computed } = this.#clocks;
    // the clock is the quicker one to ask
    return now() - this.#turnBegan > BUDGET_MS && computed() - this.#computedBefore > BUDGET_MS;
  }

  #beginTurn(): void {
    this.#isInTurn = true;
    this.#turnBegan = this.#clocks.now();
    if (this.#turnBegan - this.#refusedAt > CALM_MS) this.#isGuarding = false;
    if (this.#isGuarding) this.#computedBefore = this.#clocks.computed();
    this.#clocks.atEndOfTurn(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    const now = this.#clocks.now();
    this.#isInTurn = false;
    this.#turns++;
    const ms = now - this.#began;
    if (ms < WINDOW_MS) return;
    const worked = this.#clocks.worked();
    const isBusy = worked - this.#workedBefore > BUSY * ms;
    if (this.#isGuarding) this.#adjust(isBusy, ms);
    else if (this.#isStreak(isBusy && this.#isLong(ms), now)) this.#guard(ms, now);
    this.#began = now;
    this.#workedBefore = worked;
    this.#turns = 0;
    this.#begun = 0;
    this.#ended = 0;
  };

  /** Whether those waited long that ran, or came, in a window of so many milliseconds. */
  #isLong(ms: number): boolean {
    const crowd = this.#crowd;
    if (crowd >= CROWD && crowd * ms > LONG_WAIT_MS * this.#ended) return true;
    return this.#begun >= CROWD * this.#turns && ms > LONG_TURN_MS * this.#turns && ms > CHEAP_MS * this.#begun;
  }

  #isStreak(goesOn: boolean, now: number): boolean {
    if (!goesOn) this.#streakBegan = undefined;
    else this.#streakBegan ??= now;
    return this.#streakBegan !== undefined && now - this.#streakBegan > STREAK_MS;
  }

  #guard(ms: number, now: number): void {
    this.#isGuarding = true;
    this.#refusedAt = now;
    this.#streakBegan = undefined;
    this.#adjust(true, ms);
  }

  /** So many may run as are answered soon; more where it is not this process that they wait for. */
  #adjust(isBusy: boolean, ms: number): void {
    this.#limit = isBusy ? Math.max(FEWEST, (this.#ended / ms) * WAIT_MS) : Math.min(this.#max, this.#limit * 1.5);
  }
}

const CLOCKS: LoadClocks = {
  now: () => performance.now(),
  worked: () => performance.eventLoopUtilization().active,
  computed: () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  },
  atEndOfTurn: setImmediate,
};
