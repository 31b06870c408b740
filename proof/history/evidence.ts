import type { Entry } from "../checker/ledger.ts";
import type { Violation } from "../checker/violation.ts";
import type { Fault } from "./history.ts";
import type { Operation } from "./operation.ts";
import { showBook, showOperation } from "./show.ts";

/** Longer than what is asked for waits for its judgement. Milliseconds. */
const REMEMBERED_MS = 45_000;
/** Violations of one rule that are shown in full; one cause often has many. */
const SHOWN = 4;
/** Operations shown around a violation. */
const AROUND = 12;
/** What is kept of the time before and after a violation. Milliseconds. */
const KEPT_MS = { before: 3000, after: 1000 };
/** Revisions of the log that are shown before and after a violation. */
const LOGGED = 3;

/** How far a run has come. */
export interface Progress {
  readonly ms: number;
  readonly operations: number;
}

/** What was found, with what was around it at that time: all else is forgotten after a while. */
export class Evidence {
  /** How often each rule was broken. */
  readonly rules = new Map<string, number>();
  /** The first violations in full. */
  readonly shown: string[] = [];
  /** The operations around those. */
  readonly operations = new Map<number, Operation>();
  readonly faults = new Set<Fault>();
  /** When the first violation was found, and how many operations there had been. */
  first: Progress | undefined;
  readonly #now: () => Progress;
  readonly #logOf: (branch: string, from: number, to: number) => readonly Entry[];
  readonly #onForget: (operation: Operation) => void;
  readonly #detailsOf: (operation: Operation) => readonly string[];
  #recent: Operation[] = [];
  #recentFaults: Fault[] = [];

  /**
   * `onForget` is told of each operation when it is of no more interest. `detailsOf` has lines about the operations that
   * contradict each other.
   */
  constructor(
    now: () => Progress,
    logOf: (branch: string, from: number, to: number) => readonly Entry[],
    onForget: (operation: Operation) => void = () => {},
    detailsOf: (operation: Operation) => readonly string[] = () => [],
  ) {
    this.#now = now;
    this.#logOf = logOf;
    this.#onForget = onForget;
    this.#detailsOf = detailsOf;
  }

  get count(): number {
    return [...this.rules.values()].reduce((sum, count) => sum + count, 0);
  }

  keep(operation: Operation): void {
    this.#recent.push(operation);
    const [first] = this.#recent;
    // seldom, for what is kept moves up
    if (first && first.invoked.ms < operation.invoked.ms - 2 * REMEMBERED_MS)
      this.#forget(operation.invoked.ms - REMEMBERED_MS);
  }

  begin(fault: Fault): void {
    this.#recentFaults = this.#recentFaults.filter(({ to }) => to > fault.from - 2 * REMEMBERED_MS);
    this.#recentFaults.push(fault);
  }

  /** Has everything forgotten. */
  end(): void {
    this.#forget(Number.POSITIVE_INFINITY);
  }

  add(violation: Violation): void {
    this.first ??= this.#now();
    const count = (this.rules.get(violation.rule) ?? 0) + 1;
    this.rules.set(violation.rule, count);
    if (count <= SHOWN) this.shown.push(this.#show(violation));
  }

  #forget(before: number): void {
    const kept = this.#recent.findIndex(({ invoked }) => invoked.ms >= before);
    const dropped = this.#recent.splice(0, kept < 0 ? this.#recent.length : kept);
    for (const operation of dropped) this.#onForget(operation);
  }

  #show({ rule, what, operations, revision, branch = "" }: Violation): string {
    const shown = operations.flatMap((one) => [showOperation(one), ...this.#detailsOf(one)]);
    const lines = [`VIOLATION: ${rule}`, `  ${what}`, ...shown.map((line) => `  ${line}`)];
    for (const operation of operations) this.operations.set(operation.id, operation);
    const log = revision === undefined ? [] : this.#logOf(branch, revision - LOGGED, revision + LOGGED);
    for (const { change } of log) {
      if (!change) continue;
      lines.push(`    log ${change.revision} ${change.kind}: ${showBook(change.before)} -> ${showBook(change.after)}`);
    }
    const [first] = operations;
    if (!first) return lines.join("\n");
    const from = Math.min(...operations.map(({ invoked }) => invoked.ms)) - 50;
    const to = first.completed?.ms ?? first.invoked.ms;
    for (const fault of this.#recentFaults) {
      if (fault.from > to || fault.to < from - 1000) continue;
      this.faults.add(fault);
      lines.push(`    fault ${fault.kind} (${fault.target}) ${fault.from.toFixed(0)}–${fault.to.toFixed(0)} ms`);
    }
    const during = (since: number, until: number) =>
      this.#recent.filter(({ invoked, completed }) => invoked.ms <= until && (completed?.ms ?? Infinity) >= since);
    for (const one of during(from, to).slice(-AROUND)) lines.push(`    around ${showOperation(one)}`);
    for (const one of during(to - KEPT_MS.before, to + KEPT_MS.after)) this.operations.set(one.id, one);
    return lines.join("\n");
  }
}
