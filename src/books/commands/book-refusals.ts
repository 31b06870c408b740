import type { z } from "zod";
import { Refusal } from "../../cqrs/errors.ts";
import type { Book } from "../book.ts";

/** One field of the input and what is wrong with it. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** The input breaks a rule; every broken one is listed. */
export class ValidationError extends Refusal {
  readonly fieldErrors: readonly FieldError[];

  constructor(error: z.ZodError) {
    const fieldErrors = error.issues.map(({ path, message }) => ({ field: path.join("."), message }));
    super(fieldErrors.map(({ field, message }) => `${field} ${message}`).join("; "));
    this.fieldErrors = fieldErrors;
  }
}

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
