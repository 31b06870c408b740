import type { Mutation, Outcome } from "../history.ts";
import { showBook } from "../show.ts";
import { type Catalogue, sameBook } from "./catalogue.ts";

/** What is wrong with a refusal when the catalogue is at the revision that it reports. */
export function faultOfRefusal(
  request: Mutation,
  { refusal }: Extract<Outcome, { kind: "refused" }>,
  catalogue: Catalogue,
): string | undefined {
  const book = catalogue.get(request.title);
  const input = request.kind === "delete" ? undefined : request.input;
  const expected = request.kind === "add" ? undefined : request.expectedVersion;
  const conflict = book !== undefined && expected !== undefined && expected !== book.version;
  // of several reasons: not found, then version conflict, then title or ISBN, for a dump restored has its indexes in another order
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
      const taken = holder && (request.kind === "add" || holder !== book) && reachesUnique;
      return taken && refusal.subject === input?.isbn ? undefined : `${input?.isbn} is free or not asked for`;
    }
    default:
      return `nothing in the request is a ${refusal.type}`;
  }
}
