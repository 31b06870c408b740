import { openBooks } from "./books.ts";

/** What a book with the longest title and author takes as JSON, roughly, in bytes. */
export const LARGEST_BOOK = 6407;

/** The longest of titles, in title order. */
export function largeTitles(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i).padStart(6, "0") + "\u{1F4DA}".repeat(506));
}

/** Puts books with these titles, and the longest of authors, into the database, as if it had been made so. */
export async function fillWith(databaseUrl: string, titles: readonly string[]): Promise<void> {
  const { orm } = await openBooks(databaseUrl);
  const author = "\u{1F9D1}".repeat(1024);
  await orm.transaction(async (tx) => {
    for (let i = 0; i < titles.length; i += 100) {
      const rows = titles.slice(i, i + 100).map((title) => ({ title, author, stock_quantity: 1, version: 1 }));
      await tx.sql((sql) => sql.insertInto("book").values(rows).execute());
    }
  });
  await orm.close();
}
