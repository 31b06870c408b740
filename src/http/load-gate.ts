/** A turn of the event loop that computes longer keeps all others waiting. Milliseconds. */
const LONG_TURN_MS = 40;
/** So long nothing but such turns, and there is more to do than can be done. */
const STREAK_MS = 1500;
/** Where fewer wait, they are better answered late than refused: the machine may be busy with something else. */
const CROWD = 100;
/** Where a request takes less, to refuse it takes as much as to answer it. */
const CHEAP_MS = 0.1;
/** While there is too much to do, what comes later in a turn is refused. */
const BUDGET_MS = 20;
/** How long nothing must have been refused before everything is as it was. */
const CALM_MS = 2000;
/** How often what may run at once is changed. */
const ADJUST_MS = 100;
const FEWEST = 4;

/**
 * Says whether one more request may be begun: while not too many run, and the event loop has its turns often enough. When
 * nothing but long turns has come for a while, requests are refused as soon as a turn has had its share, and less may run at
 * once; so those that are refused hear so at once, and those that are not are answered as fast as ever.
 */
export class LoadGate {
  readonly #max: number;
  readonly #now: () => number;
  readonly #computed: () => number;
  readonly #atEndOfTurn: (listener: () => void) => void;
  /** How many run. */
  #running = 0;
  #mostRunning = 0;
  #limit: number;
  #isGuarding = false;
  #isInTurn = false;
  #turnBegan = 0;
  /** Where the turn is worth to be looked at: to ask for it takes a microsecond. */
  #computedBefore: number | undefined;
  #wasLong = false;
  #begun = 0;
  #streakBegan: number | undefined;
  #adjustedAt = 0;
  #refusedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param max how many may run at once in any case
   * @param computed how long this thread has computed, in milliseconds: what others do on the same machine is no reason to refuse
   */
  constructor(
    max: number,
    now = () => performance.now(),
    computed = computedByThread,
    atEndOfTurn: (listener: () => void) => void = setImmediate,
  ) {
    this.#max = max;
    this.#limit = max;
    this.#now = now;
    this.#computed = computed;
    this.#atEndOfTurn = atEndOfTurn;
  }

  /** Whether one more may be begun now. */
  admits(): boolean {
    if (!this.#isInTurn) this.#beginTurn();
    if (this.#running < this.#limit && !(this.#isGuarding && this.#hasHadItsShare)) return true;
    if (this.#isGuarding) this.#refusedAt = this.#turnBegan;
    return false;
  }

  get #hasHadItsShare(): boolean {
    return this.#now() - this.#turnBegan > BUDGET_MS && this.#computedInTurn > BUDGET_MS;
  }

  get #computedInTurn(): number {
    return this.#computedBefore === undefined ? 0 : this.#computed() - this.#computedBefore;
  }

  begin(): void {
    this.#begun++;
    this.#running++;
    if (this.#running > this.#mostRunning) this.#mostRunning = this.#running;
  }

  end(): void {
    this.#running--;
  }

  #beginTurn(): void {
    this.#isInTurn = true;
    this.#turnBegan = this.#now();
    this.#computedBefore = this.#isGuarding || this.#wasLong ? this.#computed() : undefined;
    this.#atEndOfTurn(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    const now = this.#now();
    this.#wasLong = now - this.#turnBegan > LONG_TURN_MS;
    const ms = this.#wasLong ? this.#computedInTurn : 0;
    const isLong = ms > LONG_TURN_MS && ms > this.#begun * CHEAP_MS;
    const isCrowded = this.#begun + this.#running >= CROWD;
    this.#isInTurn = false;
    this.#begun = 0;
    if (this.#isGuarding) this.#adjust(isLong, now);
    else if (this.#isStreak(isLong && isCrowded, now)) this.#guard(now);
  };

  #isStreak(goesOn: boolean, now: number): boolean {
    if (!goesOn) this.#streakBegan = undefined;
    else this.#streakBegan ??= this.#turnBegan;
    // one turn may be long by what somebody asks: that is no streak
    return (
      this.#streakBegan !== undefined && this.#streakBegan !== this.#turnBegan && now - this.#streakBegan > STREAK_MS
    );
  }

  #guard(now: number): void {
    this.#isGuarding = true;
    this.#refusedAt = now;
    this.#adjustedAt = now;
    this.#limit = Math.max(FEWEST, this.#mostRunning);
    this.#mostRunning = this.#running;
  }

  /** Turns are still long where requests are begun in one and worked on in another: then less may run at once. */
  #adjust(isLong: boolean, now: number): void {
    if (now - this.#refusedAt > CALM_MS) {
      this.#isGuarding = false;
      this.#streakBegan = undefined;
      this.#limit = this.#max;
      return;
    }
    if (now - this.#adjustedAt < ADJUST_MS) return;
    this.#adjustedAt = now;
    const most = Math.min(this.#limit, this.#mostRunning);
    this.#mostRunning = this.#running;
    this.#limit = isLong ? Math.max(FEWEST, most * 0.7) : Math.min(this.#max, this.#limit * 1.1 + 1);
  }
}

function computedByThread(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
