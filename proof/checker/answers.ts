import { HISTORY_FIRST } from "../clients/documents.ts";
import type { Change } from "../history/change.ts";
import {
  isMutation,
  type Mutation,
  type Operation,
  type Outcome,
  type Reading,
  type ReadOutcome,
  revisionOf,
} from "../history/operation.ts";
import { showBook } from "../history/show.ts";
import type { Authors } from "./authors.ts";
import { sameBook } from "./catalogue.ts";
import { asStored } from "./isbn.ts";
import type { Entry, Ledger } from "./ledger.ts";
import { faultOfRead } from "./read-answers.ts";
import { faultOfRefusal, invalidFields } from "./refusals.ts";

/** A rule that an answer breaks, and how. */
export interface Fault {
  readonly rule: string;
  readonly what: string;
}

const LOST = "an acknowledged mutation is in the log, as it was answered";

/**
 * What is wrong with an answer, which is to be exactly the state at the revision that it reports. `trimmed` says up
 * to which revision the log may be gone.
 */
export function faultOfAnswered(
  operation: Operation,
  ledger: Ledger,
  authors: Authors,
  edited: ReadonlySet<string>,
  trimmed: () => number,
): Fault | undefined {
  const { outcome, request } = operation;
  const revision = revisionOf(outcome);
  // what is older than the branch is found wrong as such
  if (!outcome || revision === undefined || revision < ledger.beginning) return undefined;
  if (revision > ledger.last.revision) {
    const rule = outcome.kind === "acknowledged" ? LOST : "no answer is of a revision that its database never had";
    return { rule, what: `there is no revision ${revision} in the log` };
  }
  const entry = ledger.at(revision);
  if (!entry) {
    const rule = "no answer is older than what its checker remembers";
    return {
      rule,
      what: `revision ${revision} was over long ago, the oldest that is kept is ${ledger.first.revision}`,
    };
  }
  switch (outcome.kind) {
    case "acknowledged":
      return faultIf(LOST, faultOfAcknowledged(operation, outcome, ledger, authors.keptAt(revision, operation)));
    case "refused": {
      const rule = "a refusal is right at the revision that it reports";
      const kept = authors.keptAt(revision, operation)?.author.request;
      return faultIf(rule, faultOfRefusal(request as Mutation, outcome, entry.catalogue, kept));
    }
    case "read": {
      if (request.kind === "improper" || request.kind === "changes") return undefined;
      if (request.kind === "history") {
        const rule = "a history is what the log says of a book";
        return faultIf(rule, faultOfHistory(outcome, entry, ledger, edited, trimmed()));
      }
      if (request.kind === "past") {
        const rule = "a book as of a revision is as it was at that revision";
        return faultIf(rule, faultOfPast(request, outcome, ledger));
      }
      const rule = "a read is the state at the revision that it reports";
      const entries = request.kind === "several" ? possibleFor(operation, ledger, revision) : [entry];
      return faultIf(rule, faultOfRead(request as Reading, outcome, entries, edited));
    }
    default:
      return undefined;
  }
}

/** What was so long ago that nobody remembers it may have been anything. */
function faultOfPast(
  { title, asOf }: Extract<Operation["request"], { kind: "past" }>,
  { answers, revision }: ReadOutcome,
  ledger: Ledger,
): string | undefined {
  if (asOf > revision) return `the database had only reached ${revision}`;
  const then = ledger.at(asOf);
  const told = answers[0]?.books[0];
  const was = then?.catalogue.get(title);
  return !then || sameBook(told, was) ? undefined : `it shows ${showBook(told)}, there was ${showBook(was)}`;
}

/** The book may be read at the revision that is reported, and what became of it a little later. */
function faultOfHistory(
  { answers }: ReadOutcome,
  { catalogue, revision }: Entry,
  ledger: Ledger,
  edited: ReadonlySet<string>,
  trimmed: number,
) {
  const { books, changes = [] } = answers[0] ?? { books: [] };
  const [book] = books;
  const was = book && catalogue.get(book.title);
  // of a row that was edited by hand nothing is certain, not even whose history was asked for
  if (book && edited.has(book.title)) return undefined;
  if (book && !sameBook(book, was)) return `it shows ${showBook(book)}, there was ${showBook(was)}`;
  const known = ({ revision: at }: { readonly revision: number }) => at > Math.max(ledger.first.revision, trimmed);
  const told = changes.filter(known);
  const isOf = ({ change }: Entry) => change && (change.after ?? change.before)?.id === book?.id;
  const newest = Math.max(revision, told[0]?.revision ?? 0);
  const logged = ledger.between(ledger.first.revision, newest).filter((entry) => known(entry) && isOf(entry));
  // a page has the newest; what is not told of them may have been trimmed, or was over long ago
  const expected = logged.reverse().slice(0, HISTORY_FIRST);
  const faults = expected.filter(({ change }, index) => !change || !sameChange(change, told[index]));
  if (faults.length === 0 && told.length <= expected.length) return undefined;
  const list = (all: readonly { readonly revision: number }[]) => all.map((one) => one.revision).join(", ");
  return `it tells of ${list(told)}, the log has ${list(expected)}`;
}

function sameChange(a: Change, b: Change | undefined): boolean {
  return a.revision === b?.revision && a.kind === b.kind && sameBook(a.before, b.before) && sameBook(a.after, b.after);
}

/** The revisions from `revision` on that there can have been before an operation had completed. */
export function possibleFor({ completed }: Operation, ledger: Ledger, revision: number) {
  const entries = ledger.between(revision, ledger.last.revision);
  const first = entries.findIndex(({ latest }) => latest && latest.invoked.order > (completed?.order ?? 0));
  return entries.slice(0, first < 0 ? undefined : Math.max(1, first));
}

function faultIf(rule: string, what: string | undefined): Fault | undefined {
  return what === undefined ? undefined : { rule, what };
}

type Acknowledged = Extract<Outcome, { kind: "acknowledged" }>;

/** `kept` is what the operation's key stood for: a repeat is answered as what it repeats was. */
function faultOfAcknowledged(
  { request }: Operation,
  { revision, book }: Acknowledged,
  ledger: Ledger,
  kept: { readonly revision: number } | undefined,
) {
  if (!isMutation(request)) return "it is no mutation";
  if (request.key !== undefined && !kept) return "its key was not kept";
  const made = kept?.revision ?? revision;
  // it was over long ago
  if (made < ledger.first.revision) return undefined;
  const change = ledger.at(made)?.change;
  if (!change) return "it has no place in the log";
  const { kind, before, after } = change;
  if (kind !== (request.kind === "adjust" ? "update" : request.kind))
    return `the log has a change of kind ${kind} there`;
  if (!sameBook(book, after ?? before))
    return `it answered ${showBook(book)}, the log has ${showBook(after ?? before)}`;
  const invalid = invalidFields(request);
  if (invalid.length > 0) return `not valid are “${invalid}”`;
  if (request.kind === "add") {
    const { author, isbn = null, language = null, stockQuantity = 0 } = request.input;
    const given = { title: request.title, author, isbn: asStored(isbn), language, stockQuantity };
    const wanted = { ...book, ...given, publishedDate: null, description: null, coverUrl: null };
    return sameBook(after, wanted) ? undefined : `the log has ${showBook(after)}`;
  }
  if (before?.title !== request.title) return `the log has a change of ${before?.title} there`;
  if (request.kind === "adjust") {
    const own = { version: made, updatedAt: book.updatedAt };
    const wanted = { ...before, stockQuantity: before.stockQuantity + request.by, ...own };
    return sameBook(after, wanted) ? undefined : `${showBook(before)} became ${showBook(after)}`;
  }
  if (request.expectedVersion !== undefined && request.expectedVersion !== before.version) {
    return `the book was at version ${before.version}`;
  }
  if (request.kind === "delete") return undefined;
  const { isbn = before.isbn, ...input } = request.input;
  const wanted = { ...before, ...input, isbn: asStored(isbn), version: made, updatedAt: book.updatedAt };
  return sameBook(after, wanted) ? undefined : `${showBook(before)} became ${showBook(after)}`;
}
