import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newDatabase } from "../support/database/database.ts";
import { inherited } from "../support/service/environment.ts";
import { operate } from "../support/service/operate.ts";
import { spawnProgram } from "../support/service/program.ts";
import { startService } from "../support/service/service.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const BOOKS = [
  { title: 'A "quoted", title', author: "One; two", isbn: "978-0-306-40615-7", publishedDate: "1999-12-31" },
  { title: "=1+1", author: "−", description: "two\nlines,\tand a tab", language: "en-GB", stockQuantity: 3 },
  { title: "Тысяча и одна ночь 📚", author: "Автор", coverUrl: "https://example.org/a.png", isbn: "1234567890" },
];

test("an export is of one revision, and the import takes it back as it was", async () => {
  const { url: DATABASE_URL } = await newDatabase();
  const directory = temporaryDirectory();
  const at = (name: string) => join(directory, name);
  const service = await startService({ DATABASE_URL });
  for (const input of BOOKS) await service.send(ADD, { variables: { input } });
  const fields = "title author publishedDate isbn language description coverUrl stockQuantity";
  const stored = async (from: typeof service) => (await from.send(`{ books { ${fields} } }`)).data.books;

  for (const name of ["books.csv", "books.JSONL"]) {
    const { code, stdout, stderr } = await operate("export", { DATABASE_URL }, at(name));
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "books: 3 as of revision 3\n" });
  }
  const lines = readFileSync(at("books.JSONL"), "utf8").trimEnd().split("\n");
  const parsed = lines.map((line) => JSON.parse(line));
  expect(parsed).toMatchObject(await stored(service));
  expect(parsed).toMatchObject(parsed.map(() => ({ version: expect.any(Number), addedAt: expect.any(String) })));

  const { url: other } = await newDatabase();
  execFileSync(process.execPath, ["src/import.ts", at("books.csv")], {
    env: { ...inherited, DATABASE_URL: other },
    stdio: "ignore",
  });
  const copied = await startService({ DATABASE_URL: other });
  expect(await stored(copied)).toEqual(await stored(service));
}, 180_000);

test("what cannot be exported to is refused", async () => {
  const { url: DATABASE_URL } = await newDatabase();
  const service = await startService({ DATABASE_URL });
  // more than a pipe holds
  const description = "x".repeat(10_000);
  for (let i = 0; i < 20; i++) {
    await service.send(ADD, { variables: { input: { title: `${i}`, author: "A", description } } });
  }
  const unnamed = await operate("export", { DATABASE_URL }, "books.txt");
  expect(unnamed).toMatchObject({ code: 2, stdout: "" });
  expect(unnamed.stderr).toBe("The file must end with .csv or .jsonl, or give --format csv or --format jsonl.\n");
  // whoever reads it goes away in the middle
  const { child, stderr } = spawnProgram("src/operate/export.ts", ["-", "--format", "csv"], { DATABASE_URL });
  child.stdout?.once("data", () => child.stdout?.destroy());
  const [code] = await once(child, "close");
  expect(code).toBe(1);
  expect(stderr()).toBe("The standard output was closed before all was written.\n");
}, 180_000);

const ADD = "mutation ($input: AddBookInput!) { addBook(input: $input) { __typename } }";
