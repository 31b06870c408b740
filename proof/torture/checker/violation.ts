import type { Operation } from "../history.ts";

/** A rule of the promise that the history breaks, and the operations that show it. */
export interface Violation {
  readonly rule: string;
  readonly what: string;
  readonly operations: readonly Operation[];
  readonly revision?: number | undefined;
}
