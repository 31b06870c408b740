import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "csv-parse/sync";
import { describe, expect, test } from "vitest";
import { ImportError } from "../../src/books/import/import-error.ts";
import { showProgress } from "../../src/books/import/progress.ts";
import { temporaryDirectory } from "../support/cleanup.ts";
import type { GraphqlClient } from "../support/client.ts";
import { newDatabase } from "../support/database.ts";
import { type ImportResult, importFile, runImport, startImport, writeFixture } from "../support/import.ts";
import { startRedis } from "../support/redis.ts";
import { startProcess, startService } from "../support/service.ts";
import { eventually } from "../support/wait.ts";

const SAMPLE = fileURLToPath(new URL("../../../shared/data/goodbooks-sample.csv", import.meta.url));
const SAMPLE_COLUMNS = "title=title,author=authors,publishedDate=original_publication_year,isbn=isbn";

const HEADER = "title,author,publishedDate,isbn,stockQuantity";

/** The rejected rows of `books.csv` as records: line, reason, and the original columns. */
function rejectedRows(file: string): string[][] {
  const path = file.replace(/\.csv$/, ".rejected.csv");
  return existsSync(path) ? parse(readFileSync(path), { relax_column_count: true }) : [];
}

/** What an import made of the rows, without how long it took. */
function outcome({ code, counts }: ImportResult): Record<string, number | null | undefined> {
  const { "rows read": read, added, unchanged, rejected } = counts;
  return { code, read, added, unchanged, rejected };
}

async function storedBooks(service: GraphqlClient): Promise<Record<string, unknown>[]> {
  const { data } = await service.ask("{ books { title author publishedDate isbn stockQuantity version } }");
  return data.books;
}

/** A file of `count` books. */
function manyBooks(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => `Imported ${index},Author Name,,,1`);
  return writeFixture("books.csv", [HEADER, ...rows].join("\n"));
}

describe("a file of books", () => {
  test("goes in: years, dates, ISBNs without their zeros, quotes, line breaks of Windows and a byte order mark", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const rows = [
      HEADER,
      '"The ""Quoted"", Book",Anna Author,1937,0-306-40615-2,3',
      "Année,Author,1937.0,61120081,",
      "Before Christ,Author,-720.0,1713221,0",
      "Far Future,Author,10000,,0",
      "Year Zero,Author,0,,0",
      "Early,Author,180.0,,0",
      "Dated,Author,2005-03-31,14131088x,7.0",
      " Trimmed ,Author,,,",
      "",
    ];
    const file = writeFixture("books.csv", `\ufeff${rows.join("\r\n")}`);
    const result = await runImport({ DATABASE_URL }, file);

    expect(outcome(result)).toEqual({ code: 0, read: 8, added: 8, unchanged: 0, rejected: 0 });
    expect(result.counts).toMatchObject({ "dates out of range, set to null": 3, "ISBNs mended": 3 });
    expect(result.stderr).toMatch(/^books\.csv: 100 %, 8 rows, \d+ rows\/s\n$/);
    expect(rejectedRows(file)).toEqual([]);
    const service = await startService({ DATABASE_URL });
    const rest = { author: "Author", publishedDate: null, isbn: null, stockQuantity: 0, version: 1 };
    expect(await storedBooks(service)).toEqual([
      { ...rest, title: "Année", publishedDate: "1937-01-01", isbn: "0061120081" },
      { ...rest, title: "Before Christ", isbn: "0001713221" },
      { ...rest, title: "Dated", publishedDate: "2005-03-31", isbn: "014131088X", stockQuantity: 7 },
      { ...rest, title: "Early", publishedDate: "0180-01-01" },
      { ...rest, title: "Far Future" },
      {
        ...rest,
        title: 'The "Quoted", Book',
        author: "Anna Author",
        publishedDate: "1937-01-01",
        isbn: "0306406152",
        stockQuantity: 3,
      },
      { ...rest, title: "Trimmed" },
      { ...rest, title: "Year Zero" },
    ]);
  });

  test("is read by the columns that are named", async () => {
    const { url: database } = await newDatabase();
    const file = writeFixture("books.csv", "title,name,by\nIgnored,The Title,The Author\n");
    expect(await importFile(database, file, "title=name, author=by")).toMatchObject({ read: 1, added: 1 });
    const service = await startService({ DATABASE_URL: database });
    expect(await storedBooks(service)).toMatchObject([{ title: "The Title", author: "The Author" }]);
  });

  test("that has only a header is imported, with nothing in it", async () => {
    const summary = await importFile((await newDatabase()).url, writeFixture("books.csv", HEADER));
    expect(summary).toMatchObject({ read: 0, added: 0, unchanged: 0, rejected: 0, failure: undefined });
  });
});

describe("rows that are refused", () => {
  const first = "First,Author,,0306406152,";
  const rows: [row: string, reason: string | undefined][] = [
    [first, undefined],
    [",,,,", "title must not be empty; author must not be empty"],
    ["Short,Author", "the row has 2 fields, and the header has 5"],
    ["Long,Author,,,,,", "the row has 7 fields, and the header has 5"],
    ['Bare "quote",Author,,,', "the quotes are wrong in this row: "],
    ['"Quote" left,Author,,,', "the quotes are wrong in this row: "],
    ['"Unclosed,Author,,,\nSwallowed,"Author",,,', "the quotes are wrong in this row, which ends in line 9: "],
    ['"Two\r\nlines",Author,,,', "title must not contain control characters"],
    ["Not UTF-8 \xff,Author,,,", "the row is not UTF-8 text"],
    ["Rounded,Author,,9.78031601584e+12,", "isbn was rounded by the program that wrote the file"],
    ["Too Short,Author,,123456,", "isbn must be an ISBN of 10 or 13 digits"],
    ["Circa,Author,circa 1900,,", "publishedDate must be a year, or a date of the form YYYY-MM-DD"],
    ["Compact,Author,20050331,,", "publishedDate must be a year, or a date of the form YYYY-MM-DD"],
    ["No Day,Author,2005-02-30,,", "publishedDate must be a date of the form YYYY-MM-DD"],
    ["Half,Author,,,1.5", "stockQuantity must be a whole number"],
    ["Words,Author,,,few", "stockQuantity must be a whole number"],
    ["Negative,Author,,,-1", "stockQuantity must be at least 0"],
    ["Several,Author,soon,none,", "publishedDate must be a year, or a date of the form YYYY-MM-DD; isbn must be"],
    ["First,Another Author,,,", "There is already a book with the title “First”."],
    ["Taken ISBN,Author,,306406152,", "There is already a book with the ISBN 0306406152."],
    [first, undefined],
    ["Last,Author,-5,,", undefined],
  ];
  const content = Buffer.from([HEADER, ...rows.map(([row]) => row)].join("\n"), "latin1");

  test("are written with line, reason and columns, and do not stop the others", async () => {
    const file = writeFixture("books.csv", content);
    const summary = await importFile((await newDatabase()).url, file);

    expect(summary).toMatchObject({ read: 22, added: 2, unchanged: 1, rejected: 19, failure: undefined });
    expect(summary.rejectedFile).toBe(file.replace("books.csv", "books.rejected.csv"));
    const [header, ...rejected] = rejectedRows(file);
    expect(header).toEqual(["line", "reason", ...HEADER.split(",")]);
    let line = 2;
    const expected = rows.flatMap(([row, reason]) => {
      const begin = line;
      line += row.split("\n").length;
      return reason ? [[String(begin), expect.stringContaining(reason)]] : [];
    });
    expect(rejected.map(([at, reason]) => [at, reason])).toEqual(expected);
    expect(rejected[8]?.slice(2)).toEqual(["Rounded", "Author", "", "9.78031601584e+12", ""]);
  });

  test("can be corrected in their file and imported from it", async () => {
    const { url: database } = await newDatabase();
    const file = writeFixture("books.csv", `${HEADER}\nCirca,Author,circa 1900,,\n`);
    await importFile(database, file);
    const rejectedFile = file.replace("books.csv", "books.rejected.csv");
    writeFileSync(rejectedFile, readFileSync(rejectedFile, "utf8").replace("circa 1900", "1900"));
    expect(await importFile(database, rejectedFile)).toMatchObject({ added: 1, rejected: 0 });
  });

  test("are forgotten when a later run has none", async () => {
    const { url: database } = await newDatabase();
    const file = writeFixture("books.csv", `${HEADER}\nBook,,,,\n`);
    await importFile(database, file);
    expect(rejectedRows(file)).toHaveLength(2);
    writeFileSync(file, `${HEADER}\nBook,Author,,,\n`);
    expect(await importFile(database, file)).toMatchObject({ added: 1 });
    expect(rejectedRows(file)).toEqual([]);
  });
});

describe("an import that is run again", () => {
  test("finds its books unchanged and takes no revision", async () => {
    const { url: database } = await newDatabase();
    const file = writeFixture("books.csv", `${HEADER}\nOne,Author,1937,61120081,3\nTwo,Author,-5,,\n`);
    await importFile(database, file);
    const again = await importFile(database, file);
    expect(again).toMatchObject({ read: 2, added: 0, unchanged: 2, rejected: 0 });
    const service = await startService({ DATABASE_URL: database });
    expect((await service.book("One")).consistency.revision).toBe(2);
  });

  test("takes no title for an error of the database", async () => {
    const { url: database } = await newDatabase();
    const file = writeFixture("books.csv", "title,author\nConnected by Determination,Author\nTerminated,Author\n");
    await importFile(database, file);
    expect(await importFile(database, file)).toMatchObject({ unchanged: 2, failure: undefined });
  });

  test("rejects a book that differs by now, and overwrites nothing", async () => {
    const { url: database } = await newDatabase();
    const service = await startService({ DATABASE_URL: database });
    for (const [title, field] of [
      ["A", "author"],
      ["D", "publishedDate"],
      ["I", "isbn"],
      ["S", "stockQuantity"],
    ]) {
      const changed = { author: "Other", publishedDate: "1999-12-31", isbn: "1234567890", stockQuantity: 4 };
      await service.addBook(title as string, { [field as string]: changed[field as keyof typeof changed] });
    }
    const before = await storedBooks(service);
    const titles = ["A", "D", "I", "S"].map((title) => `${title},Author Name,,,`);
    const file = writeFixture("books.csv", [HEADER, ...titles].join("\n"));
    expect(await importFile(database, file)).toMatchObject({ unchanged: 0, rejected: 4 });
    expect(await storedBooks(service)).toEqual(before);
  });

  test("leaves out of account what the file does not mention", async () => {
    const { url: database } = await newDatabase();
    const service = await startService({ DATABASE_URL: database });
    await service.addBook("Book", { publishedDate: "1999-12-31", stockQuantity: 4 });
    const file = writeFixture("books.csv", "title,author\nBook,Author Name\n");
    expect(await importFile(database, file)).toMatchObject({ unchanged: 1, rejected: 0 });
  });
});

describe("an import that cannot be done", () => {
  // none of them gets as far as the database, so one is enough
  const misunderstood: [what: string, content: string | Buffer, columns: string | undefined, message: string][] = [
    ["an empty file", "", undefined, "is empty; its first line must name the columns"],
    ["a file of blank lines", "\r\n\n", undefined, "is empty; its first line must name the columns"],
    ["a binary file", Buffer.from("89504e470d0a1a0a0000", "hex"), undefined, "is no CSV file in UTF-8"],
    ["a file in UTF-16", Buffer.from("\ufefftitle,author", "utf16le"), undefined, "is UTF-16 text; save it as UTF-8"],
    ["semicolons", "title;author\n", undefined, "separates its columns by ;; commas are needed"],
    [
      "no title column",
      "name,author\n",
      undefined,
      "has no column title (it has “name”, “author”); say which it is: --columns",
    ],
    ["a column that is there twice", "title,author,title\n", undefined, "has more than one column “title”"],
    ["an unknown header", HEADER, "title=title,author=by", "has no column “by” for author (it has “title”"],
    ["an unknown field", HEADER, "name=title", "there is no field “name”; the fields are title, author,"],
    ["a field without a header", HEADER, "title", "“title” is not of the form field=header"],
    ["a field that is named twice", HEADER, "title=title,title=author", "names title twice"],
    ["no author", HEADER, "title=title", "--columns must name a column for author: author=HEADER"],
  ];

  test("says so in one line: files and columns that are not understood", async () => {
    const { url: database } = await newDatabase();
    for (const [what, content, columns, message] of misunderstood) {
      const failure = await importFile(database, writeFixture("books.csv", content), columns).catch((error) => error);
      expect(failure, what).toBeInstanceOf(ImportError);
      expect(failure.message, what).toContain(message);
      expect(failure.message, what).not.toContain("\n");
    }
  });

  test("says so in one line: files that cannot be read or written", async () => {
    const { url: database } = await newDatabase();
    const directory = temporaryDirectory();
    const file = writeFixture("books.csv", HEADER);
    mkdirSync(file.replace(".csv", ".rejected.csv"));
    await expect(importFile(database, join(directory, "none.csv"))).rejects.toThrow(
      /^cannot read .*none\.csv: no such file or directory\.$/,
    );
    await expect(importFile(database, directory)).rejects.toThrow(
      /^cannot read .*: illegal operation on a directory\.$/,
    );
    await expect(importFile(database, file)).rejects.toThrow(/^cannot write .*books\.rejected\.csv: .*\.$/);
  });

  test("ends with exit code 1 and that line", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const file = writeFixture("books.csv", "name,author\n");
    const results = await Promise.all([
      runImport({ DATABASE_URL }, file),
      runImport({ DATABASE_URL }, file, "--dry-run"),
      runImport({ DATABASE_URL }),
      runImport({ DATABASE_URL: "mysql://secret" }, file),
    ]);
    expect(results.map(({ stderr }) => stderr)).toEqual([
      expect.stringMatching(/^.*books\.csv has no column title .*\n$/),
      expect.stringMatching(/^Unknown option '--dry-run'.*\n$/),
      expect.stringMatching(/^give one file: npm run import -- FILE\.csv.*\n$/),
      expect.stringMatching(/^DATABASE_URL must be .*\n$/),
    ]);
    for (const result of results) expect(result).toMatchObject({ code: 1, stdout: "" });
  });

  test("keeps the rows before a quote that is never closed, and says where they end", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const file = writeFixture(
      "books.csv",
      'title,author\nOne,Author\nTwo,\nThree,Author\n"Open,Author\nAfter,Author\n',
    );
    const result = await runImport({ DATABASE_URL }, file);
    expect(outcome(result)).toEqual({ code: 1, read: 3, added: 2, unchanged: 0, rejected: 1 });
    const [progress, failure, ...more] = result.stderr.split("\n");
    expect(progress).toMatch(/^books\.csv: \d+ %, 3 rows, \d+ rows\/s$/);
    expect(failure).toBe(
      `${file} cannot be read from line 5 on: a quote in that row is never closed. ` +
        "The rows up to line 4 are dealt with; run the import again to go on.",
    );
    expect(more).toEqual([""]);
    const service = await startService({ DATABASE_URL });
    expect(await service.titles()).toEqual(["One", "Three"]);
  });

  test("keeps the rows before one without an end", async () => {
    const file = writeFixture("books.csv", `title,author\nOne,Author\n"Open,${"x".repeat(1_100_000)}\nAfter,Author\n`);
    const summary = await importFile((await newDatabase()).url, file);
    expect(summary).toMatchObject({ read: 1, added: 1, lastLine: 2 });
    expect(summary.failure?.message).toContain("cannot be read from line 3 on: the row has more than 1000000 bytes");
  });
});

test("--help explains the command", async () => {
  const { code, stdout } = await runImport({}, "--help");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Usage: npm run import -- FILE\.csv/);
  expect(stdout).toContain("Fields: title, author, publishedDate, isbn, stockQuantity.");
});

describe("while a service runs on the same database", () => {
  test("both the import and the service's commands succeed, by turns", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const service = await startProcess({ DATABASE_URL });
    const running = startImport({ DATABASE_URL }, manyBooks(400));
    let imported: ImportResult | undefined;
    running.ended.then((result) => {
      imported = result;
    });
    const revisions: number[] = [];
    while (!imported) {
      const { consistency } = await service.addBook(`Added ${revisions.length}`);
      revisions.push(consistency.revision);
    }
    expect(outcome(imported)).toEqual({ code: 0, read: 400, added: 400, unchanged: 0, rejected: 0 });
    const last = 400 + revisions.length;
    expect(revisions.filter((revision) => revision > 100 && revision < last - 100)).not.toEqual([]);
    expect(await service.titles()).toHaveLength(last);
  });

  test.each([
    ["with the same Redis", true],
    ["without Redis", false],
  ])("its reads from Redis are never older than what was imported %s", async (_, sameRedis) => {
    const { url: DATABASE_URL } = await newDatabase();
    const redis = await startRedis();
    const service = await startService({ DATABASE_URL, REDIS_URL: redis.url });
    const count = async () => {
      const { data, consistency } = await service.ask("{ booksConnection(first: 1) { totalCount } }");
      return { ...consistency, total: data.booksConnection.totalCount as number };
    };
    await service.addBook("Before");
    await eventually("Redis answers", async () => (await count()).servedBy === "redis");

    const running = startImport({ DATABASE_URL, REDIS_URL: sameRedis ? redis.url : undefined }, manyBooks(300));
    let imported: ImportResult | undefined;
    running.ended.then((result) => {
      imported = result;
    });
    for (let before = 0; !imported; ) {
      const { total, revision } = await count();
      expect(total).toBe(revision);
      expect(revision).toBeGreaterThanOrEqual(before);
      before = revision;
    }
    expect(await service.titles()).toHaveLength(301);
    expect(outcome(imported)).toMatchObject({ code: 0, added: 300 });
    await eventually("Redis answers", async () => (await count()).servedBy === "redis");
    expect(await count()).toEqual({ total: 301, revision: 301, servedBy: "redis" });
  });
});

describe("when interrupted", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("by %s it finishes the transaction, sums up and can be run again", async (signal, code) => {
    const { url: DATABASE_URL } = await newDatabase();
    const service = await startService({ DATABASE_URL });
    const file = manyBooks(1000);
    const running = startImport({ DATABASE_URL }, file);
    await eventually("the first rows are in", async () => (await service.titles()).length > 0);
    running.child.kill(signal);
    running.child.kill(signal);
    const result = await running.ended;

    const { read, added } = outcome(result);
    expect(outcome(result)).toEqual({ code, read, added: read, unchanged: 0, rejected: 0 });
    expect(read).toBeLessThan(1000);
    expect(await service.titles()).toHaveLength(Number(added));
    expect(result.stderr).toContain(`Interrupted by ${signal}. The rows up to line ${Number(read) + 1} are dealt with`);

    const again = await importFile(DATABASE_URL, file);
    expect(again).toMatchObject({ read: 1000, added: 1000 - Number(added), unchanged: added, rejected: 0 });
  });
});

describe("progress", () => {
  /** What is shown of an import that is half done, and then done. */
  function shown(isTTY: boolean): string {
    let text = "";
    const display = showProgress("books.csv", {
      isTTY,
      columns: 60,
      write: (more) => {
        text += more;
      },
    });
    display.update({ rows: 100, fraction: 0.5 });
    display.update({ rows: 200, fraction: 1 });
    display.end();
    return text.replaceAll(/\d+ rows\/s/g, "N rows/s");
  }

  test("is one line that is redrawn on a terminal", () => {
    const text = shown(true);
    const lines = text.replaceAll("\u001b[K", "").split("\r");
    expect(lines).toEqual([
      "",
      expect.stringMatching(/^\[#+-+\] {2}50 %, 100 rows, N rows\/s$/),
      expect.stringMatching(/^\[#+\] 100 %, 200 rows, N rows\/s\n$/),
    ]);
    for (const line of lines) expect(line.length).toBeLessThan(60);
  });

  test("is plain lines elsewhere", () => {
    expect(shown(false)).toBe("books.csv: 100 %, 200 rows, N rows/s\n");
  });
});

describe.skipIf(!existsSync(SAMPLE))("the sample of real books", () => {
  test("goes in, or is accounted for row by row, and a second run finds it unchanged", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const file = join(temporaryDirectory(), "books.csv");
    copyFileSync(SAMPLE, file);
    const records: Record<string, string>[] = parse(readFileSync(file), { columns: true });

    const first = await runImport({ DATABASE_URL }, file, "--columns", SAMPLE_COLUMNS);
    expect(outcome(first)).toEqual({ code: 0, read: 1987, added: 1973, unchanged: 0, rejected: 14 });
    expect(first.counts).toMatchObject({ "dates out of range, set to null": 12, "ISBNs mended": 1309 });

    const service = await startService({ DATABASE_URL });
    const stored = new Set(await service.titles());
    expect(stored).toEqual(new Set(records.map(({ title }) => title?.normalize("NFC").trim())));
    const [, ...rejected] = rejectedRows(file);
    expect(rejected).toHaveLength(14);
    for (const [line, reason, ...fields] of rejected) {
      expect(fields).toEqual(Object.values(records[Number(line) - 2] ?? {}));
      expect(reason).toMatch(/^There is already a book with the title/);
    }

    const again = await importFile(DATABASE_URL, file, SAMPLE_COLUMNS);
    expect(again).toMatchObject({ read: 1987, added: 0, unchanged: 1973, rejected: 14, failure: undefined });
    expect(rejectedRows(file).slice(1)).toEqual(rejected);
  });
});
