import type { Builder } from "../graphql/builder.ts";
import { type Form, formFor } from "../graphql/form.ts";
import type { SharedTypes } from "../graphql/schema.ts";
import { type Book, updateBookInput } from "./book.ts";
import type { BookRef } from "./book-type.ts";

export interface BookEditForm extends Form {
  readonly book: Book;
  readonly mutation: "updateBook";
}

const formOf = formFor("Edit book", updateBookInput);

/** The form that edits `book`: all of it from the rules that `updateBook` applies, and the book's values. */
export function bookEditForm(book: Book): BookEditForm {
  const { id: _, version, addedAt: __, updatedAt: ___, ...values } = book;
  return { book, mutation: "updateBook", ...formOf({ ...values, expectedVersion: version }) };
}

export function defineBookEditForm(builder: Builder, { formField }: SharedTypes, book: BookRef) {
  return builder.objectRef<BookEditForm>("BookEditForm").implement({
    description: "A form to edit a book, as a list of fields and as react-jsonschema-form takes it.",
    fields: (t) => ({
      book: t.expose("book", { type: book, description: "The book as it is." }),
      mutation: t.exposeString("mutation", { description: "The mutation that takes the form as its input." }),
      fields: t.expose("fields", {
        type: [formField],
        description: "The fields in their order.",
        extensions: { listSize: Object.keys(updateBookInput.shape).length },
      }),
      jsonSchema: t.expose("jsonSchema", {
        type: "JSON",
        description: "JSON Schema (draft-07) that accepts what the mutation accepts.",
      }),
      uiSchema: t.expose("uiSchema", {
        type: "JSON",
        description: "How react-jsonschema-form draws the fields; `ui:message` is a field's message.",
      }),
      formData: t.expose("formData", { type: "JSON", description: "The current values, an input for the mutation." }),
    }),
  });
}

export type BookEditFormRef = ReturnType<typeof defineBookEditForm>;
