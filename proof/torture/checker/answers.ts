import type { GroundTruth } from "../change-log.ts";
import { isMutation, type Mutation, type Operation, type Outcome, type Query, revisionOf } from "../history.ts";
import { showBook } from "../show.ts";
import { Catalogue, sameBook } from "./catalogue.ts";
import type { Edits } from "./edits.ts";
import { faultOfRead } from "./read-answers.ts";
import { faultOfRefusal } from "./refusals.ts";
import type { Violation } from "./violation.ts";

/** Every answer is exactly the state at the revision that it reports. */
export function checkAnswers(
  operations: readonly Operation[],
  truth: GroundTruth,
  authors: ReadonlyMap<number, Operation>,
  edits: Edits,
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
    if (revision > truth.changes.length) {
      const rule = outcome.kind === "acknowledged" ? LOST : "no answer is of a revision that its database never had";
      wrong(rule, `there is no revision ${revision} in the log`);
    } else if (outcome.kind === "acknowledged") {
      const fault = faultOfAcknowledged(operation, outcome, truth);
      if (fault) wrong(LOST, fault);
    } else if (outcome.kind === "refused") {
      const fault = faultOfRefusal(operation.request as Mutation, outcome, catalogue);
      if (fault) wrong("a refusal is right at the revision that it reports", fault);
    } else if (outcome.kind === "read") {
      const fault = faultOfRead(operation.request as Query, outcome, catalogue, edits.titlesFor(operation));
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
