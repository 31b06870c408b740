import type { LoggedChange } from "../change.ts";
import type { ChangeLog } from "./change-log.ts";
import type { Head } from "./head.ts";

/** Changes that one statement reads. */
const PORTION = 100;
/** The newest changes are kept for those who are told of them: so many at most, and so many bytes. */
const MAX_KEPT = 5000;
const MAX_BYTES = 16_000_000;
/** How long to wait before a log that could not be read is read again, in milliseconds. */
const RETRY_MS = 250;

/**
 * The end of the change log, as far as this process has read it: the one reader that all subscribers of a stream have.
 *
 * It reads on when the process hears of a newer state, by a command of its own or by a look-up of the row. So it needs to
 * know of no other process, and none can be missed.
 */
export class LiveTail<T extends object> {
  readonly #log: ChangeLog<T>;
  readonly #head: Head<T>;
  readonly #onMore: () => void;
  #kept: LoggedChange<T>[] = [];
  #bytes = 0;
  #reached = -1;
  #reading = false;
  #run = 0;
  #retry: NodeJS.Timeout | undefined;

  /** @param onMore is called when there are more changes than before */
  constructor(log: ChangeLog<T>, head: Head<T>, onMore: () => void) {
    this.#log = log;
    this.#head = head;
    this.#onMore = onMore;
  }

  /** Whether it reads on. */
  get isRunning(): boolean {
    return this.#reached >= 0;
  }

  /** Up to which revision the log was read. */
  get reached(): number {
    return this.#reached;
  }

  /** Reads on from `revision`. */
  start(revision: number): void {
    this.#reached = revision;
    this.#head.onNewer = () => void this.#readOn();
    void this.#readOn();
  }

  stop(): void {
    this.#head.onNewer = undefined;
    clearTimeout(this.#retry);
    this.#run++;
    this.#reading = false;
    this.#reached = -1;
    this.#kept = [];
    this.#bytes = 0;
  }

  /** Whether the change after `revision` is kept, or not made yet. */
  covers(revision: number): boolean {
    return revision >= this.#reached - this.#kept.length;
  }

  /** The change after `revision`, which it must cover. */
  after(revision: number): LoggedChange<T> | undefined {
    return this.#kept[revision - (this.#reached - this.#kept.length)];
  }

  async #readOn(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    clearTimeout(this.#retry);
    const run = this.#run;
    try {
      while (this.#head.mark.revision > this.#reached) {
        const { changes, mark, bytes } = await this.#log.after(this.#reached, PORTION);
        if (run !== this.#run || mark.revision <= this.#reached) break;
        // whoever is told of a change is not to be shown an older state here afterwards
        this.#head.learn(mark);
        this.#keep(changes, bytes, mark.revision);
        this.#onMore();
      }
    } catch {
      // the look-ups report a database that does not answer; those who wait go on waiting
      if (run === this.#run) this.#retry = setTimeout(() => void this.#readOn(), RETRY_MS).unref();
    } finally {
      if (run === this.#run) this.#reading = false;
    }
  }

  #keep(changes: readonly LoggedChange<T>[], bytes: number, reached: number): void {
    const [first] = changes;
    // a gap: the log was trimmed under a process that has slept, and those who are behind are told so
    if (first?.revision !== this.#reached + 1) this.#forget(this.#kept.length);
    this.#kept.push(...changes);
    this.#bytes += bytes;
    // of a log without entries nothing is to come any more
    this.#reached = changes.at(-1)?.revision ?? reached;
    if (this.#kept.length > MAX_KEPT || this.#bytes > MAX_BYTES) this.#forget(this.#kept.length >> 1);
  }

  /** Drops the oldest, which are not weighed one by one. */
  #forget(count: number): void {
    this.#bytes *= 1 - count / Math.max(1, this.#kept.length);
    this.#kept.splice(0, count);
  }
}
