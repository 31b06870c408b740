import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { defineEntity } from "@mikro-orm/core";
import Database from "better-sqlite3";
import { CompiledQuery } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { BookEntity } from "../../src/books/book.ts";
import { bookFields } from "../../src/books/book-fields.ts";
import { bookMigrations } from "../../src/books/migrations.ts";
import { kernelMigrations } from "../../src/cqrs/database/migrations.ts";
import { OrmService } from "../../src/cqrs/database/orm-service.ts";
import { StartupError, UniqueViolation } from "../../src/cqrs/errors.ts";
import { withDefaults } from "../../src/graphql/fields.ts";
import { engine, newDatabase } from "../support/database/database.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const options = { entities: [BookEntity], migrations: [...kernelMigrations, ...bookMigrations] };

async function openOrm(url?: string): Promise<OrmService> {
  const orm = await new OrmService(options).init(url ?? (await newDatabase()).url);
  onTestFinished(() => orm.close());
  return orm;
}

function book(title: string) {
  const own = { version: 1, addedAt: "2001-02-03T04:05:06.789Z", updatedAt: "2001-02-03T04:05:06.789Z" };
  return { ...withDefaults(bookFields, { title, author: "Author Name", stockQuantity: 1 }), ...own };
}

describe("a database is named", () => {
  test.each(["path", "sqlite:path"])("by %s, whose file is made and found again", async (form) => {
    const path = join(temporaryDirectory(), "there", "my_database.db");
    const database = form.replace("path", path);
    const orm = await new OrmService(options).init(database);
    await orm.create(BookEntity, book("A"));
    await orm.close();
    expect(existsSync(path)).toBe(true);
    expect(await (await openOrm(database)).get(BookEntity, "A", "title")).toMatchObject({ title: "A" });
  });

  test.each([":memory:", "sqlite::memory:"])("%s, which is another each time", async (database) => {
    const orm = await openOrm(database);
    await orm.create(BookEntity, book("A"));
    expect(await orm.all(BookEntity)).toHaveLength(1);
    expect(await (await openOrm(database)).all(BookEntity)).toEqual([]);
  });

  test.each(["", "sqlite:", "mysql://user:secret@host/books", "file:books.db"])(
    "by nothing else: %j",
    async (database) => {
      const failure = await new OrmService(options).init(database).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(StartupError);
      expect((failure as StartupError).lines).toEqual([expect.stringMatching(/^DATABASE_URL must be a path, sqlite:/)]);
    },
  );

  test("once", async () => {
    const orm = new OrmService(options);
    onTestFinished(() => orm.close());
    const opening = orm.init((await newDatabase()).url);
    await expect(orm.init((await newDatabase()).url)).rejects.toThrow("open already");
    await opening;
    await expect(orm.init((await newDatabase()).url)).rejects.toThrow("open already");
    expect(await orm.all(BookEntity)).toEqual([]);
  });
});

describe("outside a transaction", () => {
  test("each verb is one of its own", async () => {
    const orm = await openOrm();
    const created = await orm.create(BookEntity, book("A"));
    expect(created).toBeInstanceOf(BookEntity);
    expect(created.id).toBeGreaterThan(0);
    expect(await orm.get(BookEntity, created.id)).toMatchObject({ title: "A" });
    expect(await orm.get(BookEntity, "A", "title")).toMatchObject({ id: created.id });
    expect(await orm.update(BookEntity, "A", "title", { stockQuantity: 2 })).toBe(1);
    expect(await orm.update(BookEntity, "A", "title", { title: "B" }, true)).toMatchObject({
      title: "B",
      stockQuantity: 2,
    });
    expect(await orm.update(BookEntity, created.id, "id", {})).toBe(1);
    expect(await orm.update(BookEntity, "B", "title", {}, true)).toMatchObject({ title: "B" });
    expect((await orm.all(BookEntity)).map(({ title }) => title)).toEqual(["B"]);
    expect(await orm.delete(BookEntity, "B", "title")).toBe(1);
    expect(await orm.all(BookEntity)).toEqual([]);
  });

  test("what is not there is null, or no row changed", async () => {
    const orm = await openOrm();
    expect(await orm.get(BookEntity, 1)).toBeNull();
    expect(await orm.update(BookEntity, 1, "id", { stockQuantity: 2 })).toBe(0);
    expect(await orm.update(BookEntity, 1, "id", { stockQuantity: 2 }, true)).toBeNull();
    expect(await orm.delete(BookEntity, 1)).toBe(0);
  });

  test("a value that no row can hold is found nowhere and stored nowhere", async () => {
    const orm = await openOrm();
    for (const value of ["\0", "A\0B", "\ud800"]) {
      expect(await orm.get(BookEntity, value, "title")).toBeNull();
      expect(await orm.delete(BookEntity, value, "title")).toBe(0);
      await expect(orm.create(BookEntity, book(value))).rejects.toThrow(RangeError);
    }
  });

  test("a value that is taken is reported with its column", async () => {
    const orm = await openOrm();
    await orm.create(BookEntity, book("A"));
    const failure = await orm.create(BookEntity, book("A")).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UniqueViolation);
    expect((failure as UniqueViolation).column).toBe("title");
  });
});

describe("in a transaction", () => {
  test("several verbs are committed together", async () => {
    const orm = await openOrm();
    await orm.transaction(async (tx) => {
      const { id } = await tx.create(BookEntity, book("A"));
      await tx.update(BookEntity, id, "id", { title: "B" });
      expect(await tx.get(BookEntity, id)).toMatchObject({ title: "B" });
      expect(await orm.all(BookEntity)).toEqual([]);
      await tx.delete(BookEntity, id);
      expect(await tx.get(BookEntity, id)).toBeNull();
      await tx.create(BookEntity, book("C"));
    });
    expect((await orm.all(BookEntity)).map(({ title }) => title)).toEqual(["C"]);
  });

  test("nothing is committed when the work throws", async () => {
    const orm = await openOrm();
    const work = orm.transaction(async (tx) => {
      await tx.create(BookEntity, book("A"));
      throw new Error("no");
    });
    await expect(work).rejects.toThrow("no");
    expect(await orm.all(BookEntity)).toEqual([]);
  });

  test("a transaction inside is a savepoint", async () => {
    const orm = await openOrm();
    await orm.transaction(async (tx) => {
      await tx.create(BookEntity, book("A"));
      const inside = tx.transaction(async (savepoint) => {
        await savepoint.create(BookEntity, book("B"));
        await savepoint.create(BookEntity, book("A"));
      });
      await expect(inside).rejects.toThrow(UniqueViolation);
      await tx.create(BookEntity, book("C"));
    });
    expect((await orm.all(BookEntity)).map(({ title }) => title).sort()).toEqual(["A", "C"]);
  });
});

describe("a transaction that cannot be committed any more", () => {
  test("is not, when a savepoint could not be undone, though its work goes on", async () => {
    const orm = await openOrm();
    const work = orm.transaction(async (tx) => {
      await tx.create(BookEntity, book("A"));
      const inside = tx.transaction(async (savepoint) => {
        await savepoint.create(BookEntity, book("B"));
        await savepoint.sql((sql) => sql.executeQuery(CompiledQuery.raw("release savepoint nested")));
        throw new Error("no");
      });
      await expect(inside).rejects.toThrow("no");
      await tx.create(BookEntity, book("C")).catch(() => {});
    });
    await expect(work).rejects.toThrow(/savepoint/);
    expect(await orm.all(BookEntity)).toEqual([]);
  });
});

const schema = defineEntity({
  name: "Sample",
  tableName: "sample",
  properties: (p) => ({
    id: p.integer().primary().autoincrement(),
    isGood: p.boolean(),
    takenAt: p.datetime().nullable(),
    notes: p.json<string[]>().nullable(),
  }),
});
class SampleEntity extends schema.class {}
schema.setClass(SampleEntity);

test("values of every kind are stored and found as they are", async () => {
  const samples = {
    name: "samples-1-create-sample",
    compatible: true,
    up: (ddl: { identity: string }) => [
      `create table sample (id ${ddl.identity}, is_good boolean not null, taken_at timestamp with time zone, notes json)`,
    ],
  };
  const { url } = await newDatabase();
  const orm = await new OrmService({ entities: [SampleEntity], migrations: [samples] }).init(url);
  onTestFinished(() => orm.close());
  const values = { isGood: true, takenAt: new Date("2001-02-03T04:05:06.789Z"), notes: ["a", "b"] };
  const { id } = await orm.create(SampleEntity, values);
  expect(await orm.get(SampleEntity, id)).toMatchObject({ id, ...values, takenAt: "2001-02-03T04:05:06.789Z" });
  expect(await orm.get(SampleEntity, true, "isGood")).toMatchObject({ id });
  expect(await orm.get(SampleEntity, null, "notes")).toBeNull();
  const changed = { isGood: false, takenAt: null, notes: null };
  expect(await orm.update(SampleEntity, id, "id", changed, true)).toMatchObject(changed);
  expect(await orm.get(SampleEntity, null, "notes")).toMatchObject({ id });
  await expect(orm.create(SampleEntity, {} as never)).rejects.toThrow(/is_good/);
});

describe("two services on one database", () => {
  test("write in turn, and neither fails", async () => {
    const { url } = await newDatabase();
    const [one, other] = await Promise.all([openOrm(url), openOrm(url)]);
    await Promise.all(
      [one, other].flatMap((orm, service) =>
        Array.from({ length: 20 }, (_, i) => orm.create(BookEntity, book(`${service}-${i}`))),
      ),
    );
    expect(await one.all(BookEntity)).toHaveLength(40);
  });
});

describe.runIf(engine === "sqlite")("an SQLite file", () => {
  test("is in WAL mode, synchronous and with foreign keys on", async () => {
    const orm = await openOrm(`sqlite:${join(temporaryDirectory(), "books.db")}`);
    const pragma = async (name: string) =>
      orm.transaction((tx) =>
        tx.sql(async (sql) => (await sql.executeQuery(CompiledQuery.raw(`pragma ${name}`))).rows),
      );
    expect(await pragma("journal_mode")).toEqual([{ journal_mode: "wal" }]);
    expect(await pragma("synchronous")).toEqual([{ synchronous: 2 }]);
    expect(await pragma("foreign_keys")).toEqual([{ foreign_keys: 1 }]);
  });

  test("lets a command wait for another process's transaction without holding up reads, and then give up", async () => {
    const path = join(temporaryDirectory(), "books.db");
    const orm = await openOrm(`sqlite:${path}`);
    const other = new Database(path);
    other.exec("begin immediate");
    const waiting = orm.create(BookEntity, book("A")).catch((error: unknown) => error);
    expect(await orm.all(BookEntity)).toEqual([]);
    other.exec("commit");
    expect(await waiting).toBeInstanceOf(BookEntity);

    other.exec("begin immediate");
    await expect(orm.create(BookEntity, book("B"))).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    // it is still held, or again: the next one waits as long as the first
    const next = orm.create(BookEntity, book("B"));
    await sleep(50);
    other.exec("commit");
    other.close();
    expect(await next).toBeInstanceOf(BookEntity);
  });
});
