import type { Module } from "../module.ts";
import { addBookInput, type Book } from "./book.ts";
import { defineBookAddForm } from "./book-add-form.ts";
import { defineBookChange } from "./book-change-type.ts";
import { defineBookEditForm } from "./book-edit-form.ts";
import { bookFaults } from "./book-faults.ts";
import { maxBooks } from "./book-settings.ts";
import { bookStream } from "./book-stream.ts";
import { bookTabs } from "./book-tabs.ts";
import { defineBookType } from "./book-type.ts";
import { BookCommandHandler, bookCommands } from "./commands/book-command-handler.ts";
import { defineBookMutations } from "./commands/book-mutations.ts";
import { bookRefusalCodes } from "./commands/book-refusals.ts";
import { importFields } from "./import/csv-columns.ts";
import { bookMigrations } from "./migrations.ts";
import { defineBookHistory } from "./queries/book-history.ts";
import { defineBookQueries } from "./queries/book-queries.ts";
import { BookQueryHandler, bookQueries } from "./queries/book-query-handler.ts";
import { BookReadModel } from "./queries/book-read-model.ts";
import { defineBookSubscriptions } from "./queries/book-subscriptions.ts";

/** The aggregate of books: everything of it that the rest of the service is told. */
export const bookModule: Module<Book> = {
  stream: bookStream,
  migrations: bookMigrations,
  settings: [maxBooks],
  readModel: BookReadModel,
  handlers: ({ commands, reader, live }, config) => [
    bookCommands.with(new BookCommandHandler(commands)),
    bookQueries.with(new BookQueryHandler(reader, live, { rows: maxBooks.of(config), bytes: config.maxAnswerBytes })),
  ],
  inputFields: Object.keys(addBookInput.shape).length,
  errorCodes: {
    TOO_MANY_BOOKS: { description: "There are more books than `books` answers with. Read them by `booksConnection`." },
  },
  refusalCodes: bookRefusalCodes,
  defineTypes(builder, shared, config) {
    const book = defineBookType(builder);
    const addForm = defineBookAddForm(builder, shared);
    const editForm = defineBookEditForm(builder, shared, book);
    const change = defineBookChange(builder, shared, book);
    defineBookHistory(builder, book, change);
    defineBookQueries(builder, shared, { book, addForm, editForm }, config);
    defineBookSubscriptions(builder, change);
    defineBookMutations(builder, shared, book, editForm);
  },
  csvColumns: importFields,
  faultsOf: bookFaults,
  tabs: bookTabs,
  namesWithoutNoun: [
    "TitleTakenError",
    "IsbnTakenError",
    "VersionConflictError",
    "InsufficientStockError",
    "AdjustStockResult",
    "adjustStock",
    "changes",
  ],
};
