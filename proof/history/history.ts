import type { Judge } from "../checker/judge.ts";
import type { Violation } from "../checker/violation.ts";
import type { Branch, Origin } from "./branch.ts";
import type { Evidence } from "./evidence.ts";
import type { Book, Moment, Operation, Outcome, Request } from "./operation.ts";
import type { Tally } from "./tally.ts";

/** A fault, from its beginning until it was healed. */
export interface Fault {
  readonly kind: string;
  readonly target: string;
  readonly from: number;
  to: number;
}

/** A process as an operation remembers it. */
interface Place {
  readonly incarnation: string;
  readonly branch: Branch;
}

/** Books that are kept once, though they come in many answers. */
const MOST_KEPT = 20_000;

/**
 * Everything that the clients do and the nemesis does to them, as it happens. What was judged and found right is dropped:
 * a run may take a night.
 */
export class History {
  readonly judge: Judge;
  readonly evidence: Evidence;
  readonly tally: Tally;
  /** The histories that have not ended, in the order in which they began. */
  branches: readonly Branch[] = [];
  readonly #listeners = new Set<(operation: Operation) => void>();
  readonly #start = performance.now();
  readonly #books = new Map<string, Book>();
  #order = 0;
  #operations = 0;
  #numbers = 0;
  #branchCount = 0;

  constructor(judge: Judge, evidence: Evidence, tally: Tally) {
    this.judge = judge;
    this.evidence = evidence;
    this.tally = tally;
  }

  get now(): number {
    return performance.now() - this.#start;
  }

  /** The number of the operation that `invoke` records next, which is how many there were. */
  get nextId(): number {
    return this.#operations;
  }

  /** A number that no mutation was signed with yet. */
  newNumber(): number {
    return this.#numbers++;
  }

  /** How many branches there were. */
  get branchCount(): number {
    return this.#branchCount;
  }

  invoke(client: string, { incarnation, branch }: Place, request: Request, atLeast?: number): Operation {
    const at = { process: incarnation, branch: branch.name };
    const operation = { id: this.#operations++, client, ...at, request, atLeast, invoked: this.#moment() };
    this.judge.note(operation, true);
    this.evidence.keep(operation);
    return operation;
  }

  complete(operation: Operation, outcome: Outcome): void {
    operation.completed = this.#moment();
    operation.outcome = outcome;
    this.judge.note(operation, false);
    this.tally.count(operation);
    for (const listener of this.#listeners) listener(operation);
  }

  begin(kind: string, target: string): Fault {
    const fault = { kind, target, from: this.now, to: Number.POSITIVE_INFINITY };
    this.tally.begin(fault);
    this.evidence.begin(fault);
    return fault;
  }

  /** Begins a branch: an empty one, one that goes on from `origin`, or one that is known from the revision `since`. */
  grow(
    name: string,
    read: (branch: Branch, since: number) => ReturnType<Branch["read"]>,
    origin?: Origin,
    since?: number,
  ): Branch {
    const branch: Branch = {
      name: `${name}, ${++this.#branchCount}`,
      origin,
      ...(since !== undefined && { since }),
      read: (from) => read(branch, from),
    };
    this.branches = [...this.branches, branch];
    return branch;
  }

  /** Reads the logs and judges what can be judged. */
  async check(): Promise<void> {
    await this.judge.cut(this.branches, this.now);
    this.branches = this.branches.filter((branch) => !this.judge.hasRead(branch));
    await this.judge.settle();
  }

  /** Notes what was found by other means than the judge's. */
  blame(violations: readonly Violation[]): void {
    for (const violation of violations) this.evidence.add(violation);
  }

  /** Has each operation told that completes from now on, until what is returned is called. */
  onCompletion(listener: (operation: Operation) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  keep(book: Book): Book {
    const text = JSON.stringify(book);
    const kept = this.#books.get(text);
    if (kept) return kept;
    if (this.#books.size >= MOST_KEPT) this.#books.clear();
    this.#books.set(text, book);
    return book;
  }

  #moment(): Moment {
    return { order: this.#order++, ms: this.now };
  }
}
