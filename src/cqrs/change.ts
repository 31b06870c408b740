import type { Mark } from "./mark.ts";

/** What a command did to one instance. `before` is null for one that was added, `after` for one that was deleted. */
export interface Effect<T> {
  readonly kind: "add" | "update" | "delete";
  readonly before: T | null;
  readonly after: T | null;
}

/** One entry of the change log: an effect, the mark that it led to, and the token of the state that it started from. */
export interface Change<T> extends Effect<T>, Mark {
  readonly previousToken: string;
  /** Who asked for it; null where that is not known, or not to be kept. */
  readonly who: string | null;
}

/**
 * An entry of the change log as people are shown it: whole, whichever version has logged it, and with when it was made
 * (UTC, in ISO 8601 with milliseconds) and by whom, where that is kept.
 */
export interface LoggedChange<T> extends Effect<T> {
  readonly revision: number;
  readonly at: string;
  readonly who: string | null;
}

/**
 * What became of one command: a change; the change that was made when it was asked for first; a refusal, as its aggregate's
 * rules put it, or because its key stands for another command; a failure, which is whatever was thrown while it was decided;
 * or nothing at all, because the state was older than what it asked for, or it was withdrawn. The mark is the one that it
 * made, or at which it made none.
 */
export type Outcome<T, R = unknown> = Mark & {
  readonly change?: Change<T>;
  readonly repeats?: Effect<T>;
  readonly refused?: R;
  readonly isReused?: true;
  readonly failure?: Error;
  readonly skipped?: "too old" | "withdrawn";
};

/** What a transaction saw in the stream's row, under its lock. */
export interface SeenRow {
  readonly readModel: string | null;
  readonly leaseMs: number;
}

/** What became of one batch of commands, and what its transaction itself saw in the row. */
export interface Commit<T, R = unknown> extends SeenRow {
  readonly outcomes: readonly Outcome<T, R>[];
  readonly changes: readonly Change<T>[];
  /** `performance.now()` after the commit had returned. */
  readonly committedAt: number;
}
