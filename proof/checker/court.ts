import type { Operation } from "../history/operation.ts";
import type { Authors } from "./authors.ts";
import type { BranchJudge } from "./branch-judge.ts";
import type { Edits } from "./edits.ts";
import type { Report } from "./violation.ts";

export interface Bounds {
  /** The lease of all processes. Milliseconds. */
  readonly leaseMs: number;
  /** How long a process may show states of another history from when it first does. Milliseconds. */
  readonly foreignMs: number;
  /** Whether a place that clients ask may be several processes, each of which knows what it has shown, but no other does. */
  readonly arePlacesShared?: boolean;
}

/** What the judges of all branches share. */
export interface Court {
  readonly bounds: Bounds;
  readonly authors: Authors;
  /** Rows that were changed by hand. */
  readonly edits: Edits;
  /** Marks that were changed by hand: for a while a process may show states that no history has. */
  readonly markEdits: Edits;
  /** The judges of all branches that are remembered. */
  readonly branches: () => Iterable<BranchJudge>;
  readonly report: Report;
  /** Told of each answer that is tolerated though it is of another history. */
  readonly tolerated: () => void;
  /** Told of each change, with the mutation that made it. */
  readonly attributed: (author: Operation | undefined) => void;
}
