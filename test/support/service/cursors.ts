import { WHOLE_CATALOGUE } from "../../../src/books/queries/book-list.ts";
import { placeOfTitle } from "../../../src/books/queries/book-orders.ts";

/** The cursor of a place in the whole catalogue in title order, whether or not a book has the title. */
export function titleCursor(title: string): string {
  return WHOLE_CATALOGUE.cursors.of(placeOfTitle(title));
}
