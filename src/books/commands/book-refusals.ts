import { Refusal } from "../../cqrs/errors.ts";
import { tooMuch, ValidationError } from "../../graphql/refusals.ts";
import type { Book } from "../book.ts";
import type { BookRefused } from "./book-command.ts";

export class TitleTakenError extends Refusal {
  readonly title: string;

  constructor(title: string) {
    super(`There is already a book with the title “${title}”.`);
    this.title = title;
  }
}

export class IsbnTakenError extends Refusal {
  readonly isbn: string;

  constructor(isbn: string) {
    super(`There is already a book with the ISBN ${isbn}.`);
    this.isbn = isbn;
  }
}

export class BookNotFoundError extends Refusal {
  readonly title: string;

  constructor(title: string) {
    super(`There is no book with the title “${title}”.`);
    this.title = title;
  }
}

/** The book has changed since the client read it. */
export class VersionConflictError extends Refusal {
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
      return new BookNotFoundError(refused.title);
    case "versionConflict":
      return new VersionConflictError(refused.expectedVersion, refused.book);
    case "insufficientStock":
      return new InsufficientStockError(refused.available);
    case "tooMuchStock":
      return new ValidationError(tooMuch("by", refused.room));
    case "titleTaken":
      return new TitleTakenError(refused.title);
    case "isbnTaken":
      return new IsbnTakenError(refused.isbn);
    case "invalid":
    case "unchanged":
      throw new Error("this is told by whoever has asked");
  }
}
