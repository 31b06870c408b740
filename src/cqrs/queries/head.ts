import type { Logger } from "pino";
import { within } from "../deadline.ts";
import type { Mark } from "../mark.ts";
import type { Stream, StreamRow } from "../stream.ts";
import { traced, traces } from "../tracing.ts";
import type { Chain } from "./chain.ts";

/** Added to a lease that a command waits out, for clocks that tick apart: two hosts may drift by 0.1 percent each. */
const leaseMargin = (leaseMs: number) => 5 + leaseMs / 500;

/** How long a look-up may take that is not one of the background's, in milliseconds. */
const LOOKUP_TIMEOUT_MS = 2000;

/** What one look-up of the row found, and when it began: it counts for `leaseMs` from then. */
export interface Lookup {
  readonly revision: number;
  readonly readModel: string | null;
  readonly leaseMs: number;
  /** Monotonic, from before the query was sent: the answer may be as old as that. */
  readonly beganAt: number;
}

/**
 * What this process knows of the stream's newest state: the lower bound (`head`) below which it must not answer, and
 * for how long it may believe that no newer one was acknowledged elsewhere (rules 3 and 4 of docs/promise.md).
 */
export class Head<T extends object> {
  readonly #stream: Stream<T>;
  readonly #log: Logger;
  #lookup: Lookup | undefined;
  #mark: Mark = { revision: 0, token: "" };
  /** The newest revision that was shown from Redis. */
  #shown = 0;
  #chain: Chain | undefined;
  /** The newest name of a read model that this process was told, and since when. */
  #known: { readonly name: string | null; readonly since: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** How many want the row looked up in the background. */
  #wanted = 0;
  #failing = false;
  /** Is called when the database has told of a newer state, and must not throw. */
  onNewer: (() => void) | undefined;

  constructor(stream: Stream<T>, log: Logger) {
    this.#stream = stream;
    this.#log = log;
  }

  /**
   * Has the row looked up in the background, several times per lease.
   *
   * @returns what ends that, unless others want it as well
   */
  keepLookingUp(): () => void {
    if (this.#wanted++ === 0) this.#tick();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (--this.#wanted === 0) clearTimeout(this.#timer);
    };
  }

  #tick(): void {
    const leaseMs = this.#lookup?.leaseMs ?? 1000;
    this.#timer = setTimeout(() => this.#tick(), Math.max(5, leaseMs / 4)).unref();
    // the next look-up does not wait for this one, so this one must be given up before its lease is over
    this.lookUp(leaseMs * 0.75).then(
      () => this.#report(undefined),
      (error: Error) => this.#report(error),
    );
  }

  /** From now on each look-up asks whether the newest mark of `chain` is of this database's history, if it is not known. */
  watch(chain: Chain): void {
    this.#chain = chain;
  }

  /**
   * Reads the row now and learns from it.
   *
   * @throws TimedOut after `timeoutMs`; a database that hangs must not hold up what else there is to do
   */
  async lookUp(timeoutMs = LOOKUP_TIMEOUT_MS): Promise<StreamRow> {
    const beganAt = performance.now();
    const chain = this.#chain;
    // Redis first, then the log: whatever the mark says was committed before it was written
    const met = chain?.unverified;
    const { isKnown, ...row } = await traced(
      traces.lookUp,
      () => ({ stream: this.#stream.definition.name }),
      () => within(timeoutMs, this.#stream.lookUp(met)),
    );
    const { revision, readModel, leaseMs } = row;
    if (!this.#lookup || beganAt > this.#lookup.beganAt) this.#lookup = { revision, readModel, leaseMs, beganAt };
    this.#learnName(readModel);
    this.learn(row);
    if (chain && met) {
      if (isKnown) chain.verify(met);
      else this.disown(chain);
    }
    return row;
  }

  /** Whether `mark` is a state of this database's history. */
  async knows(mark: Mark): Promise<boolean> {
    const { isKnown, ...row } = await this.#stream.lookUp(mark);
    this.learn(row);
    return isKnown;
  }

  /** Gives up a read model that is of another history, and forgets what was shown of that. */
  disown(chain: Chain): void {
    chain.condemn();
    this.#shown = 0;
  }

  /** The newest look-up while it counts. Compared with the clock at each call: a stopped process wakes up late. */
  get lookup(): Lookup | undefined {
    const lookup = this.#lookup;
    return lookup && performance.now() - lookup.beganAt < lookup.leaseMs ? lookup : undefined;
  }

  /** How old the newest look-up is, in milliseconds, whether or not it counts; undefined while none are made. */
  get lookUpAgeMs(): number | undefined {
    return this.#wanted > 0 && this.#lookup ? performance.now() - this.#lookup.beganAt : undefined;
  }

  /** The newest state that the database told of: in a look-up, a read or a commit of this process. */
  get mark(): Mark {
    return this.#mark;
  }

  /** No answer of this process may be older: it committed, showed or looked up this revision. */
  get revision(): number {
    return Math.max(this.#mark.revision, this.#shown);
  }

  /** Notes a state that the database told of. */
  learn({ revision, token }: Mark): void {
    if (revision <= this.#mark.revision) return;
    this.#mark = { revision, token };
    this.onNewer?.();
  }

  /** Notes a revision that is about to be shown. */
  show(revision: number): void {
    if (revision > this.#shown) this.#shown = revision;
  }

  /**
   * When a commit may be acknowledged, on the monotonic clock. Once the read model `name` that the transaction saw is
   * refreshed, that is when every process reads under this name or not at all; else when every process has looked
   * the new revision up.
   */
  acknowledgeAt(
    commit: { readModel: string | null; leaseMs: number; committedAt: number },
    refreshed: boolean,
  ): number {
    const { readModel, leaseMs, committedAt } = commit;
    if (readModel === null) return committedAt;
    this.#learnName(readModel);
    const since = refreshed && this.#known?.name === readModel ? this.#known.since : committedAt;
    return Math.min(since, committedAt) + leaseMs + leaseMargin(leaseMs);
  }

  /** Late news of an older name moves `since` forward only, which makes acknowledgements later, never earlier. */
  #learnName(name: string | null): void {
    if (this.#known?.name !== name) this.#known = { name, since: performance.now() };
  }

  /** One line when look-ups begin to fail, one when they work again. */
  #report(error: Error | undefined): void {
    if ((error !== undefined) === this.#failing) return;
    this.#failing = error !== undefined;
    if (error)
      this.#log.error(
        { reason: error.message },
        "database look-ups fail; Redis is not read meanwhile, and subscribers hear of nothing",
      );
    else this.#log.info("database look-ups work again");
  }
}
