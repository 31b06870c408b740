import { orderKey } from "../cqrs/folding.ts";
import type { StreamDefinition } from "../cqrs/stream.ts";
import { type Book, BookEntity } from "./book.ts";
import { derived } from "./book-derived.ts";
import { bookFormat } from "./book-format.ts";
import { decisions } from "./commands/book-decisions.ts";

/** Books as a stream: commanded under one row, logged in `book_change`, read by title, and listed in title order. */
export const bookStream: StreamDefinition<Book> = {
  name: "books",
  entity: BookEntity,
  key: "title",
  order: { column: "title_key", of: orderKey },
  changes: "book_change",
  format: bookFormat,
  decisions,
  derived,
  carried: { language: ["published_date", "stock_quantity"] },
};
