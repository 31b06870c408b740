import { IdempotencyKeyReused } from "../../cqrs/errors.ts";
import type { Builder } from "../../graphql/builder.ts";
import { inputFields } from "../../graphql/fields.ts";
import { idempotencyKey, onceOf } from "../../graphql/idempotency-key.ts";
import { ValidationError } from "../../graphql/refusals.ts";
import type { SharedTypes } from "../../graphql/schema.ts";
import { type BookEditFormRef, bookEditForm } from "../book-edit-form.ts";
import { bookFields } from "../book-fields.ts";
import { soughtBy } from "../book-keys.ts";
import type { BookRef } from "../book-type.ts";
import { bookCommands } from "./book-command-handler.ts";
import {
  BookNotFoundError,
  InsufficientStockError,
  IsbnTakenError,
  TitleTakenError,
  VersionConflictError,
} from "./book-refusals.ts";

export function defineBookMutations(
  builder: Builder,
  { error }: SharedTypes,
  book: BookRef,
  form: BookEditFormRef,
): void {
  defineBookRefusals(builder, error, book, form);

  const addBookInput = builder.inputType("AddBookInput", {
    description: "A new book. Texts are trimmed and normalised to Unicode NFC.",
    fields: (t) => inputFields(t, bookFields, "add"),
  });

  const updateBookInput = builder.inputType("UpdateBookInput", {
    description: "What changes. An absent field is left alone; null clears what may be null.",
    fields: (t) => ({
      ...inputFields(t, bookFields, "update"),
      expectedVersion: t.field({
        type: "Revision",
        description: "Refuse the update unless the book is at this version.",
      }),
    }),
  });

  builder.mutationField("addBook", (t) =>
    t.field({
      type: book,
      description: "Adds a book.",
      args: {
        input: t.arg({ type: addBookInput, required: true, description: "The new book." }),
        idempotencyKey: t.arg.string(idempotencyKey),
      },
      errors: {
        types: [ValidationError, TitleTakenError, IsbnTakenError, IdempotencyKeyReused],
        union: { name: "AddBookResult", description: "The added book, or why it was refused." },
      },
      resolve: (_, args, context, info) =>
        bookCommands.of(context).addBook(args.input, context.consistency, onceOf(args, info)),
    }),
  );

  builder.mutationField("updateBook", (t) =>
    t.field({
      type: book,
      description:
        "Changes a book. Exactly one of title and id is to be given. An update that changes nothing is still one: the version rises.",
      args: {
        ...soughtArgs(t),
        input: t.arg({ type: updateBookInput, required: true, description: "What changes." }),
        idempotencyKey: t.arg.string(idempotencyKey),
      },
      errors: {
        types: [
          ValidationError,
          BookNotFoundError,
          VersionConflictError,
          TitleTakenError,
          IsbnTakenError,
          IdempotencyKeyReused,
        ],
        union: { name: "UpdateBookResult", description: "The book as it now is, or why the update was refused." },
      },
      resolve: (_, args, context, info) =>
        bookCommands.of(context).updateBook(soughtBy(args), args.input, context.consistency, onceOf(args, info)),
    }),
  );

  builder.mutationField("adjustStock", (t) =>
    t.field({
      type: book,
      description:
        "Adds to what is in stock of a book, or takes from it, whatever others do at the same time. Exactly one of title and id is to be given.",
      args: {
        ...soughtArgs(t),
        by: t.arg.int({ required: true, description: "How many more are in stock, or how many less: not 0." }),
        idempotencyKey: t.arg.string(idempotencyKey),
      },
      errors: {
        types: [ValidationError, BookNotFoundError, InsufficientStockError, IdempotencyKeyReused],
        union: { name: "AdjustStockResult", description: "The book as it now is, or why its stock stays as it was." },
      },
      resolve: (_, args, context, info) =>
        bookCommands.of(context).adjustStock(soughtBy(args), args.by, context.consistency, onceOf(args, info)),
    }),
  );

  builder.mutationField("deleteBook", (t) =>
    t.field({
      type: book,
      description: "Deletes a book. Exactly one of title and id is to be given.",
      args: {
        ...soughtArgs(t),
        expectedVersion: t.arg({ type: "Revision", description: "Refuse unless the book is at this version." }),
        idempotencyKey: t.arg.string(idempotencyKey),
      },
      errors: {
        types: [BookNotFoundError, VersionConflictError, IdempotencyKeyReused],
        union: { name: "DeleteBookResult", description: "The book as it last was, or why it was not deleted." },
      },
      resolve: (_, args, context, info) =>
        bookCommands
          .of(context)
          .deleteBook(soughtBy(args), args.expectedVersion, context.consistency, onceOf(args, info)),
    }),
  );
}

type MutationFields = Parameters<Parameters<Builder["mutationField"]>[1]>[0];

function soughtArgs(t: MutationFields) {
  return {
    title: t.arg.string({ description: "The title of the book as it is now." }),
    id: t.arg.id({ description: "The `id` of the book, which stays when it is renamed." }),
  };
}

/** The refusals as members of the result unions. */
function defineBookRefusals(builder: Builder, error: SharedTypes["error"], book: BookRef, form: BookEditFormRef): void {
  builder.objectType(TitleTakenError, {
    name: "TitleTakenError",
    description: "Another book has this title.",
    interfaces: [error],
    fields: (t) => ({
      title: t.exposeString("title", { description: "The title, as it would be stored." }),
      book: t.expose("book", { type: book, description: "The book that has it." }),
    }),
  });
  builder.objectType(IsbnTakenError, {
    name: "IsbnTakenError",
    description: "Another book has this ISBN.",
    interfaces: [error],
    fields: (t) => ({
      // as that of a book is, so that one query can select both
      isbn: t.exposeString("isbn", { nullable: true, description: "The ISBN, as it would be stored." }),
      book: t.expose("book", { type: book, description: "The book that has it, in this form or the other." }),
    }),
  });
  builder.objectType(BookNotFoundError, {
    name: "BookNotFoundError",
    description: "No book has this title, or this id.",
    interfaces: [error],
    fields: (t) => ({
      title: t.exposeString("title", { description: "The title or id that was asked for, as it was sent." }),
    }),
  });
  builder.objectType(InsufficientStockError, {
    name: "InsufficientStockError",
    description: "Less is in stock than was to be taken.",
    interfaces: [error],
    fields: (t) => ({ available: t.exposeInt("available", { description: "How many are in stock." }) }),
  });
  builder.objectType(VersionConflictError, {
    name: "VersionConflictError",
    description: "The book has changed since the expected version.",
    interfaces: [error],
    fields: (t) => ({
      expectedVersion: t.expose("expectedVersion", {
        type: "Revision",
        description: "The version that the mutation asked for.",
      }),
      actualVersion: t.expose("actualVersion", { type: "Revision", description: "The version that the book is at." }),
      book: t.expose("book", { type: book, description: "The book as it is." }),
      editForm: t.field({
        type: form,
        description: "The form to edit the book anew, with what is there now.",
        resolve: (conflict) => bookEditForm(conflict.book),
      }),
    }),
  });
}
