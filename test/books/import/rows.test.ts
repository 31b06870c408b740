import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { newDatabase } from "../../support/database/database.ts";
import { HEADER, rejectedRows, writeFixture } from "../../support/import/csv-files.ts";
import { importFile } from "../../support/import/import-file.ts";
import { outcome, runImport } from "../../support/import/import-process.ts";
import { storedBooks } from "../../support/import/stored-books.ts";
import { sharedService, startService } from "../../support/service/service.ts";

const shared = sharedService();

describe("a file of books", () => {
  test("goes in: years, dates, ISBNs without their zeros, quotes, line breaks of Windows and a byte order mark", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const rows = [
      HEADER,
      '"The ""Quoted"", Book",Anna Author,1937,0-306-40615-2,3',
      "Année,Author,1937.0,61120081,",
      "Before Christ,Author,-720.0,1713221,0",
      "First Year,Author,-1,,0",
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
    expect(result.stderr).toMatch(/^books\.csv: 0 %, 0 rows, 0 rows\/s\nbooks\.csv: 100 %, 8 rows, \d+ rows\/s\n$/);
    expect(rejectedRows(file)).toEqual([]);
    const service = await startService({ DATABASE_URL });
    const none = { publishedDate: null, isbn: null, language: null, coverUrl: null };
    const rest = { ...none, author: "Author", stockQuantity: 0 };
    expect(await storedBooks(service)).toEqual([
      { ...rest, title: "Année", publishedDate: "1937-01-01", isbn: "9780061120084" },
      { ...rest, title: "Before Christ", isbn: "9780001713222" },
      { ...rest, title: "Dated", publishedDate: "2005-03-31", isbn: "9780141310886", stockQuantity: 7 },
      { ...rest, title: "Early", publishedDate: "0180-01-01" },
      { ...rest, title: "First Year" },
      {
        ...rest,
        title: 'The "Quoted", Book',
        author: "Anna Author",
        publishedDate: "1937-01-01",
        isbn: "9780306406157",
        stockQuantity: 3,
      },
      { ...rest, title: "Trimmed" },
      { ...rest, title: "Year Zero" },
    ]);
  });

  test("is read by the columns that are named", async () => {
    const file = writeFixture("books.csv", "title,name,by\nIgnored,The Title,The Author\n");
    expect(await importFile(shared(), file, "title=name, author=by")).toMatchObject({ read: 1, added: 1 });
    expect(await storedBooks(shared())).toMatchObject([{ title: "The Title", author: "The Author" }]);
  });

  test("that has only a header is imported, with nothing in it", async () => {
    const summary = await importFile(shared(), writeFixture("books.csv", HEADER));
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
    ['Bare "quote",Author,,,', "the quotes are wrong in column 1 (at character 6): "],
    ['"Quote" left,Author,,,', "the quotes are wrong in column 1 (at character 7): "],
    [
      '"Unclosed,Author,,,\nSwallowed,"Author",,,',
      "the quotes are wrong in column 1 (at character 11 of line 9; the row ends in line 9): ",
    ],
    ['"Two\r\nlines",Author,,,', "title must not contain control characters"],
    ["Not UTF-8 \xff,Author,,,", "the row is not UTF-8 text, in column 1; if the file is in another encoding"],
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
    ["Taken ISBN,Author,,306406152,", "There is already a book with the ISBN 9780306406157."],
    [first, undefined],
    ["Last,Author,-5,,", undefined],
  ];
  const content = Buffer.from([HEADER, ...rows.map(([row]) => row)].join("\n"), "latin1");

  test("are written with line, reason and columns, and do not stop the others", async () => {
    const file = writeFixture("books.csv", content);
    const summary = await importFile(shared(), file);

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
    const file = writeFixture("books.csv", `${HEADER}\nCirca,Author,circa 1900,,\n`);
    await importFile(shared(), file);
    const rejectedFile = file.replace("books.csv", "books.rejected.csv");
    writeFileSync(rejectedFile, readFileSync(rejectedFile, "utf8").replace("circa 1900", "1900"));
    expect(await importFile(shared(), rejectedFile)).toMatchObject({ added: 1, rejected: 0 });
  });

  test("are forgotten when a later run has none", async () => {
    const file = writeFixture("books.csv", `${HEADER}\nBook,,,,\n`);
    await importFile(shared(), file);
    expect(rejectedRows(file)).toHaveLength(2);
    writeFileSync(file, `${HEADER}\nBook,Author,,,\n`);
    expect(await importFile(shared(), file)).toMatchObject({ added: 1 });
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
    const file = writeFixture("books.csv", "title,author\nConnected by Determination,Author\nTerminated,Author\n");
    await importFile(shared(), file);
    expect(await importFile(shared(), file)).toMatchObject({ unchanged: 2, failure: undefined });
  });

  test("rejects a book that differs by now, and overwrites nothing", async () => {
    for (const [title, field] of [
      ["A", "author"],
      ["D", "publishedDate"],
      ["I", "isbn"],
      ["S", "stockQuantity"],
    ]) {
      const changed = { author: "Other", publishedDate: "1999-12-31", isbn: "1234567890", stockQuantity: 4 };
      await shared().addBook(title as string, { [field as string]: changed[field as keyof typeof changed] });
    }
    const before = await storedBooks(shared());
    const titles = ["A", "D", "I", "S"].map((title) => `${title},Author Name,,,`);
    const file = writeFixture("books.csv", [HEADER, ...titles].join("\n"));
    expect(await importFile(shared(), file)).toMatchObject({ unchanged: 0, rejected: 4 });
    expect(await storedBooks(shared())).toEqual(before);
  });

  test("leaves out of account what the file does not mention", async () => {
    await shared().addBook("Book", { publishedDate: "1999-12-31", stockQuantity: 4 });
    const file = writeFixture("books.csv", "title,author\nBook,Author Name\n");
    expect(await importFile(shared(), file)).toMatchObject({ unchanged: 1, rejected: 0 });
  });
});
