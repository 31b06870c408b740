import { execFileSync } from "node:child_process";
import { createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ImportOptions } from "../../../src/books/import/import-books.ts";
import { rejectedPath } from "../../../src/books/import/rejected-rows.ts";
import { newDatabase } from "../../support/database/database.ts";
import { HEADER, rejectedRows, writeFixture } from "../../support/import/csv-files.ts";
import { importFile } from "../../support/import/import-file.ts";
import { startImport } from "../../support/import/import-process.ts";
import { storedBooks } from "../../support/import/stored-books.ts";
import { sharedService } from "../../support/service/service.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { eventually } from "../../support/wait.ts";

type Options = Omit<ImportOptions, "file" | "columns">;

const utf16le = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le");
const utf16be = (text: string) => utf16le(text).swap16();

const service = sharedService();

/** What an import makes of a file: the titles and authors that are stored, its summary and the rejected file's bytes. */
async function imported(content: string | Buffer, options: Options = {}, columns?: string) {
  await service().empty();
  const file = writeFixture("books.csv", content);
  const summary = await importFile(service(), file, columns, options);
  const books = await storedBooks(service());
  const rejected = summary.rejected > 0 ? readFileSync(summary.rejectedFile) : Buffer.alloc(0);
  return { file, summary, books: books.map(({ title, author }) => [title, author]), rejected };
}

async function refusal(content: string | Buffer, options: Options = {}, columns?: string): Promise<string> {
  const file = writeFixture("books.csv", content);
  const error = await importFile(service(), file, columns, options).catch((failure) => failure);
  return (error as Error).message;
}

describe("a file that is not UTF-8", () => {
  const latin1 = Buffer.from(`${HEADER}\nAnn\xe9e,Zo\xeb,,,\nPlain,X,,,\n`, "latin1");

  test("has its rows refused with their bytes, and refused again when they are imported unchanged", async () => {
    const { summary, books, rejected } = await imported(latin1);
    expect(summary).toMatchObject({ read: 2, added: 1, rejected: 1 });
    expect(books).toEqual([["Plain", "X"]]);
    expect(rejected.toString("latin1")).toMatch(
      /^2,"the row is not UTF-8 text.*--encoding windows-1252",Ann\xe9e,Zo\xeb,,,$/m,
    );

    const again = await importFile(service(), summary.rejectedFile);
    expect(again).toMatchObject({ read: 1, added: 0, rejected: 1 });
    // the line and the reason of before are replaced, the rest is as it was
    expect(readFileSync(again.rejectedFile).toString("latin1")).toBe(
      rejected.toString("latin1").replace("in column 1", "in column 3"),
    );
    const said = await importFile(service(), summary.rejectedFile, undefined, { encoding: "windows-1252" });
    expect(said).toMatchObject({ added: 1, rejected: 0 });
  });

  test.each<[what: string, content: Buffer, encoding: string]>([
    ["Latin-1", latin1, "latin1"],
    ["UTF-16", utf16le(`${HEADER}\r\nAnnée,Zoë,,,\r\nPlain,X,,,`), "utf-16"],
    ["UTF-16LE without a mark", utf16le(`${HEADER}\nAnnée,Zoë,,,\nPlain,X,,,`).subarray(2), "utf-16le"],
    ["UTF-16BE", utf16be(`${HEADER}\nAnnée,Zoë,,,\nPlain,X,,,`), "UTF-16BE"],
    ["Mac Roman", Buffer.from(`${HEADER}\rAnn\x8ee,Zo\x91,,,\rPlain,X,,,`, "latin1"), "macintosh"],
  ])("goes in when --encoding says what it is: %s", async (_, content, encoding) => {
    const { summary, books } = await imported(content, { encoding });
    expect(summary).toMatchObject({ added: 2, rejected: 0, failure: undefined });
    expect(books).toEqual([
      ["Année", "Zoë"],
      ["Plain", "X"],
    ]);
  });

  test("goes in when its characters hold bytes that are ASCII by themselves", async () => {
    const content = Buffer.concat([Buffer.from("title,author\n"), Buffer.from("835c2c835c0a", "hex")]);
    expect((await imported(content, { encoding: "shift_jis" })).books).toEqual([["ソ", "ソ"]]);
  });

  test("has rejected rows in its own encoding and with its own separator", async () => {
    const { summary, rejected } = await imported(utf16be("title\tauthor\n“Ä”\t\nB\tX"), {
      encoding: "utf-16",
      delimiter: "tab",
    });
    expect(rejected).toEqual(utf16be("line\treason\ttitle\tauthor\n2\tauthor must not be empty\t“Ä”\t\n"));
    const options = { encoding: "utf-16", delimiter: "\t" };
    expect(await importFile(service(), summary.rejectedFile, undefined, options)).toMatchObject({ rejected: 1 });
  });

  test("is not guessed at: what it seems to be is said", async () => {
    expect(await refusal(utf16le(HEADER))).toContain(
      "is UTF-16LE text by its byte order mark; to import it as that: --encoding utf-16le.",
    );
    expect(await refusal(utf16be(HEADER))).toContain("--encoding utf-16be.");
    expect(await refusal(utf16be(HEADER).subarray(2))).toContain("looks like UTF-16BE text without a byte order mark");
    expect(await refusal(Buffer.from("fffe000074000000", "hex"))).toContain("is UTF-32 text");
    expect(await refusal(`\uFEFF${HEADER}`, { encoding: "latin1" })).toContain(
      "is UTF-8 text by its byte order mark, and --encoding says windows-1252.",
    );
    expect(await refusal("titr\xe9,author", { encoding: "ibm437" })).toContain("--encoding: “ibm437” is not known");
    expect(await refusal(HEADER, { encoding: "iso-2022-jp" })).toContain("is not known");
    expect(await refusal(Buffer.from("titr\xe9,author", "latin1"))).toContain("not UTF-8 text, in column 1");
  });

  test("has rows refused that are UTF-8 although --encoding says another", async () => {
    const { summary, books, rejected } = await imported(`${HEADER}\nAnnée,Zoë,,,\nPlain,X,,,\n`, {
      encoding: "latin1",
    });
    expect(summary).toMatchObject({ added: 1, rejected: 1 });
    expect(books).toEqual([["Plain", "X"]]);
    expect(rejected.toString()).toContain('2,"the row is UTF-8 text, and --encoding says windows-1252",Année,Zoë,,,\n');
  });

  test("keeps the rows before the place where UTF-16 ends to be any", async () => {
    const { summary, books } = await imported(Buffer.concat([utf16le("title,author\nA,X\nB,"), Buffer.from("x")]), {
      encoding: "utf-16le",
    });
    expect(summary).toMatchObject({ added: 1, lastLine: 2 });
    expect(summary.failure?.message).toContain("cannot be read from line 3 on: what follows is not UTF-16LE text");
    expect(books).toEqual([["A", "X"]]);
  });
});

describe("separators", () => {
  test.each([
    [";", '"title";"author"\n"A;";"B"\n'],
    ["tab", '"title"\t"author"\n"A;"\tB\n'],
    ["\\t", "title\tauthor\nA;\tB\n"],
    ["|", "title|author\nA;|B"],
    [";", 'sep=;\ntitle;author\n"A;";B\n'],
    ["\x1f", "title\x1fauthor\nA;\x1fB\n"],
    [":", "title:author\nA;:B\n"],
  ])("are those that --delimiter says: %j", async (delimiter, content) => {
    expect((await imported(content, { delimiter })).books).toEqual([["A;", "B"]]);
  });

  test("are named when they are others", async () => {
    expect(await refusal('"title";"author"\n')).toContain(
      'separates its columns by “;”; to import it as that: --delimiter ";".',
    );
    expect(await refusal('"title"\t"author"\n')).toContain(
      "separates its columns by tabs; to import it as that: --delimiter tab.",
    );
    expect(await refusal("title|author\n")).toContain('--delimiter "|".');
    expect(await refusal("title,author\n", { delimiter: ";" })).toContain('--delimiter ",".');
    expect(await refusal("a;b;c\n", {}, "title=a,author=b")).toContain("they may be separated by “;”");
    expect(await refusal("sep=;\ntitle;author\n")).toContain("says that “;” separates its columns");
    for (const delimiter of ["", ";;", "a", '"', "\n", "§"]) {
      expect(await refusal(HEADER, { delimiter })).toContain("--delimiter must be one ASCII character");
    }
    expect(await refusal(HEADER, { dates: "ymd" })).toContain("--dates must be dmy");
  });
});

describe("quotes", () => {
  test("that are wrong in the header are named with their place", async () => {
    expect(await refusal('"title", "author"\n"A", "B"\n')).toContain(
      "the quotes are wrong in column 2 (at character 10)",
    );
    expect(await refusal('title,"author\n')).toContain("a quote that was opened in line 1 is never closed");
  });

  test("that are wrong in a row leave its bytes as they were", async () => {
    const rows = ['A "b" c,X', '"A" b,X', '"A\r\nb"c,X', '"A \\"b\\"",X', '="A,X", ="B"', "'A' , \"X\"", '"A"",X"'];
    const { summary, rejected } = await imported(`title,author\r\n${rows.join("\r\n")}\r\nlast,X`);
    expect(summary).toMatchObject({ read: 8, added: 1, rejected: 7, failure: undefined });
    const written = rejected.toString();
    for (const row of rows) expect(written).toMatch(new RegExp(`,(".*"|[^"]*),${RegExp.escape(row)}\n`));
  });
});

describe("the header", () => {
  test("is found by its names, whatever their case, spaces and Unicode form, and what is left out is said", async () => {
    const notices: string[] = [];
    const onNotice = (notice: string) => void notices.push(notice);
    const content = " Title ,AUTHOR,Published Date,stock_quantity,Notes\nA,B,2001,3,x\n";
    await importFile(service(), writeFixture("books.csv", content), undefined, { onNotice });
    expect(await storedBooks(service())).toMatchObject([
      { title: "A", author: "B", publishedDate: "2001-01-01", stockQuantity: 3 },
    ]);
    expect(notices).toEqual([
      "title from “Title”, author from “AUTHOR”, publishedDate from “Published Date”, " +
        "stockQuantity from “stock_quantity”; ignored: “Notes”",
    ]);
    const decomposed = await imported("titre\u0301,author\nA,B\n", {}, "title=titr\u00e9,author=author");
    expect(decomposed.books).toEqual([["A", "B"]]);
    const composed = await imported('titr\u00e9,"by, name"\nA,B\n', {}, 'title=titre\u0301,"author=by, name"');
    expect(composed.books).toEqual([["A", "B"]]);
  });

  test("that comes again is no book", async () => {
    const { books, file } = await imported("title,author\nA,X\ntitle,author\nB,X\n\uFEFFtitle,author\nC,X\n");
    expect(books.map(([title]) => title)).toEqual(["A", "B", "C"]);
    expect(rejectedRows(file).slice(1)).toEqual([
      ["3", "the row names the columns again", "title", "author"],
      ["5", "the row names the columns again", "\uFEFFtitle", "author"],
    ]);
  });
});

test("a huge field goes in where it does not matter, and NUL bytes stay out", async () => {
  const { summary, books } = await imported(`title,author,notes\nA,X,${"n".repeat(3_000_000)}\nB\0,X,\nC,X,\0\n`);
  expect(summary).toMatchObject({ read: 3, added: 2, rejected: 1 });
  expect(books.map(([title]) => title)).toEqual(["A", "C"]);
});

test("megabytes in a cell or a row do not hold an import up", async () => {
  const gap = " ".repeat(400_000);
  const rows = [
    `A,X,1${gap}2,,`,
    `B,X,,1${gap}2,`,
    `C,X,,,1${gap}2`,
    `${",".repeat(1_000_000)}x"`,
    `"=""${'""'.repeat(500_000)}""",X,,,`,
  ];
  const { summary, file } = await imported(`${HEADER}\n${rows.join("\n")}\nLast,X,,,`);
  expect(summary).toMatchObject({ read: 6, added: 1, rejected: 5, failure: undefined });
  const kept = readFileSync(rejectedPath(file), "latin1").split("\n").slice(1, -1);
  for (const [index, row] of rows.entries()) expect(kept[index]?.endsWith(`,${row}`)).toBe(true);
});

test("a pipe is read to its end, and given up when the import is interrupted", async () => {
  const { url: DATABASE_URL } = await newDatabase();
  const pipe = join(temporaryDirectory(), "pipe");
  execFileSync("mkfifo", [pipe]);
  const reading = startImport({ DATABASE_URL }, pipe);
  createWriteStream(pipe).end("title,author\nA,X\n");
  expect(await reading.ended).toMatchObject({ code: 0, counts: { "rows read": 1, added: 1 } });
  expect(reading.stderr()).toMatch(/^pipe: 0 rows, 0 rows\/s\npipe: 1 rows, \d+ rows\/s\n$/);

  const waiting = startImport({ DATABASE_URL }, pipe);
  const writer = createWriteStream(pipe);
  writer.write("title,author\nB,X\n");
  // the first line comes before the first rows
  await eventually("the import has begun", async () => waiting.stderr() !== "");
  waiting.child.kill("SIGTERM");
  expect(await waiting.ended).toMatchObject({ code: 143, counts: { "rows read": 0 } });
  writer.destroy();

  const nowhere = await startImport({ DATABASE_URL }, "/dev/null").ended;
  expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining("--rejected FILE") });
});
