import { Refusal } from "../../cqrs/errors.ts";
import { tooMuch, ValidationError } from "../../graphql/refusals.ts";
import type { Book } from "../book.ts";
import type { Sought } from "../book-keys.ts";
import type { BookRefused } from "./book-command.ts";

/** What programs know refusals by, and what each means. */
export const bookRefusalCodes = {
  TITLE_TAKEN: "Another book has this title.",
  ISBN_TAKEN: "Another book has this ISBN, in whichever form.",
  BOOK_NOT_FOUND: "No book has this title or id.",
  INSUFFICIENT_STOCK: "Less is in stock than was to be taken.",
  VERSION_CONFLICT: "The book is not at the version that the mutation expects.",
};

export class TitleTakenError extends Refusal {
  readonly code = "TITLE_TAKEN";
  readonly title: string;
  /** The one that has it. */
  readonly book: Book;

  constructor(title: string, book: Book) {
    super(`There is already a book with the title “${title}”.`);
    this.title = title;
    this.book = book;
  }
}

export class IsbnTakenError extends Refusal {
  readonly code = "ISBN_TAKEN";
  readonly isbn: string;
  /** The one that has it. */
  readonly book: Book;

  constructor(isbn: string, book: Book) {
    super(`There is already a book with the ISBN ${isbn}.`);
    this.isbn = isbn;
    this.book = book;
  }
}

export class BookNotFoundError extends Refusal {
  readonly code = "BOOK_NOT_FOUND";
  /** The title or id, as it was asked for. */
  readonly title: string;

  constructor({ by, asked }: Sought) {
    super(`There is no book with the ${by} “${asked}”.`);
    this.title = asked;
  }
}

/** The book has changed since the client read it. */
export class VersionConflictError extends Refusal {
  readonly code = "VERSION_CONFLICT";
  readonly expectedVersion: number;
  readonly actualVersion: number;
  readonly book: Book;

  constructor(expectedVersion: number, book: Book) {
    super(`The book is at version ${book.version}, not at version ${expectedVersion}.`);
    this.expectedVersion = expectedVersion;
    this.actualVersion = book.version;
    this.book = book;
  }
}

/** Less is in stock than was to be taken. */
export class InsufficientStockError extends Refusal {
  readonly code = "INSUFFICIENT_STOCK";
  readonly available: number;

  constructor(available: number) {
    super(`Only ${available} are in stock.`);
    this.available = available;
  }
}

/** A refusal as it is answered. */
export function refusalOf(refused: BookRefused): Refusal {
  switch (refused.kind) {
    case "notFound":
      return new BookNotFoundError(refused.sought);
    case "versionConflict":
      return new VersionConflictError(refused.expectedVersion, refused.book);
    case "insufficientStock":
      return new InsufficientStockError(refused.available);
    case "tooMuchStock":
      return new ValidationError(tooMuch("by", refused.room));
    case "titleTaken":
      return new TitleTakenError(refused.title, refused.book);
    case "isbnTaken":
      return new IsbnTakenError(refused.isbn, refused.book);
    case "invalid":
    case "unchanged":
      throw new Error("this is told by whoever has asked");
  }
}
