import type { Builder } from "../../graphql/builder.ts";
import { connectionOf, largestPage, pageRequest } from "../../graphql/page.ts";
import type { SchemaConfig, SharedTypes } from "../../graphql/schema.ts";
import { normalisedTitle } from "../book-keys.ts";
import { maxBooks } from "../book-settings.ts";
import type { BookRef } from "../book-type.ts";
import { defineBookEditForm } from "./book-edit-form.ts";
import { bookQueries } from "./book-query-handler.ts";

export function defineBookQueries(builder: Builder, shared: SharedTypes, book: BookRef, config: SchemaConfig): void {
  const bookEditForm = defineBookEditForm(builder, shared, book);

  builder.queryFields((t) => ({
    books: t.field({
      type: [book],
      description:
        "The whole catalogue in title order. A catalogue too large for one answer is an error with the code TOO_MANY_BOOKS; read it by `booksConnection`.",
      extensions: { listSize: maxBooks.of(config) },
      resolve: (_, __, context) => bookQueries.of(context).books(context.consistency),
    }),
    book: t.field({
      type: book,
      nullable: true,
      description: "The book with this title, or null when there is none.",
      args: { title: t.arg.string({ required: true, description: "The title." }) },
      resolve: (_, { title }, context) => bookQueries.of(context).book(title, context.consistency),
    }),
    bookByIsbn: t.field({
      type: book,
      nullable: true,
      description: "The book with this ISBN, or null when there is none.",
      args: { isbn: t.arg.string({ required: true, description: "The ISBN, with or without hyphens." }) },
      resolve: (_, { isbn }, context) => bookQueries.of(context).bookByIsbn(isbn, context.consistency),
    }),
    bookEditForm: t.field({
      type: bookEditForm,
      nullable: true,
      description: "What a form to edit this book needs, or null when there is no such book.",
      args: { title: t.arg.string({ required: true, description: "The title." }) },
      resolve: (_, { title }, context) => bookQueries.of(context).bookEditForm(title, context.consistency),
    }),
    booksConnection: t.connection(
      {
        type: book,
        description: "The catalogue in title order, page by page. Without `first` and `last` a page has 50 books.",
        extensions: { listSize: largestPage },
        resolve: async (_, args, context, info) => {
          const request = pageRequest(args, info, normalisedTitle);
          const page = await bookQueries.of(context).page(request, context.consistency);
          return connectionOf(page, args, ({ title }) => title);
        },
      },
      {
        name: "BooksConnection",
        description: "A page of the catalogue.",
        fields: (c) => ({
          totalCount: c.int({
            description: "How many books the whole catalogue holds.",
            resolve: ({ totalCount }: { totalCount?: number | undefined }) => totalCount ?? 0,
          }),
        }),
      },
      { name: "BookEdge", description: "A book and where it stands." },
    ),
  }));
}
