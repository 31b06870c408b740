import { describe, expect, test } from "vitest";
import { engine, newDatabase } from "../support/database/database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { startService } from "../support/service/service.ts";

async function start() {
  const { url: DATABASE_URL } = await newDatabase();
  const service = await startService({ DATABASE_URL });
  const ids = async () => (await sqlOn(DATABASE_URL, "select id from book order by id")).map(({ id }) => id);
  return { service, ids, run: (statement: string) => sqlOn(DATABASE_URL, statement) };
}

describe.runIf(engine === "sqlite")("a book that is added to an SQLite file", () => {
  test("has an id of its own where the sequence is lost, as after rows were copied by hand", async () => {
    const { service, ids, run } = await start();
    await service.addBook("A");
    await run("delete from sqlite_sequence");
    await service.addBook("B");
    await service.addBook("C");
    expect(await ids()).toEqual([1, 2, 3]);
  });

  test("has an id of its own where a higher one was given by hand", async () => {
    const { service, ids, run } = await start();
    await service.addBook("A");
    await run("update book set id = 3");
    await service.addBook("B");
    expect(await ids()).toEqual([3, 4]);
  });

  test("has no id that was given out before, also when that book is gone", async () => {
    const { service, ids } = await start();
    await service.addBook("A");
    await service.addBook("B");
    await service.deleteBook("B");
    await service.addBook("C");
    expect(await ids()).toEqual([1, 3]);
  });
});
