import type { GroundTruth } from "./change-log.ts";
import type { History, Operation } from "./history.ts";

/** Operations of one history of the database, and what that held at its end. */
export interface Timeline {
  readonly operations: readonly Operation[];
  readonly truth: GroundTruth;
}

/**
 * The histories that the database went through, each from its beginning: one that was lost at a restore is judged with
 * all that led to it, and what came after without it. `truth` is what the database holds at the end of the run.
 */
export function timelinesOf(
  { operations, lostParts }: Pick<History, "operations" | "lostParts">,
  truth: GroundTruth,
): Timeline[] {
  const ends = [...lostParts, { to: Number.POSITIVE_INFINITY, truth }];
  return ends.map(({ to, truth }, index) => {
    const forgotten = lostParts.slice(0, index);
    const remembered = operations.filter(
      ({ invoked: { order } }) => order < to && !forgotten.some((part) => part.from <= order && order < part.to),
    );
    return { operations: remembered, truth };
  });
}
