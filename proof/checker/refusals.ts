import { type Mutation, type Outcome, type Request, signatureOf } from "../history/operation.ts";
import { showBook } from "../history/show.ts";
import { type Catalogue, sameBook } from "./catalogue.ts";
import { asStored } from "./isbn.ts";

/** The most that can be in stock. */
const MOST = 2_147_483_647;

/** What is wrong with a refusal when the catalogue is at the revision that it reports, and its key stands for `kept`. */
export function faultOfRefusal(
  request: Mutation,
  { refusal }: Extract<Outcome, { kind: "refused" }>,
  catalogue: Catalogue,
  kept: Request | undefined,
): string | undefined {
  const book = catalogue.get(request.title);
  if (request.kind === "adjust" && request.by !== 0 && refusal.type === "ValidationError") {
    const isTooMuch = book && book.stockQuantity + request.by > MOST;
    return !kept && isTooMuch && refusal.fields?.join() === "by" ? undefined : `there is ${showBook(book)}`;
  }
  const invalid = invalidFields(request);
  if (invalid.length > 0 || refusal.type === "ValidationError") {
    const told = refusal.type === "ValidationError" ? (refusal.fields ?? []) : undefined;
    return told?.join() === invalid.join() && invalid.length > 0 ? undefined : `not valid are “${invalid}”`;
  }
  // a key is looked for before the book
  if (kept || refusal.type === "IdempotencyKeyReusedError") {
    const isReused = kept && signatureOf(kept) !== signatureOf(request);
    return isReused && refusal.type === "IdempotencyKeyReusedError"
      ? undefined
      : "its key stands for what was asked for";
  }
  const input = "input" in request ? request.input : undefined;
  const expected = "expectedVersion" in request ? request.expectedVersion : undefined;
  const conflict = book !== undefined && expected !== undefined && expected !== book.version;
  // of several reasons: not found, then version conflict, then title or ISBN, for a dump restored has its indexes in another order
  const reachesUnique = request.kind === "add" || (book !== undefined && !conflict);
  const title = request.kind === "add" ? request.title : (input?.title ?? request.title);
  const titleTaken = request.kind === "add" ? book !== undefined : title !== request.title && catalogue.get(title);
  if (refusal.subject !== undefined && refusal.message?.includes(refusal.subject) === false) {
    return `“${refusal.message}” does not name ${refusal.subject}`;
  }
  switch (refusal.type) {
    case "BookNotFoundError":
      return request.kind !== "add" && !book && refusal.subject === request.title
        ? undefined
        : `there is ${showBook(book)}`;
    case "VersionConflictError": {
      const told = refusal.actualVersion === book?.version && refusal.expectedVersion === expected;
      return conflict && told && sameBook(refusal.book, book) ? undefined : `there is ${showBook(book)}`;
    }
    case "InsufficientStockError": {
      const isTooLittle = request.kind === "adjust" && book && book.stockQuantity + request.by < 0;
      return isTooLittle && refusal.available === book.stockQuantity ? undefined : `there is ${showBook(book)}`;
    }
    case "TitleTakenError":
      return reachesUnique && titleTaken && refusal.subject === title && sameBook(refusal.book, catalogue.get(title))
        ? undefined
        : `${title} is free or not asked for, or another book has it`;
    case "IsbnTakenError": {
      const isbn = asStored(input?.isbn);
      const holder = isbn ? catalogue.withIsbn(isbn) : undefined;
      const taken = holder && (request.kind === "add" || holder !== book) && reachesUnique;
      return taken && refusal.subject === isbn && sameBook(refusal.book, holder)
        ? undefined
        : `${isbn} is free or not asked for, or another book has it`;
    }
    default:
      return `nothing in the request is a ${refusal.type}`;
  }
}

/** The fields of an input that no rule allows, of the few kinds that the workload sends. */
export function invalidFields(request: Mutation): string[] {
  if (request.kind === "delete") return [];
  if (request.kind === "adjust") return request.by === 0 ? ["by"] : [];
  const { isbn, stockQuantity = 0 } = request.input;
  const title = request.kind === "add" ? request.title : request.input.title;
  return [
    ...(title?.trim() === "" ? ["title"] : []),
    ...(isbn != null && !/^(\d{10}|\d{13})$/.test(isbn) ? ["isbn"] : []),
    ...(stockQuantity < 0 ? ["stockQuantity"] : []),
  ];
}
