import { describe, expect, test } from "vitest";
import { BookEntity } from "../../src/books/book.ts";
import { bookMigrations } from "../../src/books/migrations.ts";
import { kernelMigrations } from "../../src/cqrs/database/migrations.ts";
import { OrmService } from "../../src/cqrs/database/orm-service.ts";
import { newDatabase } from "../support/database/database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { writeFixture } from "../support/import/csv-files.ts";
import { importFile } from "../support/import/import-file.ts";
import { startRedis } from "../support/redis/server.ts";
import { type Service, startService } from "../support/service/service.ts";
import { servedByRedis } from "../support/service/witness.ts";

const [TEN, THIRTEEN] = ["0306406152", "9780306406157"] as const;

/** A database as the first version left it, with these books: title, ISBN, version. */
async function databaseFromBefore(...books: [title: string, isbn: string | null, version: number][]): Promise<string> {
  const { url } = await newDatabase();
  const orm = await new OrmService({
    entities: [BookEntity],
    migrations: [...kernelMigrations, ...bookMigrations.slice(0, 1)],
  }).init(url);
  await orm.close();
  for (const [title, isbn, version] of books) {
    const value = isbn === null ? "null" : `'${isbn}'`;
    await sqlOn(
      url,
      `insert into book (title, author, isbn, stock_quantity, version) values ('${title}', 'A', ${value}, 1, ${version})`,
    );
  }
  return url;
}

async function found(service: Service, isbn: string): Promise<string | undefined> {
  const { data } = await service.ask(
    "query ($isbn: String!) { byIsbn: bookByIsbn(isbn: $isbn) { title } book(isbn: $isbn) { title } }",
    { variables: { isbn } },
  );
  expect(data.byIsbn).toEqual(data.book);
  return data.book?.title;
}

describe("a book whose ISBN is stored in ten digits, as it was once", () => {
  test("is found by either form, and another with either is refused", async () => {
    const service = await startService({
      DATABASE_URL: await databaseFromBefore(["Old", TEN, 3], ["Wrong", "0306406153", 1]),
    });
    for (const isbn of [TEN, THIRTEEN, "978-0-306-40615-7"]) {
      expect(await found(service, isbn), isbn).toBe("Old");
      const { data } = await service.ask(
        `mutation ($isbn: String) { addBook(input: { title: "New", author: "A", isbn: $isbn }) {
          __typename ... on IsbnTakenError { isbn book { title isbn } } } }`,
        { variables: { isbn } },
      );
      expect(data.addBook).toEqual({ __typename: "IsbnTakenError", isbn: THIRTEEN, book: { title: "Old", isbn: TEN } });
      const { updateBook } = (await service.updateBook("Wrong", { isbn })).data;
      expect(updateBook).toMatchObject({ __typename: "IsbnTakenError", isbn: THIRTEEN });
    }
    expect(await found(service, "0306406153")).toBe("Wrong");
    // until it changes it is as it was
    const { data } = await service.ask('{ book(title: "Old") { isbn isbn10 version } }');
    expect(data.book).toEqual({ isbn: TEN, isbn10: TEN, version: 3 });
  });

  test.each([
    ["whatever is changed of it", { stockQuantity: 2 }],
    ["its form is sent back", { isbn: TEN, stockQuantity: 2 }],
    ["it is given in the other form", { isbn: THIRTEEN }],
  ])("has thirteen when %s", async (_, input) => {
    const DATABASE_URL = await databaseFromBefore(["Old", TEN, 3]);
    const service = await startService({ DATABASE_URL });
    const { updateBook } = (await service.updateBook("Old", { ...input, expectedVersion: 3 })).data;
    expect(updateBook).toMatchObject({ __typename: "Book", isbn: THIRTEEN, version: 1 });
    expect(await sqlOn(DATABASE_URL, "select isbn from book")).toEqual([{ isbn: THIRTEEN }]);
    for (const isbn of [TEN, THIRTEEN]) expect(await found(service, isbn)).toBe("Old");
    expect((await service.updateBook("Old", { isbn: null })).data.updateBook).toMatchObject({ isbn: null });
    await service.addBook("Next", { isbn: TEN });
  });

  test("keeps them beside a book that has the thirteen, and both can be changed", async () => {
    const service = await startService({
      DATABASE_URL: await databaseFromBefore(["Ten", TEN, 1], ["Thirteen", THIRTEEN, 1]),
    });
    for (const isbn of [TEN, THIRTEEN]) expect(await found(service, isbn)).toBe("Thirteen");
    for (const input of [{ stockQuantity: 5 }, { isbn: TEN }, { isbn: THIRTEEN }]) {
      expect((await service.updateBook("Ten", input)).data.updateBook).toMatchObject({ __typename: "Book", isbn: TEN });
    }
    expect((await service.updateBook("Thirteen", { isbn: TEN })).data.updateBook).toMatchObject({ isbn: THIRTEEN });
    await service.deleteBook("Thirteen");
    expect((await service.updateBook("Ten", {})).data.updateBook).toMatchObject({ isbn: THIRTEEN });
  });

  test("is unchanged for an import that has it in either form", async () => {
    const url = await databaseFromBefore(["Old", TEN, 3]);
    const file = writeFixture("books.csv", `title,author,isbn\nOld,A,${TEN}\nOld,A,${THIRTEEN}\nOther,A,${THIRTEEN}\n`);
    expect(await importFile(url, file)).toMatchObject({ read: 3, added: 0, unchanged: 2, rejected: 1 });
  });
});

describe("books from before they had times", () => {
  test("have those of the change log, or else of the migration; and all stores agree", async () => {
    const url = await databaseFromBefore(["Logged", null, 2], ["Unknown", null, 1]);
    const [first, last] = ["2001-02-03T04:05:06.789Z", "2002-02-03T04:05:06.789Z"];
    for (const [revision, at, kind] of [
      [1, first, "add"],
      [2, last, "update"],
    ]) {
      await sqlOn(
        url,
        `insert into book_change (revision, token, previous_token, at, kind, entity_id, before, after)
          values (${revision}, 't${revision}', '', '${at}', '${kind}', 1, null, '{}')`,
      );
    }
    const began = new Date().toISOString();
    const redis = await startRedis();
    const service = await startService({ DATABASE_URL: url, REDIS_URL: redis.url });
    await servedByRedis(service);
    const query = "{ books { title version addedAt updatedAt language description coverUrl } }";
    const { books } = (await service.ask(query)).data;
    const nothing = { language: null, description: null, coverUrl: null };
    expect(books).toEqual([
      { title: "Logged", version: 2, addedAt: first, updatedAt: last, ...nothing },
      { title: "Unknown", version: 1, addedAt: expect.any(String), updatedAt: books[1].addedAt, ...nothing },
    ]);
    expect(books[1].addedAt >= began && books[1].addedAt <= new Date().toISOString()).toBe(true);
    expect(await sqlOn(url, "select added_at, updated_at from book order by id")).toEqual(
      books.map(({ addedAt, updatedAt }: Record<string, string>) => ({ added_at: addedAt, updated_at: updatedAt })),
    );
  });

  test("keep when they were added, and have changed at the time that the log has", async () => {
    const url = await databaseFromBefore();
    const service = await startService({ DATABASE_URL: url });
    const { addBook } = (await service.addBook("A")).data;
    const { updateBook } = (await service.updateBook("A", {})).data;
    const log = await sqlOn(url, "select at from book_change order by revision");
    expect([addBook.addedAt, addBook.updatedAt, updateBook.updatedAt]).toEqual([log[0].at, log[0].at, log[1].at]);
    expect(updateBook.addedAt).toBe(addBook.addedAt);
    expect(addBook.addedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const { deleteBook } = (await service.deleteBook("A")).data;
    expect(deleteBook).toEqual({ ...updateBook });
  });
});

describe("what was logged before books had a language and times", () => {
  const at = (year: number) => `${year}-02-03T04:05:06.789Z`;
  const FIRST = { author: "A", publishedDate: null, isbn: null, version: 1 };

  /** Logs what a process of the first version has done, and does it. */
  async function logFirst(url: string, revision: number, id: number, before: object | null, after: object | null) {
    const json = (book: object | null) => (book ? `'${JSON.stringify({ id, ...FIRST, ...book })}'` : "null");
    const kind = before ? (after ? "update" : "delete") : "add";
    // after what this test has a process of today do
    const year = (revision < 6 ? 2000 : 2100) + revision;
    await sqlOn(
      url,
      `insert into book_change (revision, token, previous_token, at, kind, entity_id, before, after)
        values (${revision}, 't${revision}', '', '${at(year)}', '${kind}', ${id}, ${json(before)}, ${json(after)})`,
    );
    await sqlOn(url, `update stream set revision = ${revision}, token = 't${revision}'`);
  }

  test("is told whole: with what the next change found, null, or the times of the log", async () => {
    const url = await databaseFromBefore(["Kept", null, 2], ["Lost", null, 1], ["Gone", null, 1]);
    await logFirst(url, 1, 1, null, { title: "Kept", stockQuantity: 1 });
    await logFirst(url, 2, 2, null, { title: "Lost", stockQuantity: 1 });
    await logFirst(url, 3, 3, null, { title: "Gone", stockQuantity: 1 });
    await logFirst(url, 4, 1, { title: "Kept", stockQuantity: 1 }, { title: "Kept", stockQuantity: 2, version: 2 });
    await logFirst(url, 5, 3, { title: "Gone", stockQuantity: 1 }, null);
    await sqlOn(url, "update book set stock_quantity = 2 where title = 'Kept'");
    await sqlOn(url, "delete from book where title = 'Gone'");
    const service = await startService({ DATABASE_URL: url });
    // a process of the first version changes it once more, which leaves the language as it is
    await service.updateBook("Lost", { language: "en", stockQuantity: 5 });
    await sqlOn(url, "update book set stock_quantity = 6 where title = 'Lost'");
    await logFirst(url, 7, 2, { title: "Lost", stockQuantity: 5 }, { title: "Lost", stockQuantity: 6 });
    await service.deleteBook("Lost");

    const query = `{ changes(after: 0) { revision before { ...F } after { ...F } } }
      fragment F on Book { title stockQuantity language addedAt updatedAt }`;
    const { changes } = (await service.ask(query)).data;
    const whole = (title: string, stockQuantity: number, addedAt: string, updatedAt: string, language?: string) => ({
      ...{ title, stockQuantity, addedAt, updatedAt, language: language ?? null },
    });
    const changed = changes[5].after.updatedAt;
    const kept = whole("Kept", 1, at(2001), at(2001));
    const lost = whole("Lost", 1, at(2002), at(2002));
    const gone = whole("Gone", 1, at(2003), at(2003));
    const last = whole("Lost", 6, at(2002), changed, "en");
    expect(changes).toEqual([
      { revision: 1, before: null, after: kept },
      { revision: 2, before: null, after: lost },
      { revision: 3, before: null, after: gone },
      { revision: 4, before: kept, after: whole("Kept", 2, at(2001), at(2004)) },
      { revision: 5, before: gone, after: null },
      { revision: 6, before: lost, after: { ...last, stockQuantity: 5 } },
      { revision: 7, before: { ...last, stockQuantity: 5 }, after: last },
      { revision: 8, before: last, after: null },
    ]);
    // the same page by page, and as of each revision
    for (const { revision, before, after } of changes) {
      const page = `{ changes(after: ${revision - 1}, first: 1) { revision before { ...F } after { ...F } } }`;
      const alone = (await service.ask(page + query.slice(query.indexOf("fragment")))).data.changes;
      expect(alone).toEqual([{ revision, before, after }]);
      const { title } = before ?? after;
      const was = await service.ask(
        `query ($title: String) { was: book(title: $title, asOf: ${revision - 1}) { ...F } is: book(title: $title, asOf: ${revision}) { ...F } }
          ${query.slice(query.indexOf("fragment"))}`,
        { variables: { title } },
      );
      expect(was.data, `around ${revision}`).toEqual({ was: before, is: after });
    }
  });
});
