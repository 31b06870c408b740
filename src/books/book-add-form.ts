import type { Builder } from "../graphql/builder.ts";
import { withDefaults } from "../graphql/fields.ts";
import { type Form, formFor, formParts } from "../graphql/form.ts";
import type { SharedTypes } from "../graphql/schema.ts";
import { addBookInput } from "./book.ts";
import { bookFields } from "./book-fields.ts";

/** The form that adds a book: all of it from the rules that `addBook` applies. What has to be filled in is empty. */
export const bookAddForm: Form = formFor(
  "Add book",
  "addBook",
  addBookInput,
)(withDefaults(bookFields, { title: "", author: "" }));

export function defineBookAddForm(builder: Builder, { formField }: SharedTypes) {
  return builder.objectRef<Form>("BookAddForm").implement({
    description: "A form to add a book, as a list of fields and as react-jsonschema-form takes it.",
    fields: (t) => formParts(t, formField, Object.keys(addBookInput.shape).length),
  });
}

export type BookAddFormRef = ReturnType<typeof defineBookAddForm>;
