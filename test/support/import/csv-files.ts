import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "csv-parse/sync";
import { rejectedPath } from "../../../src/books/import/rejected-rows.ts";
import { temporaryDirectory } from "../temporary-directory.ts";

/** Writes a file into a directory that goes with the test, and returns its path. */
export function writeFixture(name: string, content: string | Uint8Array): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, content);
  return path;
}

/**
 * Books with the mess of real catalogues, in the columns of one: ISBNs that lost their zeros or are none, years before 1,
 * the same title or ISBN on two books, quotes, commas and line breaks in titles, many scripts.
 */
export const MESSY_BOOKS = fileURLToPath(new URL("../../books/import/messy-books.csv", import.meta.url));

/** The columns of `manyBooks` and of most files of the tests. */
export const HEADER = "title,author,publishedDate,isbn,stockQuantity";

/** A file of `count` books. */
export function manyBooks(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => `Imported ${index},Author Name,,,1`);
  return writeFixture("books.csv", [HEADER, ...rows].join("\n"));
}

/** The rejected rows of `books.csv` as records: line, reason, and the original columns. */
export function rejectedRows(file: string): string[][] {
  const path = rejectedPath(file);
  return existsSync(path) ? parse(readFileSync(path), { relax_column_count: true, relax_quotes: true }) : [];
}
