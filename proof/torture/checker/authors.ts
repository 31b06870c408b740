import type { Change } from "../change-log.ts";
import { type Book, mayHaveHappened, type Operation } from "../operation.ts";

interface Deletes {
  readonly acknowledged: Map<number, Operation>;
  /** Those whose outcome is unknown, and which no change is attributed to yet. */
  unknown: Operation[];
}

/** Finds the operation behind each change: adds and updates are signed, deletes are found by what they deleted. */
export class Authors {
  /** Adds and updates of all branches by the authors that they sign with. */
  readonly #writers = new Map<string, Operation>();
  readonly #deletes = new Map<string, Deletes>();
  /** The revision that each has made. */
  readonly #made = new WeakMap<Operation, number>();

  /** Takes a mutation that has completed. */
  add(operation: Operation): void {
    const { request, outcome, branch } = operation;
    if (request.kind === "add" || request.kind === "update") this.#writers.set(request.input.author, operation);
    if (request.kind !== "delete" || !mayHaveHappened(operation)) return;
    const deletes: Deletes = this.#deletes.get(branch) ?? { acknowledged: new Map(), unknown: [] };
    this.#deletes.set(branch, deletes);
    if (outcome?.kind === "acknowledged") deletes.acknowledged.set(outcome.revision, operation);
    else deletes.unknown.push(operation);
  }

  /** The add or update that wrote a book, at whichever branch. */
  writerOf({ author }: Book): Operation | undefined {
    return this.#writers.get(author);
  }

  /** The revision that a mutation has made, as the log says. */
  revisionOf(operation: Operation): number | undefined {
    return this.#made.get(operation);
  }

  /** Attributes a change of a branch. Returns the mutation, if there is one, and what is wrong with that. */
  attribute(
    { revision, before, after }: Change,
    branch: string,
  ): { readonly author: Operation | undefined; readonly faults: readonly string[] } {
    const author = after ? this.#writers.get(after.author) : this.#deleteOf(revision, before, branch);
    if (!author || author.branch !== branch) return { author: undefined, faults: ["nobody asked for it"] };
    const faults: string[] = [];
    if (this.#made.has(author)) faults.push("it happened twice");
    this.#made.set(author, revision);
    if (!mayHaveHappened(author)) faults.push("it was not done, says its answer");
    return { author, faults };
  }

  /** How many mutations are remembered. */
  get size(): number {
    const deletes = [...this.#deletes.values()].map(({ acknowledged, unknown }) => acknowledged.size + unknown.length);
    return deletes.reduce((sum, size) => sum + size, this.#writers.size);
  }

  /** Forgets the mutations that were completed before `ms`. */
  forget(ms: number): void {
    for (const [author, { completed }] of this.#writers) {
      if (completed && completed.ms >= ms) break;
      this.#writers.delete(author);
    }
    for (const [branch, deletes] of this.#deletes) {
      deletes.unknown = deletes.unknown.filter(({ completed }) => completed && completed.ms >= ms);
      for (const [revision, { completed }] of deletes.acknowledged) {
        if (completed && completed.ms < ms) deletes.acknowledged.delete(revision);
      }
      if (deletes.unknown.length + deletes.acknowledged.size === 0) this.#deletes.delete(branch);
    }
  }

  #deleteOf(revision: number, book: Book | null, branch: string): Operation | undefined {
    const deletes = this.#deletes.get(branch);
    const acknowledged = deletes?.acknowledged.get(revision);
    if (acknowledged || !deletes) return acknowledged;
    const found = deletes.unknown.findIndex(({ request }) => couldDelete(request, book));
    return deletes.unknown.splice(found, found < 0 ? 0 : 1)[0];
  }
}

function couldDelete(request: Operation["request"], book: Book | null): boolean {
  if (request.kind !== "delete" || request.title !== book?.title) return false;
  return request.expectedVersion === undefined || request.expectedVersion === book.version;
}
