import type { GroundTruth } from "./change-log.ts";

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
  | { readonly kind: "page"; readonly limit: number; readonly cursor?: string; readonly backwards: boolean };

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
  /** An answered query; of `book` and `form`, one book or none. */
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
  readonly request: Request;
  readonly atLeast?: number | undefined;
  readonly invoked: Moment;
  completed?: Moment;
  outcome?: Outcome;
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
 * A part of the run that the database has forgotten, for it was restored from a copy or made anew while no process ran.
 * It lies between two places in the total order of moments.
 */
export interface LostPart {
  readonly from: number;
  readonly to: number;
  /** What the database held at the end of the part. */
  readonly truth: GroundTruth;
}

/** Everything that the clients did and the nemesis did to them. */
export class History {
  readonly operations: Operation[] = [];
  readonly faults: Fault[] = [];
  readonly lostParts: LostPart[] = [];
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

  invoke(client: string, process: string, request: Request, atLeast?: number): Operation {
    const operation = { id: this.nextId, client, process, request, atLeast, invoked: this.#moment() };
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

  /** Notes that the database has forgotten all since `from`, an earlier `order`. */
  lose(from: number, truth: GroundTruth): void {
    this.lostParts.push({ from, to: this.#order, truth });
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
