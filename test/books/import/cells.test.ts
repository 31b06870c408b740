import { expect, test } from "vitest";
import type { ImportOptions, ImportSummary } from "../../../src/books/import/import-books.ts";
import { rejectedRows, writeFixture } from "../../support/import/csv-files.ts";
import { importFile } from "../../support/import/import-file.ts";
import { storedBooks } from "../../support/import/stored-books.ts";
import { sharedService } from "../../support/service/service.ts";

type Cell = readonly [cell: string, stored: string | number | null];

const service = sharedService();

/** What a column of cells becomes: the stored value by the cell, or the reason for which it was refused. */
async function imported(
  field: string,
  cells: readonly string[],
  options: Pick<ImportOptions, "dates"> = {},
): Promise<{ values: Cell[]; summary: ImportSummary }> {
  await service().empty();
  const others = field === "author" ? "" : ",X";
  const rows = cells.map((cell, index) => `${index + 1000},"${cell.replaceAll('"', '""')}"${others}`);
  const file = writeFixture("books.csv", [`title,${field}${others && ",author"}`, ...rows].join("\n"));
  const summary = await importFile(service(), file, undefined, options);
  const stored = await storedBooks(service());
  const values = new Map(stored.map((book) => [book.title, book[field] as Cell[1]]));
  for (const [line, reason] of rejectedRows(file).slice(1)) values.set(String(Number(line) + 998), reason as string);
  expect(values.size).toBe(cells.length);
  return { values: cells.map((cell, index) => [cell, values.get(String(index + 1000)) as Cell[1]]), summary };
}

const containing = (cells: readonly Cell[]) =>
  cells.map(([cell, reason]) => [cell, typeof reason === "string" ? expect.stringContaining(reason) : reason]);

test("an ISBN is found in what catalogues and spreadsheets make of it", async () => {
  const cells: readonly Cell[] = [
    ["978\u20100\u2010306\u201040615\u20107", "9780306406157"],
    ["978\u22120\u2212306\u221240616\u22124", "9780306406164"],
    ["978\u30FC0\u30FC201\u30FC03801\u30FC3", "9780201038013"],
    ["\uFF19\uFF17\uFF18\uFF10\uFF12\uFF10\uFF11\uFF18\uFF19\uFF16\uFF18\uFF13\uFF11", "9780201896831"],
    ["\u202A9780132350884\u202C", "9780132350884"],
    ["ISBN 978-0-13-468599-1", "9780134685991"],
    ["ISBN-13: 978-0-552-13105-6", "9780552131056"],
    ["ISBN 10: 0141439513", "9780141439518"],
    ["\uFF29\uFF33\uFF22\uFF2E\uFF1A0-19-853453-1", "9780198534532"],
    ["urn:isbn:9781402894626", "9781402894626"],
    ["0-8044-2957-x (v. 1 : hardback) :", "9780804429573"],
    ["978-3-16-148410-0 (pbk.)", "9783161484100"],
    ["'0439023483", "9780439023481"],
    ['="0140283331"', "9780140283334"],
    ['=""', null],
    // zeros that are right
    ["9780000000002", "9780000000002"],
    ["439023491", "9780439023498"],
    ["61120081", "9780061120084"],
    ["1713221", "9780001713222"],
    ["NaN", null],
    ["N/A", null],
    ["", null],
  ];
  const { values, summary } = await imported(
    "isbn",
    cells.map(([cell]) => cell),
  );
  expect(values).toEqual(cells);
  expect(summary).toMatchObject({ isbnMended: 3, emptied: 2, rejected: 0 });
});

test("an ISBN that lost digits is never stored", async () => {
  const { values } = await imported("isbn", [
    ...[
      "9780439023480.0",
      "9.78043902348e+12",
      "9.78E+12",
      "9,78014E+12",
      "439023483.0",
      "9780439023480.",
      "9780440000000",
    ],
  ]);
  for (const [cell, reason] of values) {
    expect(reason, cell).toContain("isbn was rounded by the program that wrote the file");
    expect(reason, cell).toContain("put the ISBN in anew");
  }
});

test("what is no ISBN is refused", async () => {
  const cells: readonly Cell[] = [
    ["385535144", "has 9 digits, and is no ISBN with the zeros that it may have lost either: the check digit is wrong"],
    // an ISSN: its check digit would be right
    ["0028-0836", "must be an ISBN of 10 or 13 digits"],
    ["9780306406157, 0306406152", "must be an ISBN of 10 or 13 digits"],
    ["12345 (9780306406157)", "must be an ISBN of 10 or 13 digits"],
    ["none", "must be an ISBN of 10 or 13 digits"],
    ["ISBN", "must be an ISBN of 10 or 13 digits"],
    ["(pbk.)", "must be an ISBN of 10 or 13 digits"],
    ["#REF!", "must be an ISBN of 10 or 13 digits"],
  ];
  const { values } = await imported(
    "isbn",
    cells.map(([cell]) => cell),
  );
  expect(values).toEqual(containing(cells));
});

const DATES: readonly Cell[] = [
  ["2024-12-31", "2024-12-31"],
  ["2024/1/5", "2024-01-05"],
  ["2024\u201112\u201130", "2024-12-30"],
  ["\uFF12\uFF10\uFF12\uFF14\uFF0D12\uFF0D29", "2024-12-29"],
  ["31.12.2024", "2024-12-31"],
  ["31. 12. 2023", "2023-12-31"],
  ["12/31/2022", "2022-12-31"],
  ["05/05/2024", "2024-05-05"],
  ["2024-12-31 00:00:00", "2024-12-31"],
  ["2024-12-31T00:00:00.000Z", "2024-12-31"],
  ["12/31/2024 12:00:00 AM", "2024-12-31"],
  ["2005", "2005-01-01"],
  ["2005.0", "2005-01-01"],
  ["2005,00", "2005-01-01"],
  ["'2001", "2001-01-01"],
  ["119.0", "0119-01-01"],
  ["0099", "0099-01-01"],
  ["-720.0", null],
  ["\u2212720", null],
  ["0", null],
  ["NaT", null],
  ["0000-00-00", null],
  ["45292", "is a number by which a spreadsheet counts days"],
  ["45292.5", "is a number by which a spreadsheet counts days"],
  ["99", "has a year without its century"],
  ["8.0", "has a year without its century"],
  ["1/2/99", "has a year without its century"],
  ["2024-12-31T10:00:00Z", "without a time of day"],
  ["200503", "must be a year, or a date of the form YYYY-MM-DD"],
  ["1.937", "must be a year, or a date of the form YYYY-MM-DD"],
  ["Mar-05", "must be a year, or a date of the form YYYY-MM-DD"],
  ["c1999", "must be a year, or a date of the form YYYY-MM-DD"],
  ["31.02.2024", "must be a date of the form YYYY-MM-DD"],
  ["13/13/2024", "must be a date of the form YYYY-MM-DD"],
];

test("a date is read if it can be one day only, and else refused", async () => {
  const cells: readonly Cell[] = [...DATES, ["01/02/2024", "--dates dmy or --dates mdy"]];
  const { values, summary } = await imported(
    "publishedDate",
    cells.map(([cell]) => cell),
  );
  expect(values).toEqual(cells.map((cell) => (cell[1]?.toString().includes(" ") ? containing([cell])[0] : cell)));
  expect(summary).toMatchObject({ dateOutOfRange: 3, emptied: 2 });
});

test("--dates says the order of day and month, and what contradicts it is refused", async () => {
  const cells = ["01/02/2024", "31.12.2024", "12/31/2024", "2024-03-04"];
  const dayFirst = await imported("publishedDate", cells, { dates: "dmy" });
  expect(dayFirst.values.map(([, value]) => value)).toEqual([
    "2024-02-01",
    "2024-12-31",
    "publishedDate has the month first, and --dates says dmy",
    "2024-03-04",
  ]);
  const monthFirst = await imported("publishedDate", cells, { dates: "mdy" });
  expect(monthFirst.values.map(([, value]) => value)).toEqual([
    "2024-01-02",
    "publishedDate has the day first, and --dates says mdy",
    "2024-12-31",
    "2024-03-04",
  ]);
});

test("stock is a whole number, also as a float, but not one that may be another", async () => {
  const whole = "must be a whole number";
  const cells: readonly Cell[] = [
    ...([
      ["7.0", 7],
      ["7,00", 7],
      ["'5", 5],
      ["\uFF15", 5],
      ['="3"', 3],
      ["007", 7],
      ["-0", 0],
      ["NaN", 0],
    ] as const),
    ...([
      ["1.000", whole],
      ["1,000", whole],
      ["1e3", whole],
      ["1.5", whole],
      ["yes", whole],
    ] as const),
    ["-1", "must be at least 0"],
    ["2147483648", "must be at most 2147483647"],
  ];
  const { values, summary } = await imported(
    "stockQuantity",
    cells.map(([cell]) => cell),
  );
  expect(values).toEqual(containing(cells));
  expect(summary).toMatchObject({ emptied: 1 });
});

test("text is stored as it is, but for what kept a spreadsheet from reading it; lost characters are refused", async () => {
  const { values } = await imported("author", ['="1984"', '="a ""b"""', "'Tis", "NaN", "=A1", "Zo\uFFFD"]);
  expect(values.map(([, value]) => value)).toEqual([
    "1984",
    'a "b"',
    "'Tis",
    "NaN",
    "=A1",
    "author has characters that an earlier program could not read and replaced by U+FFFD",
  ]);
});
