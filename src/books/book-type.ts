import type { Builder } from "../graphql/builder.ts";
import { outputFields } from "../graphql/fields.ts";
import { nodesOf } from "../graphql/global-ids.ts";
import type { Book } from "./book.ts";
import { bookFields } from "./book-fields.ts";
import { isbn10Of } from "./isbn-forms.ts";
import { bookQueries } from "./queries/book-query-handler.ts";

export function defineBookType(builder: Builder) {
  const book = builder.objectRef<Book>("Book");
  builder.node(book, {
    description: "A book of the catalogue.",
    id: { resolve: ({ id }) => id, description: "Identifies the book; it stays the same when the book is renamed." },
    isTypeOf: (value) => typeof value === "object" && value !== null && "stockQuantity" in value,
    loadManyWithoutCache: async (ids, context) => {
      const books = await bookQueries.of(context).booksById(ids.map(Number), context.consistency);
      return nodesOf("Book", books);
    },
    fields: (t) => ({
      ...outputFields(t, bookFields),
      isbn10: t.string({
        nullable: true,
        description: "The ISBN in its form of ten characters; null where there is none, or the check digit is wrong.",
        resolve: ({ isbn }) => isbn10Of(isbn),
      }),
    }),
  });
  return book;
}

export type BookRef = ReturnType<typeof defineBookType>;
