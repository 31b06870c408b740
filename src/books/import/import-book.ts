import type { Command } from "../../cqrs/commands/stream-writer.ts";
import { Refusal } from "../../cqrs/errors.ts";
import { type Book, BookEntity, toBook } from "../book.ts";
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
  const { title, ...rest } = book;
  const add = addBook(book);
  return async (tx, revision) => {
    const stored = await tx.get(BookEntity, title, "title");
    if (stored && isSame(toBook(stored), rest)) throw new BookUnchanged(`“${title}” is stored already.`);
    return add(tx, revision);
  };
}

function isSame(stored: Book, row: Omit<NewBook, "title">): boolean {
  const { stockQuantity, ...texts } = row;
  return (
    (stockQuantity === undefined || stored.stockQuantity === (stockQuantity ?? 0)) &&
    Object.entries(texts).every(([field, value]) => stored[field as keyof typeof texts] === value)
  );
}
