import type { Builder } from "../graphql/builder.ts";
import { type Form, formFor, formParts } from "../graphql/form.ts";
import type { SharedTypes } from "../graphql/schema.ts";
import { type Book, updateBookInput } from "./book.ts";
import type { BookRef } from "./book-type.ts";

export interface BookEditForm extends Form {
  readonly book: Book;
}

const formOf = formFor("Edit book", "updateBook", updateBookInput);

/** The form that edits `book`: all of it from the rules that `updateBook` applies, and the book's values. */
export function bookEditForm(book: Book): BookEditForm {
  const { id: _, version, addedAt: __, updatedAt: ___, ...values } = book;
  return { book, ...formOf({ ...values, expectedVersion: version }) };
}

export function defineBookEditForm(builder: Builder, { formField }: SharedTypes, book: BookRef) {
  return builder.objectRef<BookEditForm>("BookEditForm").implement({
    description: "A form to edit a book, as a list of fields and as react-jsonschema-form takes it.",
    fields: (t) => ({
      book: t.expose("book", { type: book, description: "The book as it is." }),
      ...formParts(t, formField, Object.keys(updateBookInput.shape).length),
    }),
  });
}

export type BookEditFormRef = ReturnType<typeof defineBookEditForm>;
