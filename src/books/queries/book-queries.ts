import type { Builder } from "../../graphql/builder.ts";
import { updateBookInput } from "../book.ts";
import type { BookRef } from "../book-type.ts";
import { connectionOf, largestPage, pageRequest } from "./book-connection.ts";
import type { BookEditForm, FormField } from "./book-edit-form.ts";

/** `maxBooks` is the largest catalogue that `books` answers with. */
export function defineBookQueries(builder: Builder, book: BookRef, maxBooks: number): void {
  const bookEditForm = defineEditForm(builder, book);

  builder.queryFields((t) => ({
    books: t.field({
      type: [book],
      description:
        "The whole catalogue in title order. A catalogue too large for one answer is an error with the code TOO_MANY_BOOKS; read it by `booksConnection`.",
      extensions: { listSize: maxBooks },
      resolve: (_, __, { bookQueries, consistency }) => bookQueries.books(consistency),
    }),
    book: t.field({
      type: book,
      nullable: true,
      description: "The book with this title, or null when there is none.",
      args: { title: t.arg.string({ required: true, description: "The title." }) },
      resolve: (_, { title }, { bookQueries, consistency }) => bookQueries.book(title, consistency),
    }),
    bookByIsbn: t.field({
      type: book,
      nullable: true,
      description: "The book with this ISBN, or null when there is none.",
      args: { isbn: t.arg.string({ required: true, description: "The ISBN, with or without hyphens." }) },
      resolve: (_, { isbn }, { bookQueries, consistency }) => bookQueries.bookByIsbn(isbn, consistency),
    }),
    bookEditForm: t.field({
      type: bookEditForm,
      nullable: true,
      description: "What a form to edit this book needs, or null when there is no such book.",
      args: { title: t.arg.string({ required: true, description: "The title." }) },
      resolve: (_, { title }, { bookQueries, consistency }) => bookQueries.bookEditForm(title, consistency),
    }),
    booksConnection: t.connection(
      {
        type: book,
        description: "The catalogue in title order, page by page. Without `first` and `last` a page has 50 books.",
        extensions: { listSize: largestPage },
        resolve: async (_, args, { bookQueries, consistency }, info) => {
          const request = pageRequest(args, info);
          return connectionOf(await bookQueries.page(request, consistency), args);
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

function defineEditForm(builder: Builder, book: BookRef) {
  const formField = builder.objectRef<FormField>("FormField").implement({
    description: "One field of a form, as an HTML form needs it.",
    fields: (t) => ({
      name: t.exposeString("name", { description: "The field's name in the input of the mutation." }),
      label: t.exposeString("label", { description: "The field's name for people." }),
      inputType: t.exposeString("inputType", { description: "The type of an HTML input." }),
      value: t.exposeString("value", { nullable: true, description: "The current value; null when there is none." }),
      required: t.exposeBoolean("required", { description: "Whether the field must have a value." }),
      readOnly: t.exposeBoolean("readOnly", { description: "Whether the value is to be sent back as it is." }),
      minLength: t.exposeInt("minLength", { nullable: true, description: "The shortest text, in code points." }),
      maxLength: t.exposeInt("maxLength", {
        nullable: true,
        description: "The longest text, in code points (an HTML maxlength counts UTF-16 units; `pattern` does not).",
      }),
      min: t.exposeInt("min", { nullable: true, description: "The smallest number." }),
      max: t.exposeInt("max", { nullable: true, description: "The largest number." }),
      pattern: t.exposeString("pattern", {
        nullable: true,
        description: "A regular expression that the whole text must match, as HTML and JSON Schema take it.",
      }),
      helpText: t.exposeString("helpText", { nullable: true, description: "A hint for people." }),
      message: t.exposeString("message", {
        nullable: true,
        description: "What to say to people, after the label, when the value is refused.",
      }),
    }),
  });

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
