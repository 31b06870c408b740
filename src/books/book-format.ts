import { formatOf } from "../cqrs/format.ts";
import type { Book } from "./book.ts";

/** What every version of this program has stored of a book. */
type FirstFields = "id" | "title" | "author" | "publishedDate" | "isbn" | "stockQuantity" | "version";

/** The shape of a book in the change log and in Redis, by which processes of several versions get along with each other. */
export const bookFormat = formatOf<Book, FirstFields>({
  // a field that is added has its line here: docs/add-a-field.md
});
