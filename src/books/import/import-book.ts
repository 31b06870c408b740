import type { Command } from "../../cqrs/commands/stream-writer.ts";
import { Refusal } from "../../cqrs/errors.ts";
import { withDefaults } from "../../graphql/fields.ts";
import { type Book, BookEntity, toBook } from "../book.ts";
import { bookFields } from "../book-fields.ts";
import { addBook, type NewBook, newBook } from "../commands/book-commands.ts";
import type { BookInput } from "./book-row.ts";

/** The book is stored already, as the row has it. A refusal, so that the row takes no revision. */
export class BookUnchanged extends Refusal {}

/**
 * `addBook`, except that a book which is stored as `input` has it is left alone. What `input` does not mention may
 * differ.
 *
 * @throws ValidationError
 */
export function importBook(input: BookInput): Command<Book> {
  const book = newBook(input);
  const add = addBook(book);
  return async (tx, revision) => {
    const stored = await tx.get(BookEntity, book.title, "title");
    if (stored && isSame(toBook(stored), book)) throw new BookUnchanged(`“${book.title}” is stored already.`);
    return add(tx, revision);
  };
}

function isSame(stored: Book, row: NewBook): boolean {
  const whole = withDefaults(bookFields, row);
  const mentioned = (Object.keys(whole) as (keyof typeof whole)[]).filter((field) => row[field] !== undefined);
  return mentioned.every((field) => stored[field] === whole[field]);
}
