import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { readGroundTruth } from "../../proof/torture/change-log.ts";
import type { Book } from "../../src/books/book.ts";
import { soughtByTitle } from "../../src/books/book-keys.ts";
import { bookStream } from "../../src/books/book-stream.ts";
import type { BookCommand } from "../../src/books/commands/book-command.ts";
import { addBook, deleteBook, updateBook } from "../../src/books/commands/book-commands.ts";
import type { Asked } from "../../src/cqrs/batch.ts";
import { StreamWriter } from "../../src/cqrs/commands/stream-writer.ts";
import { BatchConnection } from "../../src/cqrs/database/sqlite/batch-connection.ts";
import { openSqlite } from "../../src/cqrs/database/sqlite/connection.ts";
import { Starts } from "../../src/cqrs/starts.ts";
import { openBooks } from "../support/database/books.ts";
import { engine, newDatabase } from "../support/database/database.ts";
import { decisions, type FaultyCommand } from "../support/database/faulty-decisions.ts";
import { watchThreads } from "../support/database/writing-threads.ts";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import { startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

/** Counts what better-sqlite3 is asked to run from now on, until the returned function is called. */
function countStatements(): () => string[] {
  const ran: string[] = [];
  const statement = Object.getPrototypeOf(new Database(":memory:").prepare("select 1")) as Database.Statement;
  const spies = (["get", "run"] as const).map((method) => {
    const original = statement[method];
    return vi.spyOn(statement, method).mockImplementation(function (this: Database.Statement, ...parameters) {
      ran.push(this.source);
      return original.apply(this, parameters) as never;
    });
  });
  const { exec } = Database.prototype;
  const execSpy = vi.spyOn(Database.prototype, "exec").mockImplementation(function (this: Database.Database, sql) {
    ran.push(sql);
    return exec.call(this, sql);
  });
  return () => {
    for (const spy of [...spies, execSpy]) spy.mockRestore();
    return ran;
  };
}

async function openFaulty() {
  const { url } = await newDatabase();
  const { orm } = await openBooks(url);
  onTestFinished(() => orm.close());
  const writer = new StreamWriter<Book, FaultyCommand>(orm, { ...bookStream, decisions });
  const commit = (...commands: readonly [FaultyCommand["kind"], string][]) =>
    writer.commit(commands.map(([kind, title]) => ({ command: { kind, title }, atLeast: 0 })));
  const titles = async () => {
    const { changes, books, revision } = await readGroundTruth(url);
    expect(changes.map((change) => change.revision)).toEqual(changes.map((_, i) => i + 1));
    expect(revision).toBe(changes.length);
    return books.map(({ title }) => title);
  };
  return { commit, titles };
}

describe.runIf(engine === "sqlite")("the thread that writes to SQLite", () => {
  test.each(["exit", "bloat", "hang"] as const)(
    "when it does not come back (%s): the outcome is unknown, and another thread goes on",
    async (kind) => {
      const { commit, titles } = await openFaulty();
      await commit(["add", "Before"]);
      const lost = commit(["add", "A"], [kind, "B"], ["add", "C"]).catch((error) => error);
      // they wait behind it in the same thread, so nothing has happened to them
      const behind = commit(["add", "Behind"]).catch((error) => error);
      expect(await lost).toMatchObject({ code: "OUTCOME_UNKNOWN" });
      expect(await behind).toMatchObject({ code: "DATABASE_UNAVAILABLE" });
      expect((await commit(["add", "After"])).outcomes).toMatchObject([{ revision: 2 }]);
      expect(await titles()).toEqual(["After", "Before"]);
    },
  );

  test("when a command throws: it fails alone", async () => {
    const { commit, titles } = await openFaulty();
    const { outcomes } = await commit(["add", "A"], ["throw", "B"], ["add", "C"]);
    expect(outcomes).toMatchObject([{ revision: 1 }, { revision: 1, failure: new Error("a fault") }, { revision: 2 }]);
    expect(await titles()).toEqual(["A", "C"]);
  });

  test("when a command cannot be sent to it: it fails alone, and nothing is waited for", async () => {
    const { commit } = await openFaulty();
    await commit(["add", "Before"]);
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
    const before = timers();
    const unsendable = (() => {}) as never;
    const { outcomes } = await commit(["add", "A"], ["add", unsendable], ["add", "C"]);
    expect(outcomes).toMatchObject([{ revision: 2 }, { failure: { name: "DataCloneError" } }, { revision: 3 }]);
    // the test runner has timers of its own, which come and go
    await eventually("no timer is left of it", () => timers() <= before);
  });

  test("is sent one message for each batch, however many commands that has", async () => {
    const { commit } = await openFaulty();
    const { messages } = watchThreads();
    await commit(["add", "A"]);
    const before = messages.length;
    await commit(...Array.from({ length: 64 }, (_, i): ["add", string] => ["add", `${i}`]));
    expect(messages).toHaveLength(before + 1);
  });

  test("runs a few statements for a command, and for many no more than their rows and entries take", async () => {
    const { url } = await newDatabase();
    const { orm } = await openBooks(url);
    await orm.close();
    const database = openSqlite(url.slice("sqlite:".length), "write");
    onTestFinished(() => void database.close());
    const columns = { id: "id", title: "title", author: "author", publishedDate: "published_date", isbn: "isbn" };
    const table = {
      ...{ stream: "books", table: "book", changes: "book_change", asText: [], kinds: undefined, decisions: "" },
      ...{ unique: ["id", "title", "isbn"], nullable: ["publishedDate", "isbn"] },
      columns: { ...columns, stockQuantity: "stock_quantity", version: "version" },
      derived: undefined,
    };
    const mapper = { instance: (row: unknown) => row, toRow: (_: string, value: unknown) => value };
    // what the thread runs, run here
    const connection = new BatchConnection(database, {
      table,
      decisions: bookStream.decisions,
      derived: undefined,
      mapper,
    });
    const run = (asked: readonly Asked<BookCommand>[]) => {
      const statements = countStatements();
      expect(connection.begin()).toBe(true);
      connection.commit({ asked, starts: Starts.of(asked.length) } as never);
      return statements();
    };
    const statementsOf = (...commands: BookCommand[]) => run(commands.map((command) => ({ command, atLeast: 0 })));
    const add = (n: number) => addBook({ title: `${n}`, author: "A" });
    statementsOf(add(0), add(1), add(2));
    expect(statementsOf(updateBook(soughtByTitle("0"), { stockQuantity: 1 }))).toHaveLength(7);
    expect(statementsOf(deleteBook(soughtByTitle("0"), undefined))).toHaveLength(7);
    // begin, row, find, roll back
    expect(statementsOf(deleteBook(soughtByTitle("0"), undefined))).toHaveLength(4);
    const before = statementsOf(
      ...Array.from({ length: 10 }, () => updateBook(soughtByTitle("1"), { stockQuantity: 1 })),
    ).length;
    // the book is found and written once, whatever is done to it
    expect(before).toBe(6 + 10);
    const swap = [
      updateBook(soughtByTitle("1"), { title: "-" }),
      updateBook(soughtByTitle("2"), { title: "1" }),
      updateBook(soughtByTitle("-"), { title: "2" }),
    ];
    // three titles, two rows parked and then written, three entries
    expect(statementsOf(...swap)).toHaveLength(4 + 3 + 2 + 2 + 3);

    const kept = (key: string) => ({
      ...{ command: updateBook(soughtByTitle("1"), { stockQuantity: 2 }), atLeast: 0 },
      once: { subject: "", key, digest: "any" },
    });
    // its key is looked for, and kept; one statement prunes for the whole batch
    expect(run([kept("a")])).toHaveLength(7 + 3);
    expect(run([kept("b"), kept("c")])).toHaveLength(7 + 1 + 2 * 2 + 1);
    // begin, row, find, look for the key, change its row, commit
    expect(run([kept("a")])).toHaveLength(6);
    expect(run([kept("a"), kept("b"), kept("c")])).toHaveLength(4 + 3 + 1);
  });

  test("when it is killed again and again: nothing acknowledged is lost, nothing runs twice, every answer is coded", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const threads = watchThreads();
    const service = await startService({ DATABASE_URL });
    let writing = true;
    const acknowledged: string[] = [];
    const codes = new Set<string>();
    const write = async (_: unknown, client: number) => {
      for (let i = 0; writing; i++) {
        const title = `${client}-${i}`;
        const { data, errors } = await service.send(ADD_BOOK, { variables: { input: { title, author: "A" } } });
        if (errors) codes.add(errors[0].extensions.code);
        else if (data.addBook.__typename === "Book") acknowledged.push(title);
        else codes.add(data.addBook.__typename);
      }
    };
    const writers = Array.from({ length: 16 }).map(write);
    for (let kills = 0; kills < 5; kills++) {
      const before = acknowledged.length;
      await eventually("writes are acknowledged", () => acknowledged.length > before + 50);
      await threads.newest().terminate();
    }
    const last = acknowledged.length;
    await eventually("writes go on", () => acknowledged.length > last);
    writing = false;
    await Promise.all(writers);

    expect(threads.count()).toBe(6);
    expect([...codes].filter((code) => !["OUTCOME_UNKNOWN", "DATABASE_UNAVAILABLE"].includes(code))).toEqual([]);
    const { changes, books } = await readGroundTruth(DATABASE_URL);
    expect(changes.map((change) => change.revision)).toEqual(changes.map((_, i) => i + 1));
    const stored = books.map(({ title }) => title);
    expect(new Set(stored).size).toBe(changes.length);
    expect(acknowledged.filter((title) => !stored.includes(title))).toEqual([]);
  });
});
