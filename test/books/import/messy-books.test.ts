import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { expect, test } from "vitest";
import { newDatabase } from "../../support/database/database.ts";
import { MESSY_BOOKS, rejectedRows } from "../../support/import/csv-files.ts";
import { importFile } from "../../support/import/import-file.ts";
import { outcome, runImport } from "../../support/import/import-process.ts";
import { startService } from "../../support/service/service.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const COLUMNS = "title=title,author=authors,publishedDate=original_publication_year,isbn=isbn,language=language_code";

/** What is wrong with books of the file, by their number in it. */
const REJECTED = {
  25: /^title must not contain control characters/,
  37: /^isbn has 9 digits/,
  38: /^isbn has 8 digits/,
  39: /^isbn was rounded/,
  40: /^There is already a book with the title/,
  41: /^There is already a book with the title/,
  42: /^There is already a book with the title/,
  43: /^There is already a book with the ISBN/,
};

test("a catalogue with the mess of real ones goes in, or is accounted for row by row, and a second run finds it unchanged", async () => {
  const { url: DATABASE_URL } = await newDatabase();
  const file = join(temporaryDirectory(), "books.csv");
  copyFileSync(MESSY_BOOKS, file);
  const text = readFileSync(file, "utf8");
  const records: Record<string, string>[] = parse(text, { columns: true });

  const first = await runImport({ DATABASE_URL }, file, "--columns", COLUMNS);
  expect(outcome(first)).toEqual({ code: 0, read: 47, added: 39, unchanged: 0, rejected: 8 });
  expect(first.counts).toMatchObject({ "dates out of range, set to null": 4, "ISBNs mended": 27 });

  const [, ...rejected] = rejectedRows(file);
  expect(rejected.map(([, reason, id]) => [Number(id), reason])).toEqual(
    Object.entries(REJECTED).map(([id, reason]) => [Number(id), expect.stringMatching(reason)]),
  );
  for (const [line, , ...fields] of rejected) {
    expect(fields).toEqual(Object.values(records.find(({ book_id }) => book_id === fields[0]) ?? {}));
    // a title of two lines comes before
    expect(text.split("\n")[Number(line) - 1]).toMatch(new RegExp(`^${fields[0]},`));
  }
  const accepted = records.filter(({ book_id }) => !(Number(book_id) in REJECTED));
  const service = await startService({ DATABASE_URL });
  expect(new Set(await service.titles())).toEqual(new Set(accepted.map(({ title }) => title?.normalize("NFC").trim())));

  const again = await importFile(DATABASE_URL, file, COLUMNS);
  expect(again).toMatchObject({ read: 47, added: 0, unchanged: 39, rejected: 8, failure: undefined });
  expect(rejectedRows(file).slice(1)).toEqual(rejected);
});
