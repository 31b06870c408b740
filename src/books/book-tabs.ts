import type { GraphiqlTab } from "../http/graphiql.ts";
import { commandTabs } from "./commands/book-command-tabs.ts";
import { queryTabs } from "./queries/book-query-tabs.ts";

/** The requests that GraphiQL offers to somebody who is new, in the order in which one makes sense after the other. */
export const bookTabs: readonly GraphiqlTab[] = [
  commandTabs.addBook,
  queryTabs.listBooks,
  queryTabs.search,
  queryTabs.cataloguePage,
  queryTabs.editForm,
  commandTabs.updateBook,
  commandTabs.adjustStock,
  queryTabs.bookHistory,
  commandTabs.deleteBook,
  queryTabs.watchBooks,
];
