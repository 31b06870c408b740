import type { Refusal } from "./errors.ts";
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
}

/**
 * What became of one command: a change, a refusal, or a failure, which is whatever else it threw. The mark is the one that
 * it made, or at which it made none.
 */
export type Outcome<T> = Mark &
  (
    | { readonly change: Change<T>; readonly refusal?: undefined; readonly failure?: undefined }
    | { readonly refusal: Refusal; readonly change?: undefined; readonly failure?: undefined }
    | { readonly failure: Error; readonly change?: undefined; readonly refusal?: undefined }
  );

/** What became of one transaction's commands, and what the transaction itself saw in the row. */
export interface Commit<T> {
  readonly outcomes: readonly Outcome<T>[];
  readonly changes: readonly Change<T>[];
  readonly readModel: string | null;
  readonly leaseMs: number;
  /** `performance.now()` after the commit had returned. */
  readonly committedAt: number;
}
