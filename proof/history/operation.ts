import type { Change } from "./change.ts";
import type { Exchange } from "./exchange.ts";

/** A book as the answers show it, its id as the database counts it. */
export interface Book {
  readonly id: number;
  readonly title: string;
  readonly author: string;
  readonly publishedDate: string | null;
  readonly isbn: string | null;
  readonly language: string | null;
  readonly description: string | null;
  readonly coverUrl: string | null;
  readonly stockQuantity: number;
  readonly version: number;
  readonly addedAt: string;
  readonly updatedAt: string;
}

/** What an `addBook` or `updateBook` sets. The author names the operation, so no two operations write the same value. */
interface BookInput {
  readonly title?: string;
  readonly author: string;
  readonly isbn?: string | null;
  readonly language?: string | null;
  readonly stockQuantity?: number;
}

export type Mutation = (
  | { readonly kind: "add"; readonly title: string; readonly input: BookInput }
  | { readonly kind: "update"; readonly title: string; readonly input: BookInput; readonly expectedVersion?: number }
  /** No two operations take or add the same number, but for 0. */
  | { readonly kind: "adjust"; readonly title: string; readonly by: number }
  | { readonly kind: "delete"; readonly title: string; readonly expectedVersion?: number }
) & {
  /** The `idempotencyKey`. Operations with the same key and the same input are one mutation, which is done once. */
  readonly key?: string;
};

/**
 * `limit` books after one title and before another, each of which may be left out: the first ones, or, backwards, the
 * last ones.
 */
export interface PageQuery {
  readonly kind: "page";
  readonly limit: number;
  readonly after?: string;
  readonly before?: string;
  readonly backwards: boolean;
}

export type Query =
  | { readonly kind: "book"; readonly title: string }
  | { readonly kind: "form"; readonly title: string }
  | { readonly kind: "books" }
  | PageQuery
  /** The books that have these words, the best matches first. There are fewer than a page has at most. */
  | { readonly kind: "search"; readonly text: string }
  | { readonly kind: "isbn"; readonly isbn: string }
  | { readonly kind: "node"; readonly id: number }
  /** The books that have these ids, each in its place. */
  | { readonly kind: "nodes"; readonly ids: readonly number[] };

/** Several queries in one request, whose answer reports the lowest revision of them all. */
interface Several {
  readonly kind: "several";
  readonly queries: readonly Query[];
}

/** A page that cannot be: it is to be refused, whatever is in the catalogue. */
interface Improper {
  readonly kind: "improper";
  readonly first?: number;
  readonly after?: string;
}

/** The book that had a title at a revision, as it then was. */
interface Past {
  readonly kind: "past";
  readonly title: string;
  readonly asOf: number;
}

/** The book that has a title, and what became of it. */
interface HistoryOf {
  readonly kind: "history";
  readonly title: string;
}

/** The log after a revision, by an operation of this name: one that nobody has sent before is in no cache. */
interface Changes {
  readonly kind: "changes";
  readonly after: number;
  readonly first: number;
  readonly name: string;
}

export type Reading = Query | Several;

/** What tells of what was, of which nothing follows for what is. */
type Retrospect = Past | HistoryOf | Changes;

export type Request = Mutation | Reading | Retrospect | Improper;

export function isRetrospect(request: Request): request is Retrospect {
  return ["past", "history", "changes"].includes(request.kind);
}

export function isMutation(request: Request): request is Mutation {
  return ["add", "update", "adjust", "delete"].includes(request.kind);
}

/**
 * What tells a mutation from all others, and its change from all others; undefined for a delete, of which nothing is left,
 * but for one with a key: that has a title of its own.
 */
export function signatureOf(request: Request): string | undefined {
  if (request.kind === "delete" && request.key !== undefined) return `delete ${request.title}`;
  if (request.kind === "adjust") return `by ${request.by}`;
  return request.kind === "add" || request.kind === "update" ? request.input.author : undefined;
}

/** The queries of a request, in the order of their answers. */
export function queriesOf(request: Reading): readonly Query[] {
  return request.kind === "several" ? request.queries : [request];
}

/** Why a mutation was refused: the members of the result unions. */
export interface Refusal {
  readonly type: string;
  readonly message?: string | undefined;
  /** The title or ISBN that is taken or not found. */
  readonly subject?: string | undefined;
  readonly expectedVersion?: number | undefined;
  readonly actualVersion?: number | undefined;
  /** How many are in stock. */
  readonly available?: number | undefined;
  readonly book?: Book | undefined;
  /** The fields of the input that are not valid. */
  readonly fields?: readonly string[] | undefined;
}

/** What else a page says, or its cursors alone where it is one of a catalogue that others write as well. The cursors are as they came, those of the edges first. */
export interface PageFacts {
  readonly totalCount: number;
  readonly hasPreviousPage: boolean;
  readonly hasNextPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
  readonly cursors: readonly string[];
}

type PartFacts = Pick<PageFacts, "cursors"> & { readonly isPart: true };

/** What came of one query. */
export interface Answer {
  /**
   * The books in their order. Of `book`, `isbn` and `node` one or none; of `form` three, its book and what its `formData`
   * and its `fields` say; of `nodes` one for each id, or null.
   */
  readonly books: readonly (Book | null)[];
  readonly page?: PageFacts | PartFacts;
  /** Of a history: its changes, the newest first. */
  readonly changes?: readonly Change[];
  /** The names of a form's fields, and before them that of its mutation. */
  readonly names?: readonly string[];
}

export type Outcome =
  /** An acknowledged mutation, with the book that it answered. */
  | { readonly kind: "acknowledged"; readonly revision: number; readonly book: Book }
  | { readonly kind: "refused"; readonly revision: number; readonly refusal: Refusal }
  /** An answered request, with an answer for each of its queries. */
  | {
      readonly kind: "read";
      readonly revision: number;
      readonly servedBy: string;
      readonly answers: readonly Answer[];
    }
  /** The database is older than `atLeast`, or `asOf`, and the process says so. */
  | { readonly kind: "not reached" }
  /** The log does not reach back to `asOf`, but to `oldest`. */
  | { readonly kind: "trimmed"; readonly oldest: number }
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

export type ReadOutcome = Extract<Outcome, { kind: "read" }>;

/** The revision that an answer is true at; undefined when there is none. */
export function revisionOf(outcome: Outcome | undefined): number | undefined {
  return outcome && "revision" in outcome ? outcome.revision : undefined;
}

/** The revision that the database must have reached for an operation to be answered, as its request asks. */
export function askedRevision({ request, atLeast = 0 }: Operation): number {
  return request.kind === "past" ? Math.max(request.asOf, atLeast) : atLeast;
}

/** Every book that an answer shows. */
export function booksOf(outcome: Outcome | undefined): Book[] {
  if (outcome?.kind === "acknowledged") return [outcome.book];
  if (outcome?.kind !== "read") return [];
  return outcome.answers.flatMap(({ books }) => books.filter((book) => book !== null));
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
  /** What went over the wire, where that is kept. */
  exchange?: Exchange;
}

/** Whether a mutation took effect, as far as its answer tells. */
export function mayHaveHappened({ outcome }: Operation): boolean {
  return !outcome || outcome.kind === "acknowledged" || (outcome.kind === "failed" && !outcome.definite);
}

/** Why there may be no answer to an operation; undefined when there had to be one. */
export function excuseOf({ request, outcome }: Operation): string | undefined {
  if (outcome?.kind !== "failed") return undefined;
  if (request.kind === "improper" && outcome.code === "BAD_USER_INPUT") return "it could be none";
  // a list waits for others when a slow Redis holds them up, and is put off when they are too many
  if (outcome.code === "SERVICE_UNAVAILABLE" && isLarge(request)) return "put off";
  return outcome.excuse;
}

/** Whether it is a large request, as the service reckons, however few books there are. */
function isLarge(request: Request): boolean {
  if (request.kind === "several") return request.queries.some(isLarge);
  return ["books", "search"].includes(request.kind) || (request.kind === "improper" && (request.first ?? 0) > 100);
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
