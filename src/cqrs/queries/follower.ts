import type { LoggedChange } from "../change.ts";
import { RevisionTrimmed } from "../errors.ts";
import type { Turns } from "../turns.ts";
import type { LiveTail } from "./live-tail.ts";
import { type Chunk, type LogChunks, placeIn } from "./log-chunks.ts";

/** A subscriber who is told of nothing is told after so long how far the log has come. Milliseconds. */
const CHECKPOINT_MS = 10_000;
/** The first time sooner: who is cut off before then does not know from where to go on. Milliseconds. */
const FIRST_CHECKPOINT_MS = 1000;
/** How long to wait before older changes that could not be read are read again, in milliseconds. */
const RETRY_MS = 250;
/** The log has nothing of what has happened, as often as it was read: it has been trimmed. */
const ENOUGH_MISSES = 2;
/** So many changes are looked at and told of before others have their turn. */
const IN_A_TURN = 10;

/** Nothing has happened up to this revision that a subscriber asks for. */
export interface Checkpoint {
  readonly revision: number;
  readonly kind: "checkpoint";
  readonly before: null;
  readonly after: null;
  /** When it was said. */
  readonly at: string;
  readonly who: null;
}

/** What a subscriber is told. */
export type LiveEvent<T> = LoggedChange<T> | Checkpoint;

/** What all followers of a stream share. */
export interface Followed<T extends object> {
  readonly tail: LiveTail<T>;
  readonly chunks: LogChunks<T>;
  readonly turns: Turns;
  /** A checkpoint at this revision. Those who are there in one moment share it, for it is executed once for all. */
  readonly checkpointAt: (revision: number) => Checkpoint;
  /** To be told when a follower has ended. */
  readonly left: (follower: Follower<T>) => void;
}

/**
 * One subscriber's place in the change log. It holds no changes: it takes the next when it is asked for one, from what all
 * share, so one that is slow costs nothing but its place, and is never sent more than it takes.
 */
export class Follower<T extends object> implements AsyncIterableIterator<LiveEvent<T>> {
  /** Of every change after this revision it is told, if it passes. */
  readonly startsAt: number;
  readonly #followed: Followed<T>;
  readonly #passes: (change: LoggedChange<T>) => boolean;
  /** Up to which revision it has been told of everything. */
  #at: number;
  #checkpointAt: number;
  /** Whether it has waited for what is to come yet. */
  #hasComeUp = false;
  #chunk: Chunk<T> | undefined;
  #isReading = false;
  /** How often in a row older changes were read and there were none. */
  #misses = 0;
  #lookedAt = 0;
  #wake: (() => void) | undefined;
  #isOver = false;

  constructor(followed: Followed<T>, since: number, passes: (change: LoggedChange<T>) => boolean) {
    this.#followed = followed;
    this.startsAt = since;
    this.#at = since;
    this.#passes = passes;
    this.#checkpointAt = performance.now() + CHECKPOINT_MS;
  }

  /**
   * What comes next, when it comes.
   *
   * @throws RevisionTrimmed when it has fallen behind what the log still has
   */
  async next(): Promise<IteratorResult<LiveEvent<T>, undefined>> {
    while (!this.#isOver) {
      const event = this.#take() ?? this.#checkpoint();
      if (event) {
        this.#checkpointAt = performance.now() + CHECKPOINT_MS;
        this.#chunk = undefined;
        return { value: event, done: false };
      }
      if (this.#lookedAt >= IN_A_TURN) await this.#turn();
      else await this.#news();
    }
    return { value: undefined, done: true };
  }

  /** Ends it: what is waited for comes to nothing. */
  async return(): Promise<IteratorResult<LiveEvent<T>, undefined>> {
    this.end();
    return { value: undefined, done: true };
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#followed.left(this);
    this.#wake?.();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** To be called when there is more in the log, and now and then: it is woken if that is anything to it. */
  look(): void {
    if (!this.#wake) return;
    const { tail, turns } = this.#followed;
    const hasMore = tail.reached > this.#at && !this.#isReading;
    if (hasMore || performance.now() >= this.#checkpointAt) turns.add(() => this.#wake?.());
  }

  /** The next change that passes, of those that are at hand. */
  #take(): LoggedChange<T> | undefined {
    for (; this.#lookedAt < IN_A_TURN; this.#lookedAt++) {
      const change = this.#nextChange();
      if (!change && this.#misses >= ENOUGH_MISSES) throw new RevisionTrimmed(this.#at, this.#followed.tail.reached);
      if (!change) return undefined;
      if (change.revision !== this.#at + 1) throw new RevisionTrimmed(this.#at, change.revision - 1);
      this.#at = change.revision;
      if (this.#passes(change)) {
        this.#lookedAt++;
        return change;
      }
    }
    return undefined;
  }

  #nextChange(): LoggedChange<T> | undefined {
    const { tail, chunks } = this.#followed;
    if (tail.covers(this.#at)) return tail.after(this.#at);
    let chunk = this.#chunk;
    let change = chunk?.changes[placeIn(chunk, this.#at)];
    if (!change) {
      chunk = this.#chunk = chunks.find(this.#at);
      change = chunk?.changes[placeIn(chunk, this.#at)];
    }
    return change;
  }

  #checkpoint(): Checkpoint | undefined {
    return performance.now() < this.#checkpointAt ? undefined : this.#followed.checkpointAt(this.#at);
  }

  /** Waits until others had their turn. */
  async #turn(): Promise<void> {
    await new Promise<void>((begin) => this.#followed.turns.add(begin));
    this.#lookedAt = 0;
  }

  /** Waits until there may be something. Older changes are read meanwhile, if it is behind. */
  async #news(): Promise<void> {
    const woken = new Promise<void>((wake) => {
      this.#wake = wake;
    });
    if (!this.#followed.tail.covers(this.#at)) this.#readOn();
    else if (!this.#hasComeUp) {
      this.#hasComeUp = true;
      this.#checkpointAt = Math.min(this.#checkpointAt, performance.now() + FIRST_CHECKPOINT_MS);
    }
    await woken;
    this.#wake = undefined;
    this.#lookedAt = 0;
  }

  #readOn(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    const done = () => {
      this.#isReading = false;
      this.#wake?.();
    };
    this.#followed.chunks.read(this.#at).then(
      (chunk) => {
        this.#chunk = chunk;
        // what was read for another may have been read before the change was made
        this.#misses = chunk.changes[placeIn(chunk, this.#at)] ? 0 : this.#misses + 1;
        done();
      },
      // a database that does not answer now is asked again: its client would do no better
      () => setTimeout(done, RETRY_MS).unref(),
    );
  }
}
