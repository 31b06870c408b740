import type { Book } from "./operation.ts";

/** One entry of the change log: one row of `book_change`, or what the API tells of it. */
export interface Change {
  readonly revision: number;
  /** Undefined where the API tells of it, and so is the next. */
  readonly token: string | undefined;
  readonly previousToken: string | undefined;
  readonly at: string;
  /** `elsewhere` is what was done to books that no client here asks for; they are left out. */
  readonly kind: string;
  readonly before: Book | null;
  readonly after: Book | null;
}

/** What the database holds at the end: the serial order of what was done, and what it led to. */
export interface GroundTruth {
  /** Those that were asked for. */
  readonly changes: readonly Change[];
  readonly revision: number;
  readonly token: string;
  readonly readModel: string | null;
  /** The table, in title order. */
  readonly books: readonly Book[];
}
