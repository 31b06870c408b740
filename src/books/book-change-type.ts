import type { Builder } from "../graphql/builder.ts";
import { defineChange } from "../graphql/changes.ts";
import type { SharedTypes } from "../graphql/schema.ts";
import type { Book } from "./book.ts";
import type { BookRef } from "./book-type.ts";

/** Changes of books. The books in them are those of the past: their `id` is that of the book as it now is. */
export function defineBookChange(builder: Builder, { changeKind }: SharedTypes, book: BookRef) {
  return defineChange<Book, BookRef>(builder, changeKind, "BookChange", "book", book);
}

export type BookChangeRef = ReturnType<typeof defineBookChange>;
