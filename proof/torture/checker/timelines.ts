import type { GroundTruth } from "../change-log.ts";
import { type Branch, type History, isMutation, mayHaveHappened, type Operation, revisionOf } from "../history.ts";

/** What is judged as one: the operations of one branch, and what its database held at its end. */
export interface Timeline {
  readonly branch: Branch;
  readonly operations: readonly Operation[];
  readonly truth: GroundTruth;
  /** The mutations that took effect before the branch began, or may have. */
  readonly inherited: readonly Operation[];
  /** The revision that the branch began with: its database was never older. */
  readonly since: number;
}

/** The branches that have ended, each with what it began with. */
export function timelinesOf({ operations, branches }: Pick<History, "operations" | "branches">): Timeline[] {
  return branches.flatMap((branch) => {
    if (!branch.truth) return [];
    const limits = limitsOf(branch);
    const isInherited = (operation: Operation) => {
      const limit = limits.get(operation.branch);
      if (!limit || !isMutation(operation.request) || !mayHaveHappened(operation)) return false;
      return operation.invoked.order < limit.order && (revisionOf(operation.outcome) ?? 0) <= limit.revision;
    };
    return {
      branch,
      operations: operations.filter((operation) => operation.branch === branch.name),
      inherited: operations.filter(isInherited),
      since: branch.origin?.revision ?? 0,
      truth: branch.truth,
    };
  });
}

/** The newest revision that two branches have in common. */
export function partingOf(a: Branch, b: Branch): number {
  const [inA, inB] = [a, b].map((branch) => [
    ...limitsOf(branch),
    [branch.name, { revision: Number.POSITIVE_INFINITY }] as const,
  ]);
  const common = (inA ?? []).flatMap(([name, { revision }]) => {
    const other = inB?.find(([otherName]) => otherName === name);
    return other ? [Math.min(revision, other[1].revision)] : [];
  });
  return Math.max(0, ...common);
}

/** For each branch that `branch` comes from, by name, how far it goes along with it. */
function limitsOf(branch: Branch): Map<string, { readonly order: number; readonly revision: number }> {
  const limits = new Map<string, { order: number; revision: number }>();
  let [order, revision] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let { origin } = branch; origin; { origin } = origin.branch) {
    order = Math.min(order, origin.order);
    revision = Math.min(revision, origin.revision);
    limits.set(origin.branch.name, { order, revision });
  }
  return limits;
}
