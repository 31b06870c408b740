import type { Change, GroundTruth } from "./change.ts";

/**
 * One history of one database, from its beginning to its end: a restored database and a copy each go on in a branch of
 * their own.
 */
export interface Branch {
  readonly name: string;
  /** What it is a copy of; undefined when it began empty. */
  readonly origin?: Origin | undefined;
  /** The revision that it is known from, where nothing is that concerns the clients; 0 unless told. */
  readonly since?: number;
  /** Reads the changes after a revision, in their order; none once there is a `truth`. */
  readonly read: (since: number) => Promise<readonly Change[]>;
  /** The revision up to which the changes were read. */
  seen?: number;
  /** The revision up to which the log was trimmed, after it had been read. */
  trimmedTo?: number;
  /** What the database held at the end of it; its changes are those that were not `seen` before. */
  truth?: GroundTruth;
}

/** The state that a branch began with. */
export interface Origin {
  readonly branch: Branch;
  readonly revision: number;
}

/** The revision up to which the log of a branch may have been trimmed, or that of one which it comes from, before. */
export function trimmedTo(branch: Branch): number {
  return Math.max(...[...limitsOf(branch).keys()].map((one) => one.trimmedTo ?? 0));
}

/** The newest revision that two branches have in common. */
export function partingOf(a: Branch, b: Branch): number {
  const inA = limitsOf(a);
  const common = [...limitsOf(b)].map(([branch, revision]) => Math.min(revision, inA.get(branch) ?? 0));
  return Math.max(0, ...common);
}

/** A branch and all that it comes from, with the revision up to which it goes along with each. */
function limitsOf(branch: Branch): Map<Branch, number> {
  const limits = new Map([[branch, Number.POSITIVE_INFINITY]]);
  let revision = Number.POSITIVE_INFINITY;
  for (let { origin } = branch; origin; { origin } = origin.branch) {
    revision = Math.min(revision, origin.revision);
    limits.set(origin.branch, revision);
  }
  return limits;
}

/** The revision up to which a branch goes along with another of that name; 0 when it does not come from it. */
export function limitOf(branch: Branch, name: string): number {
  for (const [{ name: origin }, revision] of limitsOf(branch)) if (origin === name) return revision;
  return 0;
}
