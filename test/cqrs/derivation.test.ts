import Database from "better-sqlite3";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import { BookEntity } from "../../src/books/book.ts";
import { bookFields } from "../../src/books/book-fields.ts";
import { bookStream } from "../../src/books/book-stream.ts";
import { Derivation } from "../../src/cqrs/derivation.ts";
import { orderKey } from "../../src/cqrs/folding.ts";
import { withDefaults } from "../../src/graphql/fields.ts";
import { openBooks } from "../support/database/books.ts";
import { engine, newDatabase } from "../support/database/database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { startService } from "../support/service/service.ts";

/** The titles of the rows whose derived columns are those of the row as it is. All others must lack them. */
async function fresh(url: string): Promise<string[]> {
  const rows = await sqlOn(url, "select title, title_key, version, folded_version from book order by id");
  return rows.flatMap(({ title, title_key, version, folded_version }) => {
    if (folded_version !== version) return [];
    expect(title_key).toBe(orderKey(title));
    return [title];
  });
}

async function openDerivation(url: string) {
  const { orm } = await openBooks(url);
  onTestFinished(() => orm.close());
  return { orm, derivation: new Derivation(orm, bookStream) };
}

/** As a process of the version before adds and renames: it knows of no derived columns. */
async function writeAsBefore(url: string, ...titles: string[]): Promise<void> {
  const rows = titles.map((title, i) => `('${title}', 'A', 0, ${1_000_000 + i})`);
  await sqlOn(url, `insert into book (title, author, stock_quantity, version) values ${rows}`);
}

test("commands write what is derived with the row, and the answer has nothing of it", async () => {
  const { url } = await newDatabase();
  const service = await startService({ DATABASE_URL: url });
  await Promise.all(["Écran", "A", "B"].map((title) => service.addBook(title)));
  expect((await fresh(url)).sort()).toEqual(["A", "B", "Écran"]);
  await service.updateBook("Écran", { title: "Œuvre" });
  await service.updateBook("A", { stockQuantity: 3 });
  await service.deleteBook("B");
  expect((await fresh(url)).sort()).toEqual(["A", "Œuvre"]);
  const [{ after }] = await sqlOn(url, "select after from book_change order by revision desc limit 1 offset 2");
  expect(Object.keys(JSON.parse(after))).toEqual(["id", ...Object.keys(bookFields)]);
});

test("so do the verbs of the service, in the same transaction", async () => {
  const { url } = await newDatabase();
  const { orm } = await openDerivation(url);
  const at = "2001-02-03T04:05:06.789Z";
  const book = (title: string) => ({
    ...withDefaults(bookFields, { title, author: "A" }),
    ...{ version: 7, addedAt: at, updatedAt: at },
  });
  await orm.create(BookEntity, book("Écran"));
  await orm.create(BookEntity, book("B"));
  expect(await fresh(url)).toEqual(["Écran", "B"]);
  const failed = orm.transaction(async (tx) => {
    await tx.update(BookEntity, "B", "title", { title: "C" });
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  expect(await fresh(url)).toEqual(["Écran", "B"]);
  expect(await orm.update(BookEntity, "Écran", "title", { title: "Ægir" }, true)).not.toHaveProperty("title_key");
  await orm.update(BookEntity, 7, "version", { stockQuantity: 2 });
  expect(await fresh(url)).toEqual(["Ægir", "B"]);
});

test.runIf(engine === "sqlite")("looks at no row but those that lack it, however many there are", async () => {
  const { url } = await newDatabase();
  const { derivation } = await openDerivation(url);
  await writeAsBefore(url, ...Array.from({ length: 300 }, (_, i) => `Ö ${i}`));
  const prepared: string[] = [];
  const { prepare } = Database.prototype;
  vi.spyOn(Database.prototype, "prepare").mockImplementation(function (this: Database.Database, source) {
    prepared.push(source);
    return prepare.call(this, source) as never;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  expect(await derivation.renew()).toBe(300);
  const database = new Database(url.slice("sqlite:".length));
  onTestFinished(() => void database.close());
  const updates = [...new Set(prepared.filter((source) => /^update "book"/.test(source)))];
  expect(updates).toHaveLength(2);
  for (const update of updates) {
    const plan = database.prepare<unknown[], { detail: string }>(`explain query plan ${update}`);
    const steps = plan.all(...Array((update.match(/\?/g) as string[]).length).fill(null)).map(({ detail }) => detail);
    expect(steps).toContain("SEARCH book USING INTEGER PRIMARY KEY (rowid=?)");
    expect(steps).not.toContainEqual(expect.stringMatching(/^SCAN book/));
  }
});

test("a start makes it where another version has not, and says so once", async () => {
  const { url } = await newDatabase();
  const { derivation } = await openDerivation(url);
  const lines: { rows?: number }[] = [];
  const log = pino({}, { write: (line) => void lines.push(JSON.parse(line)) });
  await derivation.start(log);
  expect(lines).toEqual([]);

  const titles = Array.from({ length: 1203 }, (_, i) => `Ö ${i}`);
  await writeAsBefore(url, ...titles);
  expect(await fresh(url)).toEqual([]);
  const [before] = await sqlOn(url, "select * from stream where name = 'books'");
  await derivation.start(log);
  expect(await fresh(url)).toEqual(titles);
  expect(lines).toMatchObject([{ rows: 1203, msg: "what is derived of books was made anew" }]);
  // nothing that anybody is told of has changed
  expect(await sqlOn(url, "select * from stream where name = 'books'")).toEqual([before]);
  expect(await sqlOn(url, "select * from book_change")).toEqual([]);

  await sqlOn(url, "update book set title = 'Zé', version = 2000000 where title = 'Ö 7'");
  expect(await fresh(url)).toHaveLength(1202);
  await derivation.start(log);
  expect(await fresh(url)).toHaveLength(1203);
  await derivation.start(log);
  expect(lines.map(({ rows }) => rows)).toEqual([1203, 1]);
});

test("several processes make it at once beside commands, and none is in another's way", async () => {
  const { url } = await newDatabase();
  const service = await startService({ DATABASE_URL: url });
  await writeAsBefore(url, ...Array.from({ length: 2500 }, (_, i) => `Ö ${i}`));
  const others = await Promise.all([openDerivation(url), openDerivation(url), openDerivation(url)]);
  const renewed = Promise.all(others.map(({ derivation }) => derivation.renew()));
  for (let i = 0; i < 20; i++) {
    await Promise.all([
      service.updateBook(`Ö ${i * 100}`, { title: `Ü ${i}` }),
      service.deleteBook(`Ö ${i * 100 + 1}`),
      service.addBook(`Ä ${i}`),
    ]);
  }
  await renewed;
  expect(await fresh(url)).toHaveLength(2500);
});

test("a stale row is found by the small index alone, however many rows there are", async () => {
  const { url } = await newDatabase();
  const { orm, derivation } = await openDerivation(url);
  await writeAsBefore(url, ...Array.from({ length: 1000 }, (_, i) => `Ö ${i}`));
  await derivation.renew();
  const plan = await orm.sql(async (sql) => {
    const query = sql.selectNoFrom((derivation.anyStale as NonNullable<typeof derivation.anyStale>).as("id"));
    const compiled = query.compile();
    const explain = engine === "sqlite" ? "explain query plan" : "explain";
    return JSON.stringify((await sql.executeQuery({ ...compiled, sql: `${explain} ${compiled.sql}` })).rows);
  });
  expect(plan).toMatch(/book_stale/);
});
