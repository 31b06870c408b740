import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "csv-stringify/sync";
import { spawnProgram } from "../test/support/service/program.ts";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { manyBooks } from "./lists-seed.ts";

const COLUMNS = ["title", "author", "publishedDate", "isbn", "language", "description", "stockQuantity"];

/** A file for `npm run import` with so many books as a library has them. */
export function fileOfBooks(count: number): string {
  const file = join(temporaryDirectory(), "books.csv");
  writeFileSync(file, stringify([...manyBooks(count)], { header: true, columns: COLUMNS }));
  return file;
}

/** Imports a file of so many rows, and returns how many that were in a second, by the command's own account. */
export async function importRate(url: string, file: string, rows: number): Promise<number> {
  const { child, stdout, stderr } = spawnProgram("src/import.ts", [file], { DATABASE_URL: url });
  const [code] = await once(child, "close");
  const told = (what: string) => Number(new RegExp(`^${what}: ([\\d.]+)$`, "m").exec(stdout())?.[1]);
  if (code !== 0 || told("added") !== rows) throw new Error(`${stdout()} ${stderr()}`);
  return rows / told("seconds");
}
