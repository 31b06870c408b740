import { describe, expect, onTestFinished, test } from "vitest";
import { bookStream } from "../../src/books/book-stream.ts";
import { addBook } from "../../src/books/commands/book-commands.ts";
import { StreamWriter } from "../../src/cqrs/commands/stream-writer.ts";
import { openBooks } from "../support/database/books.ts";
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

test("a command that no thread can be sent fails by itself, with its fault", async () => {
  const { orm } = await openBooks((await newDatabase()).url);
  onTestFinished(() => orm.close());
  const writer = new StreamWriter(orm, bookStream);
  const commandOf = (title: string, more: object = {}) => ({ ...addBook({ title, author: "A" }), ...more });
  const asked = [commandOf("A"), commandOf("B", { callBack: () => {} }), commandOf("C")].map((command) => ({
    command,
    atLeast: 0,
  }));
  const { outcomes } = await writer.commit(asked);
  const failed = engine === "sqlite" ? { revision: 1, failure: { name: "DataCloneError" } } : { revision: 2 };
  expect(outcomes).toMatchObject([{ revision: 1 }, failed, { revision: failed.revision + 1 }]);
});
