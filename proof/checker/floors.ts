import { askedRevision, type Operation, revisionOf } from "../history/operation.ts";
import type { Bounds } from "./court.ts";
import type { Ledger } from "./ledger.ts";
import type { Report } from "./violation.ts";

/** For timers and clocks that tick apart. Milliseconds. */
const MARGIN_MS = 5;

/** A revision below which an answer must not be, and the operation that set it. */
interface Floor {
  readonly revision: number;
  readonly by: Operation | undefined;
}

const NONE: Floor = { revision: 0, by: undefined };

/**
 * Holds the revisions of the answers of one branch against real time. An answer is at least as new
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
export class Floors {
  readonly #ledger: Ledger;
  readonly #bounds: Pick<Bounds, "leaseMs" | "arePlacesShared">;
  readonly #beginning: Floor;
  readonly #ofOperation = new Map<Operation, readonly (readonly [rule: string, floor: Floor])[]>();
  #acknowledged = NONE;
  readonly #ofProcess = new Map<string, Floor>();
  #shown: Operation[] = [];
  #outlived = 0;
  #shownALeaseAgo = NONE;

  /** `since` is the revision that the branch began with. */
  constructor(ledger: Ledger, bounds: Pick<Bounds, "leaseMs" | "arePlacesShared">, since: number) {
    this.#ledger = ledger;
    this.#bounds = bounds;
    this.#beginning = { revision: since, by: undefined };
  }

  invoke(operation: Operation): void {
    this.#outlive(operation.invoked.ms - this.#bounds.leaseMs - MARGIN_MS);
    const atLeast = { revision: operation.atLeast ?? 0, by: undefined };
    this.#ofOperation.set(operation, [
      ["no answer is older than an acknowledged mutation", this.#acknowledged],
      ["no answer is older than what the same process has shown", this.#ofProcess.get(operation.process) ?? NONE],
      ["no answer is older than what was shown a lease ago", this.#shownALeaseAgo],
      ["no answer is older than what its database began with", this.#beginning],
      ["no answer is older than the client asks for", atLeast],
    ]);
  }

  /** Whether nothing that was acknowledged before the operation was invoked is newer than `revision`. */
  allows(operation: Operation, revision: number): boolean {
    const [acknowledged] = this.#ofOperation.get(operation) ?? [];
    return (acknowledged?.[1].revision ?? 0) <= revision;
  }

  /**
   * Judges what has come. What is `tolerated` does not count, as if it had never been asked for; what is not `shown` holds
   * no later answer to anything.
   */
  complete(operation: Operation, tolerated: boolean, shown: boolean, report: Report): void {
    const floors = this.#ofOperation.get(operation) ?? [];
    this.#ofOperation.delete(operation);
    const { outcome } = operation;
    if (outcome?.kind === "not reached") {
      const reached = floors.find(([, { by, revision }]) => by && revision >= askedRevision(operation));
      const rule = "the database is not said to be older than it is";
      if (reached?.[1].by) {
        report({ rule, what: `${reached[1].revision} was reached`, operations: [operation, reached[1].by] });
      }
    }
    const revision = revisionOf(outcome);
    if (revision === undefined || tolerated) return;
    // a mutation makes a revision of its own, on top of what there was; one with a key may be a repeat, which makes none
    const isOwn = outcome?.kind === "acknowledged" && !("key" in operation.request);
    const builtOn = isOwn ? revision - 1 : revision;
    for (const [rule, { revision: floor, by }] of floors) {
      if (builtOn >= floor) continue;
      report({
        rule,
        what: `${revision} instead of ${floor}`,
        operations: by ? [operation, by] : [operation],
        revision,
      });
    }
    const early = this.earlyFor(operation, revision);
    if (early) {
      const rule = "no answer shows what was not yet asked for";
      report({ rule, what: `${revision} did not exist`, operations: [operation, early], revision });
    }
    if (!shown) return;
    if (!this.#bounds.arePlacesShared)
      this.#ofProcess.set(operation.process, higher(this.#ofProcess.get(operation.process) ?? NONE, operation));
    if (outcome?.kind === "acknowledged") this.#acknowledged = higher(this.#acknowledged, operation);
    this.#shown.push(operation);
  }

  /** The mutation without which there is no such revision, if it was asked for only after the operation had ended. */
  earlyFor({ completed }: Operation, revision: number): Operation | undefined {
    const { last } = this.#ledger;
    const { latest } = this.#ledger.at(Math.min(revision, last.revision)) ?? {};
    return latest && latest.invoked.order > (completed?.order ?? 0) ? latest : undefined;
  }

  #outlive(ms: number): void {
    for (; this.#outlived < this.#shown.length; this.#outlived++) {
      const earlier = this.#shown[this.#outlived] as Operation;
      if ((earlier.completed?.ms ?? 0) > ms) break;
      this.#shownALeaseAgo = higher(this.#shownALeaseAgo, earlier);
    }
    if (this.#outlived < 1000) return;
    this.#shown = this.#shown.slice(this.#outlived);
    this.#outlived = 0;
  }
}

function higher(floor: Floor, operation: Operation): Floor {
  const revision = revisionOf(operation.outcome) ?? 0;
  return revision > floor.revision ? { revision, by: operation } : floor;
}
