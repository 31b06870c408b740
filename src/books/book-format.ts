import { type Format, formatOf, type PastTimes } from "../cqrs/format.ts";
import type { Book } from "./book.ts";

/** What every version of this program has stored of a book. */
type FirstFields = "id" | "title" | "author" | "publishedDate" | "isbn" | "stockQuantity" | "version";

/** Of books that a process of the first version adds while one of the second runs: it notes no time. */
const UNKNOWN_TIME = "1970-01-01T00:00:00.000Z";

/** The version that began to sort titles by what `folding.ts` makes of them; a version that folds otherwise is put here. */
const SORTED_SINCE = 3;

const fields = formatOf<Book, FirstFields>(SORTED_SINCE, {
  // a field that is added has its line here: docs/add-a-field.md
  language: { since: 2, was: null },
  description: { since: 2, was: null },
  coverUrl: { since: 2, was: null },
  addedAt: { since: 2, was: UNKNOWN_TIME },
  updatedAt: { since: 2, was: UNKNOWN_TIME },
});

/** The shape of a book in the change log and in Redis, by which processes of several versions get along with each other. */
export const bookFormat: Format<Book> = { ...fields, past: withTimesOfThen };

/** Books that were there when times began to be noted were given those of the log, as it then was. */
function withTimesOfThen(book: Book, { changedAt, addedAt }: PastTimes): Book {
  const updatedAt = book.updatedAt === UNKNOWN_TIME || book.updatedAt > changedAt ? changedAt : book.updatedAt;
  return { ...book, addedAt: book.addedAt === UNKNOWN_TIME ? (addedAt ?? UNKNOWN_TIME) : book.addedAt, updatedAt };
}
