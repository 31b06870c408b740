import type { Builder } from "../../graphql/builder.ts";
import { defineChangeList, defineHistory } from "../../graphql/changes.ts";
import type { BookChangeRef } from "../book-change-type.ts";
import type { BookRef } from "../book-type.ts";
import { bookQueries } from "./book-query-handler.ts";

/** `Book.history`, and the changes of all books. */
export function defineBookHistory(builder: Builder, book: BookRef, change: BookChangeRef): void {
  defineHistory(builder, "BookHistory", "book", book, change, ({ id }, page, context) =>
    bookQueries.of(context).history(id, page, context.consistency),
  );
  defineChangeList(builder, "changes", "books", change, (after, limit, context) =>
    bookQueries.of(context).changes(after, limit, context.consistency),
  );
}
