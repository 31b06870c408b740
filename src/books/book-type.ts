import type { Builder } from "../graphql/builder.ts";
import { nodesOf } from "../graphql/global-ids.ts";
import type { Book } from "./book.ts";
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
      title: t.exposeString("title", { description: "The title; no two books have the same." }),
      author: t.exposeString("author", { description: "The author, or several as one text." }),
      publishedDate: t.expose("publishedDate", {
        type: "Date",
        nullable: true,
        description: "The day of publication; null when it is not known.",
      }),
      isbn: t.exposeString("isbn", {
        nullable: true,
        description: "10 or 13 characters without hyphens; no two books have the same. Null when it is not known.",
      }),
      stockQuantity: t.exposeInt("stockQuantity", { description: "How many are in stock." }),
      version: t.exposeInt("version", { description: "1 when the book was added, one more with each update." }),
    }),
  });
  return book;
}

export type BookRef = ReturnType<typeof defineBookType>;
