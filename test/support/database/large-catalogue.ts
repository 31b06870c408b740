import { derived } from "../../../src/books/book-derived.ts";
import { derivedColumns, derivedValues } from "../../../src/cqrs/derived.ts";
import { openBooks } from "./books.ts";

/** What a book with the longest title and author takes as JSON, roughly, in bytes. */
export const LARGEST_BOOK = 6407;

/** The longest of titles, in title order. */
export function largeTitles(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i).padStart(6, "0") + "\u{1F4DA}".repeat(506));
}

/** Puts books with these of the longest titles, and the longest of authors, into the database, as if it had been made so. */
export async function fillWith(databaseUrl: string, titles: readonly string[]): Promise<void> {
  const { orm } = await openBooks(databaseUrl);
  const rowOf = largeRows();
  await orm.transaction(async (tx) => {
    for (let i = 0; i < titles.length; i += 100) {
      const rows = titles.slice(i, i + 100).map(rowOf);
      await tx.sql((sql) => sql.insertInto("book").values(rows).execute());
    }
  });
  await orm.close();
}

/** What is derived of so long texts takes as long as all else, so it is derived of one: others have another number there. */
function largeRows() {
  const number = /\d{6}/;
  const author = "\u{1F9D1}".repeat(1024);
  const [title = ""] = largeTitles(1);
  const values = derivedValues(derived, { title, author, version: 1 } as never);
  const columns = derivedColumns(derived as never).map((column, i) => [column, values[i]] as const);
  return (title: string) => {
    const [own = ""] = number.exec(title) ?? [];
    const others = columns.map(([column, of]) => [column, typeof of === "string" ? of.replace(number, own) : of]);
    return { title, author, stock_quantity: 1, version: 1, ...Object.fromEntries(others) };
  };
}
