import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "csv-parse/sync";
import { describe, expect, test } from "vitest";
import { newDatabase } from "../../support/database/database.ts";
import { rejectedRows } from "../../support/import/csv-files.ts";
import { importFile } from "../../support/import/import-file.ts";
import { outcome, runImport } from "../../support/import/import-process.ts";
import { startService } from "../../support/service/service.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const SAMPLE = fileURLToPath(new URL("../../../../shared/data/goodbooks-sample.csv", import.meta.url));
const SAMPLE_COLUMNS = "title=title,author=authors,publishedDate=original_publication_year,isbn=isbn";

describe.skipIf(!existsSync(SAMPLE))("the sample of real books", () => {
  test("goes in, or is accounted for row by row, and a second run finds it unchanged", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const file = join(temporaryDirectory(), "books.csv");
    copyFileSync(SAMPLE, file);
    const records: Record<string, string>[] = parse(readFileSync(file), { columns: true });

    const first = await runImport({ DATABASE_URL }, file, "--columns", SAMPLE_COLUMNS);
    expect(outcome(first)).toEqual({ code: 0, read: 1987, added: 1970, unchanged: 0, rejected: 17 });
    expect(first.counts).toMatchObject({ "dates out of range, set to null": 12, "ISBNs mended": 1306 });

    const service = await startService({ DATABASE_URL });
    const stored = new Set(await service.titles());
    const [, ...rejected] = rejectedRows(file);
    expect(rejected).toHaveLength(17);
    const noIsbn: string[] = [];
    for (const [line, reason, ...fields] of rejected) {
      const record = records[Number(line) - 2] ?? {};
      expect(fields).toEqual(Object.values(record));
      if (reason?.startsWith("isbn")) noIsbn.push(record.title as string);
      else expect(reason).toMatch(/^There is already a book with the title/);
    }
    // three ISBNs of the file are none, with zeros or without
    expect(noIsbn).toHaveLength(3);
    expect(new Set([...stored, ...noIsbn])).toEqual(
      new Set(records.map(({ title }) => title?.normalize("NFC").trim())),
    );

    const again = await importFile(DATABASE_URL, file, SAMPLE_COLUMNS);
    expect(again).toMatchObject({ read: 1987, added: 0, unchanged: 1970, rejected: 17, failure: undefined });
    expect(rejectedRows(file).slice(1)).toEqual(rejected);
  });
});
