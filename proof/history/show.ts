import type { Answer, Book, Operation, Outcome, Request } from "./operation.ts";

/** A book, short enough for a line of a report. */
export function showBook(book: Book | null | undefined): string {
  return book ? `${book.title}=${book.author}/v${book.version}` : "none";
}

export function showList(books: readonly (Book | null)[]): string {
  return `[${books.map(showBook).join(" ")}]`;
}

/** An operation as a line: when, who, what, and what came of it. */
export function showOperation({
  id,
  client,
  process,
  request,
  atLeast,
  invoked,
  completed,
  outcome,
}: Operation): string {
  const to = completed ? `${completed.ms.toFixed(0)} ms` : "?";
  const least = atLeast === undefined ? "" : ` at least ${atLeast}`;
  return `#${id} ${invoked.ms.toFixed(0)}–${to} ${client}→${process} ${showRequest(request)}${least}: ${showOutcome(outcome)}`;
}

function showRequest({ kind, ...rest }: Request): string {
  return `${kind} ${JSON.stringify(rest)}`;
}

function showOutcome(outcome: Outcome | undefined): string {
  switch (outcome?.kind) {
    case undefined:
      return "no completion";
    case "acknowledged":
      return `acknowledged at ${outcome.revision}, ${showBook(outcome.book)}`;
    case "refused":
      return `refused at ${outcome.revision}, ${outcome.refusal.type}`;
    case "read":
      return `read at ${outcome.revision} from ${outcome.servedBy}, ${outcome.answers.map(showAnswer).join(", ")}`;
    case "not reached":
      return "revision not reached";
    case "trimmed":
      return `trimmed up to ${outcome.oldest}`;
    case "failed":
      return `${outcome.code} ${outcome.message}${outcome.excuse ? ` (${outcome.excuse})` : ""}`;
  }
}

function showAnswer({ books, page }: Answer): string {
  return showList(books) + (page && "totalCount" in page ? ` of ${page.totalCount}` : "");
}
