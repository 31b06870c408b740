import type { GroundTruth } from "./change-log.ts";
import type { Violation } from "./checker/violation.ts";

/** A book as the answers show it, its id as the database counts it. */
export interface Book {
  readonly id: number;
  readonly title: string;
  readonly author: string;
  readonly publishedDate: string | null;
  readonly isbn: string | null;
  readonly stockQuantity: number;
  readonly version: number;
}

/** What an `addBook` or `updateBook` sets. The author names the operation, so no two operations write the same value. */
interface BookInput {
  readonly title?: string;
  readonly author: string;
  readonly isbn?: string | null;
  readonly stockQuantity?: number;
}

export type Mutation =
  | { readonly kind: "add"; readonly title: string; readonly input: BookInput }
  | { readonly kind: "update"; readonly title: string; readonly input: BookInput; readonly expectedVersion?: number }
  | { readonly kind: "delete"; readonly title: string; readonly expectedVersion?: number };

export type Query =
  | { readonly kind: "book"; readonly title: string }
  | { readonly kind: "form"; readonly title: string }
  | { readonly kind: "books" }
  /** The first `limit` books after `cursor`, or, backwards, the last before it. The cursor is a title. */
  | { readonly kind: "page"; readonly limit: number; readonly cursor?: string; readonly backwards: boolean }
  | { readonly kind: "isbn"; readonly isbn: string }
  /** The books that have these ids, in the same order, without those that are not there. */
  | { readonly kind: "nodes"; readonly ids: readonly number[] };

export type Request = Mutation | Query;

export function isMutation(request: Request): request is Mutation {
  return request.kind === "add" || request.kind === "update" || request.kind === "delete";
}

/** Why a mutation was refused: the members of the result unions. */
export interface Refusal {
  readonly type: string;
  /** The title or ISBN that is taken or not found. */
  readonly subject?: string | undefined;
  readonly expectedVersion?: number | undefined;
  readonly actualVersion?: number | undefined;
  readonly book?: Book | undefined;
}

/** What else a page says. */
interface PageFacts {
  readonly totalCount: number;
  readonly hasPreviousPage: boolean;
  readonly hasNextPage: boolean;
}

export type Outcome =
  /** An acknowledged mutation, with the book that it answered. */
  | { readonly kind: "acknowledged"; readonly revision: number; readonly book: Book }
  | { readonly kind: "refused"; readonly revision: number; readonly refusal: Refusal }
  /** An answered query; of `book` and `isbn`, one book or none, of `form` it and the form's values. */
  | {
      readonly kind: "read";
      readonly revision: number;
      readonly servedBy: string;
      readonly books: readonly Book[];
      readonly page?: PageFacts;
    }
  /** The database is older than `atLeast`, and the process says so. */
  | { readonly kind: "not reached" }
  /**
   * No answer, or one that is none. A mutation may have happened unless `definite`. `excuse` says what the nemesis was
   * doing to the process itself; without one the process had to answer.
   */
  | {
      readonly kind: "failed";
      readonly code: string;
      readonly message: string;
      readonly definite: boolean;
      readonly excuse?: string | undefined;
    };

/** The revision that an answer is true at; undefined when there is none. */
export function revisionOf(outcome: Outcome | undefined): number | undefined {
  return outcome && "revision" in outcome ? outcome.revision : undefined;
}

/** One request of one client, from its invocation to its completion. */
export interface Operation {
  readonly id: number;
  readonly client: string;
  /** Which process, and which start of it: `a#2`. */
  readonly process: string;
  /** The name of the branch that the process's database was at. */
  readonly branch: string;
  readonly request: Request;
  readonly atLeast?: number | undefined;
  readonly invoked: Moment;
  completed?: Moment;
  outcome?: Outcome;
}

/** Whether a mutation took effect, as far as its answer tells. */
export function mayHaveHappened({ outcome }: Operation): boolean {
  return !outcome || outcome.kind === "acknowledged" || (outcome.kind === "failed" && !outcome.definite);
}

/**
 * When something happened. One event loop records all clients, so `order` is a total order: an operation whose
 * completion comes before another's invocation really ended before that began.
 */
export interface Moment {
  readonly order: number;
  /** Monotonic, from the start of the run. */
  readonly ms: number;
}

/** A fault, from its beginning until it was healed. */
export interface Fault {
  readonly kind: string;
  readonly target: string;
  readonly from: number;
  to: number;
}

/**
 * One history of one database, from its beginning to its end: a restored database and a copy each go on in a branch of
 * their own.
 */
export interface Branch {
  readonly name: string;
  /** What it is a copy of; undefined when it began empty. */
  readonly origin?: Origin | undefined;
  /** What the database held at the end of it. */
  truth?: GroundTruth;
}

/** The state that a branch began with. */
export interface Origin {
  readonly branch: Branch;
  readonly revision: number;
  /** A place in the total order of moments: what was asked for later than that is in no case in the copy. */
  readonly order: number;
}

/** A row of a read model that somebody has changed by hand so that it cannot be seen in the row that it is wrong. */
export interface Edit {
  readonly title: string;
  readonly at: number;
}

/** A process as an operation remembers it. */
interface Place {
  readonly incarnation: string;
  readonly branch: Branch;
}

/** Everything that the clients did and the nemesis did to them. */
export class History {
  readonly operations: Operation[] = [];
  readonly faults: Fault[] = [];
  readonly branches: Branch[] = [];
  readonly edits: Edit[] = [];
  /** What was found wrong while the run went on. */
  readonly violations: Violation[] = [];
  readonly #start = performance.now();
  #order = 0;
  /** The same book comes in many answers; it is kept once. */
  readonly #books = new Map<string, Book>();

  get now(): number {
    return performance.now() - this.#start;
  }

  /** Where the total order of moments has come to. */
  get order(): number {
    return this.#order;
  }

  /** The number of the operation that `invoke` records next. */
  get nextId(): number {
    return this.operations.length;
  }

  invoke(client: string, { incarnation, branch }: Place, request: Request, atLeast?: number): Operation {
    const at = { process: incarnation, branch: branch.name };
    const operation = { id: this.nextId, client, ...at, request, atLeast, invoked: this.#moment() };
    this.operations.push(operation);
    return operation;
  }

  complete(operation: Operation, outcome: Outcome): void {
    operation.completed = this.#moment();
    operation.outcome = outcome;
  }

  begin(kind: string, target: string): Fault {
    const fault = { kind, target, from: this.now, to: Number.POSITIVE_INFINITY };
    this.faults.push(fault);
    return fault;
  }

  /** Begins a branch: an empty one, or one that goes on from `origin`. */
  grow(name: string, origin?: Origin): Branch {
    const branch: Branch = { name: `${name}, ${this.branches.length + 1}`, origin };
    this.branches.push(branch);
    return branch;
  }

  keep(book: Book): Book {
    const text = JSON.stringify(book);
    const kept = this.#books.get(text);
    if (kept) return kept;
    this.#books.set(text, book);
    return book;
  }

  #moment(): Moment {
    return { order: this.#order++, ms: this.now };
  }
}
