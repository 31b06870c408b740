import type { Operation } from "../history/operation.ts";

/** A rule of the promise that the history breaks, and the operations that show it. */
export interface Violation {
  readonly rule: string;
  readonly what: string;
  readonly operations: readonly Operation[];
  readonly revision?: number | undefined;
  /** The branch whose revision it is. */
  readonly branch?: string | undefined;
}

/** Takes what is found. */
export type Report = (violation: Violation) => void;
