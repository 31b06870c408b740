import type { Change } from "../history/change.ts";
import { type Book, isMutation, mayHaveHappened, type Operation, signatureOf } from "../history/operation.ts";

interface Deletes {
  readonly acknowledged: Map<number, Operation>;
  /** Those whose outcome is unknown, and which no change is attributed to yet. */
  unknown: Operation[];
}

/** What was done under a key: it stands for that, whoever asks. */
interface Kept {
  readonly author: Operation;
  readonly revision: number;
}

/**
 * Finds the operation behind each change: all but deletes are signed, and those are found by what they deleted. Of the
 * operations that are one mutation, for they have one key, the first that may have happened stands for all.
 */
export class Authors {
  /** Those of all branches by their signatures. */
  readonly #writers = new Map<string, Operation>();
  readonly #deletes = new Map<string, Deletes>();
  /** The revision that each has made. */
  readonly #made = new WeakMap<Operation, number>();
  /** By branch and key. */
  readonly #kept = new Map<string, Kept>();

  /** Takes a mutation that has completed. Says whether it stands for itself, and may be the first to have happened. */
  add(operation: Operation): boolean {
    const { request, outcome, branch } = operation;
    const signature = signatureOf(request);
    if (signature !== undefined) {
      const earlier = this.#writers.get(signature);
      if (earlier && mayHaveHappened(earlier)) return false;
      this.#writers.set(signature, operation);
    }
    if (!mayHaveHappened(operation)) return false;
    if (signature !== undefined) return true;
    const deletes: Deletes = this.#deletes.get(branch) ?? { acknowledged: new Map(), unknown: [] };
    this.#deletes.set(branch, deletes);
    if (outcome?.kind === "acknowledged") deletes.acknowledged.set(outcome.revision, operation);
    else deletes.unknown.push(operation);
    return true;
  }

  /** The add or update that wrote a book, at whichever branch. */
  writerOf({ author }: Book): Operation | undefined {
    return this.#writers.get(author);
  }

  /** The revision that a mutation has made, as the log says, whichever of its operations that was. */
  revisionOf(operation: Operation): number | undefined {
    const signature = signatureOf(operation.request);
    return this.#made.get((signature !== undefined && this.#writers.get(signature)) || operation);
  }

  /** What the key of an operation stood for when its database was at `revision`; undefined while that was nothing. */
  keptAt(revision: number, { branch, request }: Operation): Kept | undefined {
    if (!isMutation(request) || request.key === undefined) return undefined;
    const kept = this.#kept.get(`${branch} ${request.key}`);
    return kept && kept.revision <= revision ? kept : undefined;
  }

  /** Attributes a change of a branch. Returns the mutation, if there is one, and what is wrong with that. */
  attribute(
    change: Change,
    branch: string,
  ): { readonly author: Operation | undefined; readonly faults: readonly string[] } {
    const { revision, before, after } = change;
    const author = this.#writers.get(signatureIn(before, after)) ?? this.#deleteOf(change, branch);
    if (!author || author.branch !== branch) return { author: undefined, faults: ["nobody asked for it"] };
    const faults: string[] = [];
    if (this.#made.has(author)) faults.push("it happened twice");
    this.#made.set(author, revision);
    if (!mayHaveHappened(author)) faults.push("it was not done, says its answer");
    if (isMutation(author.request) && author.request.key !== undefined) {
      const name = `${branch} ${author.request.key}`;
      if (this.#kept.has(name)) faults.push("its key stands for another mutation");
      else this.#kept.set(name, { author, revision });
    }
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
    for (const [name, { author }] of this.#kept) {
      if (author.completed && author.completed.ms >= ms) break;
      this.#kept.delete(name);
    }
    for (const [branch, deletes] of this.#deletes) {
      deletes.unknown = deletes.unknown.filter(({ completed }) => completed && completed.ms >= ms);
      for (const [revision, { completed }] of deletes.acknowledged) {
        if (completed && completed.ms < ms) deletes.acknowledged.delete(revision);
      }
      if (deletes.unknown.length + deletes.acknowledged.size === 0) this.#deletes.delete(branch);
    }
  }

  #deleteOf({ revision, before, after }: Change, branch: string): Operation | undefined {
    if (after) return undefined;
    const deletes = this.#deletes.get(branch);
    const acknowledged = deletes?.acknowledged.get(revision);
    if (acknowledged || !deletes) return acknowledged;
    const found = deletes.unknown.findIndex(({ request }) => couldDelete(request, before));
    return deletes.unknown.splice(found, found < 0 ? 0 : 1)[0];
  }
}

/** What a change was signed with. Who writes a book signs it; the stock alone is adjusted. */
export function signatureIn(before: Book | null, after: Book | null): string {
  if (!after) return `delete ${before?.title}`;
  return before?.author === after.author ? `by ${after.stockQuantity - before.stockQuantity}` : after.author;
}

function couldDelete(request: Operation["request"], book: Book | null): boolean {
  if (request.kind !== "delete" || request.title !== book?.title) return false;
  return request.expectedVersion === undefined || request.expectedVersion === book.version;
}
