import { onlyOne } from "../../graphql/arguments.ts";
import type { Builder } from "../../graphql/builder.ts";
import type { SchemaConfig, SharedTypes } from "../../graphql/schema.ts";
import { type BookAddFormRef, bookAddForm } from "../book-add-form.ts";
import type { BookEditFormRef } from "../book-edit-form.ts";
import { soughtAs, soughtBy } from "../book-keys.ts";
import { maxBooks } from "../book-settings.ts";
import type { BookRef } from "../book-type.ts";
import { bookQueries } from "./book-query-handler.ts";
import { defineBooksConnection } from "./books-connection.ts";

interface BookTypes {
  readonly book: BookRef;
  readonly addForm: BookAddFormRef;
  readonly editForm: BookEditFormRef;
}

export function defineBookQueries(
  builder: Builder,
  shared: SharedTypes,
  { book, addForm, editForm }: BookTypes,
  config: SchemaConfig,
): void {
  builder.queryFields((t) => ({
    books: t.field({
      type: [book],
      // an error in it shall not cost the client the rest of its answer
      nullable: true,
      description:
        "The whole catalogue in title order: without regard to case and accents, and by code points among those that this leaves the same. A catalogue too large for one answer is an error with the code TOO_MANY_BOOKS; read it by `booksConnection`.",
      extensions: { listSize: maxBooks.of(config) },
      resolve: (_, __, context) => bookQueries.of(context).books(context.consistency),
    }),
    book: t.field({
      type: book,
      nullable: true,
      description: "The book with this title, id or ISBN, or null when there is none. Exactly one is to be given.",
      args: {
        title: t.arg.string({ description: "The title." }),
        id: t.arg.id({ description: "The `id` of the book, by which the database is asked." }),
        isbn: t.arg.string({ description: "The ISBN in either form, by which the database is asked." }),
        asOf: t.arg({
          type: "Revision",
          description:
            "The book that had it at this revision, as it then was. The database is asked; its own revision is told.",
        }),
      },
      resolve: (_, args, context) => {
        const { name, value } = onlyOne(args, "title", "id", "isbn");
        const queries = bookQueries.of(context);
        if (args.asOf != null) {
          const sought = name === "isbn" ? { isbn: value } : soughtBy({ [name]: value });
          return queries.bookAt(sought, args.asOf, context.consistency);
        }
        if (name === "isbn") return queries.bookByIsbn(value, context.consistency);
        return queries.book(soughtAs(name, value), context.consistency);
      },
    }),
    bookByIsbn: t.field({
      type: book,
      nullable: true,
      description: "The book with this ISBN, or null when there is none.",
      args: { isbn: t.arg.string({ required: true, description: "The ISBN in either form, with or without dashes." }) },
      resolve: (_, { isbn }, context) => bookQueries.of(context).bookByIsbn(isbn, context.consistency),
    }),
    bookAddForm: t.field({
      type: addForm,
      description: "What a form to add a book needs.",
      resolve: () => bookAddForm,
    }),
    bookEditForm: t.field({
      type: editForm,
      nullable: true,
      description:
        "What a form to edit this book needs, or null when there is no such book. Exactly one of title and id is to be given.",
      args: {
        title: t.arg.string({ description: "The title." }),
        id: t.arg.id({ description: "The `id` of the book, by which the database is asked." }),
      },
      resolve: (_, args, context) => bookQueries.of(context).bookEditForm(soughtBy(args), context.consistency),
    }),
  }));
  defineBooksConnection(builder, shared, book);
}
