import type { GroundTruth } from "../change-log.ts";
import { type Operation, revisionOf } from "../history.ts";
import type { Violation } from "./violation.ts";

/** For timers and clocks that tick apart. Milliseconds. */
const MARGIN_MS = 5;

/** A revision below which an answer must not be, and the operation that set it. */
interface Floor {
  readonly revision: number;
  readonly by: Operation | undefined;
}

const NONE: Floor = { revision: 0, by: undefined };

/**
 * Holds the revisions of the answers against real time. An answer is at least as new
 *
 * - as every mutation acknowledged before it was asked for;
 * - as what the same process had answered before, for a process never goes back;
 * - as what any process had answered a lease before: a write that was shown but never acknowledged does not flicker
 *   for longer, for by then every process has looked it up;
 * - as what its database began with, where that is a copy or was restored from one;
 * - as `atLeast`;
 *
 * and none shows a mutation that was invoked only after the answer had come.
 */
export function checkTime(
  operations: readonly Operation[],
  { leaseMs, changes }: GroundTruth,
  authors: ReadonlyMap<number, Operation>,
  since: number,
): Violation[] {
  const violations: Violation[] = [];
  const possibleFrom = firstPossible(authors, changes.length);
  const floorsOf = new Map<Operation, readonly (readonly [rule: string, floor: Floor])[]>();
  const beginning = { revision: since, by: undefined };
  let acknowledged = NONE;
  const ofProcess = new Map<string, Floor>();
  const shown: Operation[] = [];
  let outlived = 0;
  let shownALeaseAgo = NONE;

  const invoke = (operation: Operation) => {
    for (; outlived < shown.length; outlived++) {
      const earlier = shown[outlived] as Operation;
      if ((earlier.completed?.ms ?? 0) > operation.invoked.ms - leaseMs - MARGIN_MS) break;
      shownALeaseAgo = higher(shownALeaseAgo, earlier);
    }
    const atLeast = { revision: operation.atLeast ?? 0, by: undefined };
    floorsOf.set(operation, [
      ["no answer is older than an acknowledged mutation", acknowledged],
      ["no answer is older than what the same process has shown", ofProcess.get(operation.process) ?? NONE],
      ["no answer is older than what was shown a lease ago", shownALeaseAgo],
      ["no answer is older than what its database began with", beginning],
      ["no answer is older than the client asks for", atLeast],
    ]);
  };

  const complete = (operation: Operation) => {
    const { outcome } = operation;
    const floors = floorsOf.get(operation) ?? [];
    if (outcome?.kind === "not reached") {
      const reached = floors.find(([, { by, revision }]) => by && revision >= (operation.atLeast ?? 0));
      const rule = "the database is not said to be older than it is";
      if (reached?.[1].by) {
        violations.push({ rule, what: `${reached[1].revision} was reached`, operations: [operation, reached[1].by] });
      }
    }
    const revision = revisionOf(outcome);
    if (revision === undefined) return;
    // a mutation makes a revision of its own, on top of what there was
    const builtOn = outcome?.kind === "acknowledged" ? revision - 1 : revision;
    for (const [rule, { revision: floor, by }] of floors) {
      if (builtOn >= floor) continue;
      violations.push({
        rule,
        what: `${revision} instead of ${floor}`,
        operations: by ? [operation, by] : [operation],
        revision,
      });
    }
    const possible = possibleFrom[Math.min(revision, possibleFrom.length - 1)];
    if (possible && possible.invoked.order > (operation.completed?.order ?? 0)) {
      const rule = "no answer shows what was not yet asked for";
      violations.push({ rule, what: `${revision} did not exist`, operations: [operation, possible], revision });
    }
    ofProcess.set(operation.process, higher(ofProcess.get(operation.process) ?? NONE, operation));
    if (outcome?.kind === "acknowledged") acknowledged = higher(acknowledged, operation);
    shown.push(operation);
  };

  for (const [operation, isInvocation] of inRealTime(operations)) {
    if (isInvocation) invoke(operation);
    else complete(operation);
  }
  return violations;
}

function higher(floor: Floor, operation: Operation): Floor {
  const revision = revisionOf(operation.outcome) ?? 0;
  return revision > floor.revision ? { revision, by: operation } : floor;
}

/** By revision, the mutation of it or a lower one that was invoked last: the revision cannot have been there before. */
function firstPossible(authors: ReadonlyMap<number, Operation>, last: number): (Operation | undefined)[] {
  const result: (Operation | undefined)[] = [undefined];
  for (let revision = 1; revision <= last; revision++) {
    const [before, own] = [result[revision - 1], authors.get(revision)];
    result[revision] = !before || (own && own.invoked.order > before.invoked.order) ? own : before;
  }
  return result;
}

/** Invocations and completions in the order in which they happened. */
function inRealTime(operations: readonly Operation[]): (readonly [Operation, isInvocation: boolean])[] {
  const events: (readonly [Operation, boolean])[] = [];
  for (const operation of operations) {
    events[operation.invoked.order] = [operation, true];
    if (operation.completed) events[operation.completed.order] = [operation, false];
  }
  return events.filter(() => true);
}
