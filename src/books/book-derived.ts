import type { Derived } from "../cqrs/derived.ts";
import { orderKey, restOfOrderKey, wordsText } from "../cqrs/folding.ts";
import type { Book } from "./book.ts";

/** What the table has of a book beside it, in columns that `migrations.ts` has made. A thread imports this. */
export const derived: Derived<Book> = {
  module: import.meta.url,
  version: "version",
  columns: {
    title_key: ({ title }) => orderKey(title),
    title_rest: ({ title }) => restOfOrderKey(title),
    author_key: ({ author }) => orderKey(author),
    author_rest: ({ author }) => restOfOrderKey(author),
    title_words: ({ title }) => wordsText(title),
    author_words: ({ author }) => wordsText(author),
  },
  words: ["title_words", "author_words"],
};
