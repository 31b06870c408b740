import type { GroundTruth } from "../change-log.ts";
import { type Book, mayHaveHappened, type Operation } from "../history.ts";
import { showBook } from "../show.ts";
import type { Violation } from "./violation.ts";

/** Finds the operation behind each change: adds and updates are signed, deletes are found by what they deleted. */
export function attribute(operations: readonly Operation[], { changes }: GroundTruth) {
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
