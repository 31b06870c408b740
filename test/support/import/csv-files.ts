import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { rejectedPath } from "../../../src/books/import/rejected-rows.ts";
import { temporaryDirectory } from "../temporary-directory.ts";

/** Writes a file into a directory that goes with the test, and returns its path. */
export function writeFixture(name: string, content: string | Uint8Array): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, content);
  return path;
}

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
