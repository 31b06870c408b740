import { Catalogue, sameBook } from "./catalogue.ts";
import { byTitle, type GroundTruth } from "./change-log.ts";
import {
  type Book,
  isMutation,
  type Mutation,
  type Operation,
  type Outcome,
  type Query,
  revisionOf,
} from "./history.ts";
import { checkRegisters } from "./registers.ts";
import { showBook, showList } from "./show.ts";
import { checkTime } from "./time.ts";
import type { Violation } from "./violation.ts";

/**
 * Holds a history against the promise. The change log says in which order the mutations took effect, and every answer
 * says at which revision it is true; so there is no order to search for, and each check is one pass.
 */
export function check(operations: readonly Operation[], truth: GroundTruth): Violation[] {
  const { authors, violations } = attribute(operations, truth);
  return [
    ...checkLog(truth),
    ...violations,
    ...checkAnswers(operations, truth, authors),
    ...checkTime(operations, truth, authors),
    ...checkRegisters(operations),
    ...checkAvailability(operations),
  ];
}

/** The log is one history without gaps, and the table is what it leads to. */
function checkLog({ changes, revision, token, books }: GroundTruth): Violation[] {
  const violations: Violation[] = [];
  const wrong = (what: string, at: number) =>
    violations.push({ rule: "the change log is one history", what, operations: [], revision: at });
  const catalogue = new Catalogue();
  for (const [index, change] of changes.entries()) {
    if (change.revision !== index + 1) wrong(`revision ${index + 1} is missing`, index + 1);
    const previous = changes[index - 1];
    if (previous && change.previousToken !== previous.token) wrong("it names another predecessor", change.revision);
    const fault = catalogue.apply(change);
    if (fault) wrong(fault, change.revision);
  }
  const last = changes.at(-1);
  if (last && (last.revision !== revision || last.token !== token))
    wrong(`the row stands at ${revision}`, last.revision);
  if (!sameList(catalogue.list, books)) {
    wrong(`the table holds ${showList(books)}, but the log leads to ${showList(catalogue.list)}`, revision);
  }
  return violations;
}

/** Finds the operation behind each change: adds and updates are signed, deletes are found by what they deleted. */
function attribute(operations: readonly Operation[], { changes }: GroundTruth) {
  const rule = "an operation takes effect once if it may, and nothing else does";
  const violations: Violation[] = [];
  const authors = new Map<number, Operation>();
  const used = new Set<Operation>();
  const bySignature = new Map<string, Operation>();
  const deletes: Operation[] = [];
  const acknowledgedDeletes = new Map<number, Operation>();
  for (const operation of operations) {
    const { request, outcome } = operation;
    if (request.kind === "add" || request.kind === "update") bySignature.set(request.input.author, operation);
    if (request.kind !== "delete") continue;
    if (outcome?.kind === "acknowledged") acknowledgedDeletes.set(outcome.revision, operation);
    else if (mayHaveHappened(operation)) deletes.push(operation);
  }
  for (const { revision, before, after } of changes) {
    const author = after
      ? bySignature.get(after.author)
      : (acknowledgedDeletes.get(revision) ??
        deletes.find((operation) => !used.has(operation) && couldDelete(operation.request, before)));
    if (!author) {
      violations.push({ rule, what: `nobody asked for ${showBook(after ?? before)}`, operations: [], revision });
      continue;
    }
    authors.set(revision, author);
    if (used.has(author)) violations.push({ rule, what: "it happened twice", operations: [author], revision });
    used.add(author);
    if (!mayHaveHappened(author)) {
      violations.push({ rule, what: "it was not done, says its answer", operations: [author], revision });
    }
  }
  return { authors, violations };
}

function couldDelete(request: Operation["request"], book: Book | null): boolean {
  if (request.kind !== "delete" || request.title !== book?.title) return false;
  return request.expectedVersion === undefined || request.expectedVersion === book.version;
}

function mayHaveHappened({ outcome }: Operation): boolean {
  return !outcome || outcome.kind === "acknowledged" || (outcome.kind === "failed" && !outcome.definite);
}

/** Every answer is exactly the state at the revision that it reports. */
function checkAnswers(
  operations: readonly Operation[],
  truth: GroundTruth,
  authors: ReadonlyMap<number, Operation>,
): Violation[] {
  const violations: Violation[] = [];
  const answered = operations.filter((operation) => revisionOf(operation.outcome) !== undefined);
  answered.sort((a, b) => (revisionOf(a.outcome) as number) - (revisionOf(b.outcome) as number));
  const catalogue = new Catalogue();
  let at = 0;
  for (const operation of answered) {
    const outcome = operation.outcome as Outcome;
    const revision = revisionOf(outcome) as number;
    for (; at < Math.min(revision, truth.changes.length); at++) {
      const change = truth.changes[at];
      if (change) catalogue.apply(change);
    }
    const wrong = (rule: string, what: string) =>
      violations.push({ rule, what, operations: [operation, ...others(authors.get(revision), operation)], revision });
    if (revision > truth.changes.length) wrong(LOST, `there is no revision ${revision} in the log`);
    else if (outcome.kind === "acknowledged") {
      const fault = faultOfAcknowledged(operation, outcome, truth);
      if (fault) wrong(LOST, fault);
    } else if (outcome.kind === "refused") {
      const fault = faultOfRefusal(operation.request as Mutation, outcome, catalogue);
      if (fault) wrong("a refusal is right at the revision that it reports", fault);
    } else if (outcome.kind === "read") {
      const fault = faultOfRead(operation.request as Query, outcome, catalogue);
      if (fault) wrong("a read is the state at the revision that it reports", fault);
    }
  }
  return violations;
}

const LOST = "an acknowledged mutation is in the log, as it was answered";

function others(author: Operation | undefined, operation: Operation): Operation[] {
  return author && author !== operation ? [author] : [];
}

type Of<K extends Outcome["kind"]> = Extract<Outcome, { kind: K }>;

function faultOfAcknowledged({ request }: Operation, outcome: Of<"acknowledged">, { changes }: GroundTruth) {
  const change = changes[outcome.revision - 1];
  if (!change || !isMutation(request)) return "it has no place in the log";
  const { kind, before, after } = change;
  if (kind !== request.kind) return `the log has a change of kind ${kind} there`;
  if (!sameBook(outcome.book, after ?? before)) {
    return `it answered ${showBook(outcome.book)}, the log has ${showBook(after ?? before)}`;
  }
  if (request.kind === "add") {
    const { author, isbn = null, stockQuantity = 0 } = request.input;
    const wanted = { title: request.title, author, publishedDate: null, isbn, stockQuantity, version: 1 };
    return sameBook(after, { ...wanted, id: outcome.book.id }) ? undefined : `the log has ${showBook(after)}`;
  }
  if (before?.title !== request.title) return `the log has a change of ${before?.title} there`;
  if (request.expectedVersion !== undefined && request.expectedVersion !== before.version) {
    return `the book was at version ${before.version}`;
  }
  if (request.kind === "delete") return undefined;
  const wanted = { ...before, ...request.input, version: before.version + 1 };
  return sameBook(after, wanted) ? undefined : `${showBook(before)} became ${showBook(after)}`;
}

function faultOfRefusal(request: Mutation, { refusal }: Of<"refused">, catalogue: Catalogue): string | undefined {
  const book = catalogue.get(request.title);
  const input = request.kind === "delete" ? undefined : request.input;
  const expected = request.kind === "add" ? undefined : request.expectedVersion;
  const conflict = book !== undefined && expected !== undefined && expected !== book.version;
  // of several reasons: not found, then version conflict, then title, then ISBN
  const reachesUnique = request.kind === "add" || (book !== undefined && !conflict);
  const title = request.kind === "add" ? request.title : (input?.title ?? request.title);
  const titleTaken = request.kind === "add" ? book !== undefined : title !== request.title && catalogue.get(title);
  switch (refusal.type) {
    case "BookNotFoundError":
      return request.kind !== "add" && !book && refusal.subject === request.title
        ? undefined
        : `there is ${showBook(book)}`;
    case "VersionConflictError": {
      const told = refusal.actualVersion === book?.version && refusal.expectedVersion === expected;
      return conflict && told && sameBook(refusal.book, book) ? undefined : `there is ${showBook(book)}`;
    }
    case "TitleTakenError":
      return reachesUnique && titleTaken && refusal.subject === title ? undefined : `${title} is free or not asked for`;
    case "IsbnTakenError": {
      const holder = input?.isbn ? catalogue.withIsbn(input.isbn) : undefined;
      const taken = holder && holder !== book && !titleTaken && reachesUnique;
      return taken && refusal.subject === input?.isbn ? undefined : `${input?.isbn} is free or not asked for`;
    }
    default:
      return `nothing in the request is a ${refusal.type}`;
  }
}

function faultOfRead(request: Query, { books, page }: Of<"read">, catalogue: Catalogue): string | undefined {
  const { list } = catalogue;
  if (request.kind === "book" || request.kind === "form") {
    const book = catalogue.get(request.title);
    return sameBook(books[0], book) ? undefined : `it shows ${showBook(books[0])}, there is ${showBook(book)}`;
  }
  if (request.kind === "books") {
    return sameList(books, list) ? undefined : `it shows ${showList(books)}, there is ${showList(list)}`;
  }
  const expected = pageOf(request, list);
  if (!sameList(books, expected.books)) return `it shows ${showList(books)}, there is ${showList(expected.books)}`;
  const [told, facts] = [JSON.stringify(page), JSON.stringify(expected.page)];
  return told === facts ? undefined : `it says ${told}, true is ${facts}`;
}

function pageOf({ limit, cursor, backwards }: Extract<Query, { kind: "page" }>, list: readonly Book[]) {
  const inRange = list.filter(({ title }) => {
    if (cursor === undefined) return true;
    return backwards ? byTitle(title, cursor) < 0 : byTitle(title, cursor) > 0;
  });
  const books = backwards ? inRange.slice(-limit) : inRange.slice(0, limit);
  const first = books[0];
  const last = books.at(-1);
  // an empty page stands before or after all books
  const before = first ? list.indexOf(first) : backwards ? 0 : list.length;
  const after = last ? list.length - 1 - list.indexOf(last) : backwards ? list.length : 0;
  return { books, page: { totalCount: list.length, hasPreviousPage: before > 0, hasNextPage: after > 0 } };
}

function sameList(a: readonly Book[], b: readonly Book[]): boolean {
  return a.length === b.length && a.every((book, index) => sameBook(book, b[index]));
}

/** A process that the nemesis left alone answers; what was done to Redis is no excuse. */
function checkAvailability(operations: readonly Operation[]): Violation[] {
  const rule = "reads and writes do not fail while only Redis is ill";
  return operations.flatMap((operation) => {
    const { outcome } = operation;
    if (outcome?.kind !== "failed" || outcome.excuse) return [];
    return [{ rule, what: `${outcome.code}: ${outcome.message}`, operations: [operation] }];
  });
}
