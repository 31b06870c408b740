import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ImportError } from "../../../src/books/import/import-error.ts";
import { newDatabase } from "../../support/database/database.ts";
import { HEADER, writeFixture } from "../../support/import/csv-files.ts";
import { importFile } from "../../support/import/import-file.ts";
import { outcome, runImport } from "../../support/import/import-process.ts";
import { sharedService, startService } from "../../support/service/service.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const shared = sharedService();

describe("an import that cannot be done", () => {
  const misunderstood: [what: string, content: string | Buffer, columns: string | undefined, message: string][] = [
    ["an empty file", "", undefined, "is empty; its first line must name the columns"],
    ["a file of blank lines", "\r\n\n", undefined, "is empty; its first line must name the columns"],
    ["a picture", Buffer.from("89504e470d0a1a0a0000", "hex"), undefined, "its first line does not name columns"],
    ["a workbook", Buffer.from("504b030414000600", "hex"), undefined, "is no CSV file, but a zip archive, as .xlsx"],
    ["an old workbook", Buffer.from("d0cf11e0a1b11ae1", "hex"), undefined, "is no CSV file, but an Excel workbook"],
    ["a compressed file", Buffer.from("1f8b080000000000", "hex"), undefined, "is no CSV file, but compressed by gzip"],
    ["NUL bytes", "title,aut\0hor\n", undefined, "its first line, which must name the columns, has control characters"],
    [
      "no header",
      "A Book,Somebody,2005\n",
      undefined,
      "no column author in its first line (it has “A Book”, “Somebody”",
    ],
    [
      "no title column",
      "name,author\n",
      undefined,
      "has no column title in its first line (it has “name”, “author”); say which it is: --columns title=HEADER",
    ],
    ["a column that is there twice", "title,author,title\n", undefined, "has more than one column “title”"],
    ["a choice of columns", "Title,author,TITLE\n", undefined, "has more than one column “title” (it has “Title”"],
    ["an unknown header", HEADER, "title=title,author=by", "has no column “by” for author (it has “title”"],
    ["an unknown field", HEADER, "name=title", "there is no field “name”; the fields are title, author,"],
    ["a field without a header", HEADER, "title", "“title” is not of the form field=header"],
    ["no field at all", HEADER, "", "“” is not of the form field=header"],
    ["a field that is named twice", HEADER, "title=title,title=author", "names title twice"],
    ["no author", HEADER, "title=title", "--columns must name a column for author: author=HEADER"],
  ];

  test("says so in one line: files and columns that are not understood", async () => {
    for (const [what, content, columns, message] of misunderstood) {
      const failure = await importFile(shared(), writeFixture("books.csv", content), columns).catch((error) => error);
      expect(failure, what).toBeInstanceOf(ImportError);
      expect(failure.message, what).toContain(message);
      expect(failure.message, what).not.toContain("\n");
    }
  });

  test("says so in one line: files that cannot be read or written", async () => {
    const directory = temporaryDirectory();
    const file = writeFixture("books.csv", HEADER);
    mkdirSync(file.replace(".csv", ".rejected.csv"));
    await expect(importFile(shared(), join(directory, "none.csv"))).rejects.toThrow(
      /^cannot read .*none\.csv: no such file or directory\.$/,
    );
    await expect(importFile(shared(), directory)).rejects.toThrow(
      /^cannot read .*: illegal operation on a directory\.$/,
    );
    await expect(importFile(shared(), file)).rejects.toThrow(/^cannot write .*books\.rejected\.csv: .*\.$/);
  });

  test("ends with exit code 1 and that line", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const file = writeFixture("books.csv", "name,author\n");
    const results = await Promise.all([
      runImport({ DATABASE_URL }, file),
      runImport({ DATABASE_URL }, file, "--dry-run"),
      runImport({ DATABASE_URL }),
    ]);
    expect(results.map(({ stderr }) => stderr)).toEqual([
      expect.stringMatching(/^.*books\.csv has no column title .*\n$/),
      expect.stringMatching(/^Unknown option '--dry-run'.*\n$/),
      expect.stringMatching(/^give one file: npm run import -- FILE\.csv.*\n$/),
    ]);
    for (const result of results) expect(result).toMatchObject({ code: 1, stdout: "" });
  });

  test("ends so as well when the database or a critical Redis cannot be used, and tells no secret", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const file = writeFixture("books.csv", HEADER);
    const results = await Promise.all([
      runImport({ DATABASE_URL: "mysql://secret" }, file),
      runImport({ DATABASE_URL: "postgresql://user:secret@127.0.0.1:1/books" }, file),
      runImport({ DATABASE_URL, REDIS_URL: "http://secret" }, file),
      runImport({ DATABASE_URL, REDIS_URL: "redis://127.0.0.1:1", REDIS_CRITICAL: "true", LOG_LEVEL: "error" }, file),
    ]);
    expect(results.map(({ stderr }) => stderr)).toEqual([
      expect.stringMatching(/^DATABASE_URL must be .*\n$/),
      expect.stringMatching(/^DATABASE_URL: cannot open .*\n$/),
      expect.stringMatching(/^REDIS_URL must be .*\n$/),
      expect.stringMatching(/^REDIS_URL: Redis cannot be used .*\n$/),
    ]);
    for (const result of results) {
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).not.toContain("secret");
    }
  });

  test("keeps the rows before a quote that is never closed, and says where they end", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const file = writeFixture(
      "books.csv",
      'title,author\nOne,Author\nTwo,\nThree,Author\n"A\nB","Open\nAfter,Author\n',
    );
    const result = await runImport({ DATABASE_URL }, file);
    expect(outcome(result)).toEqual({ code: 1, read: 3, added: 2, unchanged: 0, rejected: 1 });
    const [, progress, failure, ...more] = result.stderr.split("\n");
    expect(progress).toMatch(/^books\.csv: \d+ %, 3 rows, \d+ rows\/s$/);
    expect(failure).toBe(
      `${file} cannot be read from line 5 on: a quote that was opened in line 6 is never closed. ` +
        "The rows up to line 4 are dealt with; run the import again to go on.",
    );
    expect(more).toEqual([""]);
    const service = await startService({ DATABASE_URL });
    expect(await service.titles()).toEqual(["One", "Three"]);
  });

  test("keeps the rows before one without an end", async () => {
    const file = writeFixture("books.csv", `title,author\nOne,Author\n"Open,${"x".repeat(10_100_000)}\nAfter,Author\n`);
    const summary = await importFile(shared(), file);
    expect(summary).toMatchObject({ read: 1, added: 1, lastLine: 2 });
    expect(summary.failure?.message).toContain(
      "cannot be read from line 3 on: the row has more than 10000000 bytes, so the quote that was opened in line 3 is",
    );
  });
});
