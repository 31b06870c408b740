import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Sql } from "../../src/cqrs/database/engine.ts";
import { ReadingThreads } from "../../src/cqrs/database/sqlite/reading-threads.ts";
import { openBooks } from "../support/database/books.ts";
import { engine, newDatabase } from "../support/database/database.ts";
import { fillWith, largeTitles } from "../support/database/large-catalogue.ts";
import { sqlOn } from "../support/database/sql.ts";
import { startRedis } from "../support/redis/server.ts";
import { startService } from "../support/service/service.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { eventually } from "../support/wait.ts";

/** Takes SQLite a good part of a second, whatever is in the file. */
const SLOW =
  "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 2000000) select max(n) from numbers";
const QUICK = "select 1 as one";

const COUNT = "{ booksConnection(first: 1) { totalCount } }";

/** The reading threads that this process starts from now on. */
function threadsStarted(): Worker[] {
  const started: Worker[] = [];
  const note = (worker: Worker) => void (worker.threadName === "reads" && started.push(worker));
  process.on("worker", note);
  onTestFinished(() => void process.off("worker", note));
  return started;
}

function openThreads(file: string, ...bounds: [silenceMs: number, mostHanging: number] | []): ReadingThreads {
  const threads = new ReadingThreads(file, ...bounds);
  onTestFinished(() => threads.close());
  return threads;
}

async function newFile(): Promise<string> {
  const { url } = await newDatabase("sqlite");
  const file = url.slice("sqlite:".length);
  new Database(file).close();
  return file;
}

const unavailable = expect.objectContaining({ code: "DATABASE_UNAVAILABLE" });

describe.runIf(engine === "sqlite")("the threads that read an SQLite file", () => {
  test("are started when they are needed, and are two at most", async () => {
    const started = threadsStarted();
    const threads = openThreads(await newFile());
    expect(started).toHaveLength(0);
    for (let i = 0; i < 3; i++) await threads.next().run(0, QUICK);
    expect(started).toHaveLength(1);
    const asked = Array.from({ length: 8 }, () => threads.next().run(0, QUICK));
    for (const { columns, rows } of await Promise.all(asked)) expect([columns, rows]).toEqual([["one"], [[1]]]);
    expect(started).toHaveLength(2);
  });

  test.runIf(process.platform === "linux")("give way to what takes a moment", async () => {
    const threads = openThreads(await newFile());
    await threads.next().run(0, QUICK);
    const niceOf = (thread: string) =>
      Number(
        readFileSync(`/proc/self/task/${thread}/stat`, "utf8")
          .replace(/^.*\) /s, "")
          .split(" ")[16],
      );
    const others = readdirSync("/proc/self/task").filter((thread) => niceOf(thread) > niceOf(String(process.pid)));
    expect(others.length).toBeGreaterThan(0);
  });

  test("let others read while one is in a statement that takes long", async () => {
    const threads = openThreads(await newFile());
    const settled: string[] = [];
    const note = (name: string) => () => void settled.push(name);
    const slow = threads.next().run(0, SLOW).then(note("slow"));
    await threads.next().run(0, QUICK).then(note("quick"));
    await slow;
    expect(settled).toEqual(["quick", "slow"]);
  });

  test("are sent one statement at a time, so that answers do not pile up", async () => {
    const { postMessage } = Worker.prototype;
    let sent = 0;
    const spy = vi.spyOn(Worker.prototype, "postMessage").mockImplementation(function (this: Worker, message) {
      sent++;
      return postMessage.call(this, message);
    });
    onTestFinished(() => spy.mockRestore());
    const thread = openThreads(await newFile()).next();
    const sentAt: number[] = [];
    await Promise.all(Array.from({ length: 5 }, () => thread.run(0, QUICK).then(() => sentAt.push(sent))));
    // each answer has let the next one go
    expect(sentAt).toEqual([2, 3, 4, 5, 5]);
  });

  test("tell of a statement's own fault as SQLite does, and go on", async () => {
    const started = threadsStarted();
    const threads = openThreads(await newFile());
    await expect(threads.next().run(0, "select * from nowhere")).rejects.toMatchObject({
      name: "SqliteError",
      code: "SQLITE_ERROR",
      message: "no such table: nowhere",
    });
    await expect(threads.next().run(0, "create table another (id integer)")).rejects.toMatchObject({
      code: "SQLITE_READONLY",
    });
    expect((await threads.next().run(0, QUICK)).rows).toEqual([[1]]);
    expect(started).toHaveLength(1);
  });

  test("fail what they were asked when they end, and others take their places", async () => {
    const started = threadsStarted();
    const threads = openThreads(await newFile());
    const thread = threads.next();
    const connection = thread.takeConnection();
    await thread.run(connection, "begin");
    const asked = [thread.run(connection, SLOW), thread.run(0, QUICK)];
    const failed = Promise.all(asked.map((one) => expect(one).rejects.toEqual(unavailable)));
    await started[0]?.terminate();
    await failed;
    // the snapshot is lost with its thread: nothing is read from another state under its name
    await expect(thread.run(connection, QUICK)).rejects.toEqual(unavailable);
    expect((await threads.next().run(0, QUICK)).rows).toEqual([[1]]);
  });

  test("are given up when they hang, and few may hang at a time", async () => {
    const started = threadsStarted();
    const [file, held] = [await newFile(), await newFile()];
    const threads = openThreads(file, 1000, 2);
    const holder = new Database(held);
    onTestFinished(() => void holder.close());
    holder.pragma("locking_mode = exclusive");
    holder.exec("create table held (id integer)");

    const hang = async () => {
      const thread = threads.next();
      // whoever reads the other file waits for the lock, in SQLite
      for (const sql of ["pragma busy_timeout = 60000", `attach '${held}' as held`, "select * from held.held"]) {
        await thread.run(0, sql);
      }
    };
    // on a slow machine one may take so long to start that it is given up, and ends
    await eventually("no more are started", async () => {
      const before = started.length;
      await expect(hang()).rejects.toEqual(unavailable);
      return started.length === before;
    });
    expect(started.length).toBeGreaterThanOrEqual(2);
    holder.close();
    const read = async () => (await threads.next().run(0, QUICK)).rows;
    await eventually("they have ended, and another reads", async () => (await read().catch(() => [])).length === 1);
  });

  test("are heard when they have answered while this process was too busy to listen", async () => {
    const threads = openThreads(await newFile(), 1000, 4);
    // on a slow machine one may take so long to start that it is given up
    const thread = await eventually("one reads", async () => {
      const started = threads.next();
      await started.run(0, QUICK);
      return started;
    });
    // from here, timers come before messages
    await nextTurn();
    const asked = thread.run(0, QUICK);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    expect((await asked).rows).toEqual([[1]]);
  });

  // what is small is read without them
  test.each([3, 300])("let others read while a snapshot of %i books is being read", async (count) => {
    const started = threadsStarted();
    const { url } = await newDatabase("sqlite");
    await fillWith(url, largeTitles(count));
    const { orm, books } = await openBooks(url);
    onTestFinished(() => orm.close());
    const titles = (sql: Sql) => sql.selectFrom("book").select("title").execute();
    const [inside, beside] = await orm.snapshot(async (sql) => {
      await books.rowIn(sql);
      expect(started).toHaveLength(count === 3 ? 0 : 1);
      await sqlOn(url, "delete from book");
      const others = await orm.longRead(titles);
      const another = await orm.snapshot(titles);
      expect(another).toEqual(others);
      return [await titles(sql), others];
    });
    expect([inside.length, beside.length]).toEqual([count, 0]);
  });

  test.each([3, 300])("keep nothing open of a database of %i books that is closed", async (count) => {
    const { url } = await newDatabase("sqlite");
    await fillWith(url, largeTitles(count));
    const { orm, books } = await openBooks(url);
    const rows = await orm.snapshot(async (sql) => {
      await books.rowIn(sql);
      return sql.selectFrom("book").select("title").execute();
    });
    expect(rows).toHaveLength(count);
    await orm.close();
    expect(existsSync(`${url.slice("sqlite:".length)}-wal`)).toBe(false);
  });
});

// nothing else keeps the process alive while it waits
test.runIf(engine === "sqlite")(
  "a program that closes a database which it has just read goes on afterwards",
  async () => {
    const { url } = await newDatabase("sqlite");
    await fillWith(url, largeTitles(300));
    const program = join(temporaryDirectory(), "reads.mjs");
    writeFileSync(
      program,
      `import { openBooks } from ${JSON.stringify(import.meta.resolve("../support/database/books.ts"))};
    const { orm } = await openBooks(${JSON.stringify(url)});
    await orm.snapshot((sql) => sql.selectFrom("book").select("title").execute());
    await orm.close();
    console.log("closed");`,
    );
    const output = await promisify(execFile)(process.execPath, [program]);
    expect(output.stdout).toBe("closed\n");
  },
);

describe.runIf(engine === "sqlite")("when a reading thread is killed", () => {
  test("the next count is read by another", async () => {
    const started = threadsStarted();
    const service = await startService();
    await service.addBook("Ubik");
    const count = async (alias: string) =>
      (await service.ask(COUNT.replace("totalCount", `${alias}: totalCount`))).data.booksConnection[alias];
    expect(await count("a")).toBe(1);
    expect(started).toHaveLength(1);
    await started[0]?.terminate();
    expect(await count("b")).toBe(1);
  });

  test("a list is answered with a code or whole, and the next one whole", async () => {
    const started = threadsStarted();
    const { url: DATABASE_URL } = await newDatabase("sqlite");
    await fillWith(DATABASE_URL, largeTitles(400));
    const service = await startService({ DATABASE_URL });
    const list = (alias: string) => service.send(`{ books { ${alias}: id } }`);
    const first = list("a");
    await eventually("a thread reads", async () => started.length > 0);
    await started[0]?.terminate();
    const { data, errors } = await first;
    if (errors) expect(errors[0].extensions.code).toBe("DATABASE_UNAVAILABLE");
    else expect(data.books).toHaveLength(400);
    expect((await list("b")).data.books).toHaveLength(400);
  });

  test("a read model is built all the same", async () => {
    const started = threadsStarted();
    const { url: DATABASE_URL } = await newDatabase("sqlite");
    await fillWith(DATABASE_URL, largeTitles(1000));
    const redis = await startRedis();
    const starting = startService({ DATABASE_URL, REDIS_URL: redis.url, REDIS_TIMEOUT_MS: "10000" });
    await eventually("a thread reads", async () => started.length > 0);
    await started[0]?.terminate();
    const service = await starting;
    await servedByRedis(service);
    expect((await service.ask(COUNT)).data.booksConnection.totalCount).toBe(1000);
  });
});
