import { derived } from "../../../src/books/book-derived.ts";
import { derivedColumns, derivedValues } from "../../../src/cqrs/derived.ts";
import type { OracleBook } from "../catalogue/oracle.ts";
import { openBooks } from "./books.ts";

const COLUMNS = [
  ...["id", "title", "author", "stock_quantity", "version", "added_at", "updated_at"],
  ...derivedColumns(derived as never),
];
const ROWS_AT_ONCE = 1000;

/**
 * So many books that none of the ways to find some is left out: words that very many have, all over the catalogue or at one
 * end of it, and few; in titles, in authors, in both.
 */
export function searchedBooks(count: number): OracleBook[] {
  return Array.from({ length: count }, (_, i) => {
    const is = (condition: boolean, word: string) => (condition ? ` ${word}` : "");
    const at = new Date(Date.UTC(2020, 0, 1) + i * 1000).toISOString();
    const rare = is(i % 7001 === 3, "Quagga") + is(i % 9001 === 5, "Okapi");
    return {
      id: btoa(`Book:${i + 1}`),
      // neighbours in title order were not added one after the other
      title: `Work ${(i * 7919) % count}${is(i % 2 === 0, "The")}${is(i > (count * 2) / 3, "Late")}${rare}${is(i % 11_000 === 5, "Smith")}`,
      author: `${i % 3 === 0 ? "Mary" : "Anne"}${is(i % 2 === 1, "Smith")}${is(i % 3001 === 1, "The")}${is(i % 8001 === 9, "Okapi")}`,
      publishedDate: null,
      isbn: null,
      language: null,
      stockQuantity: i % 5,
      addedAt: at,
      updatedAt: at,
    };
  });
}

/** Puts these books into the database, as if it had been made so. */
export async function fillWithSearched(databaseUrl: string, books: readonly OracleBook[]): Promise<void> {
  const { orm } = await openBooks(databaseUrl);
  await orm.transaction(async (tx) => {
    for (let from = 0; from < books.length; from += ROWS_AT_ONCE) {
      const rows = books.slice(from, from + ROWS_AT_ONCE).map((book, i) => {
        const { title, author, stockQuantity, addedAt, updatedAt } = book;
        const values = derivedValues(derived, { ...book, version: 1 } as never);
        const all = [from + i + 1, title, author, stockQuantity, 1, addedAt, updatedAt, ...values];
        return Object.fromEntries(COLUMNS.map((column, n) => [column, all[n]]));
      });
      await tx.sql((sql) => sql.insertInto("book").values(rows).execute());
    }
  });
  await orm.close();
}
