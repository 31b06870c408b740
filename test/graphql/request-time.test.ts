import Database from "better-sqlite3";
import pg from "pg";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { engine } from "../support/database/database.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { startRedis } from "../support/redis/server.ts";
import { ADD_BOOK, BOOK } from "../support/service/book-requests.ts";
import type { GraphqlResponse } from "../support/service/graphql-client.ts";
import { startService } from "../support/service/service.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

const REQUEST_TIMEOUT_MS = "400";

/** Keeps every command of the database waiting until the returned function is called. */
async function hold(url: string): Promise<() => Promise<unknown>> {
  if (engine === "sqlite") {
    const database = new Database(url.slice("sqlite:".length));
    onTestFinished(() => void database.close());
    database.exec("begin immediate");
    return async () => database.exec("commit");
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query("begin; update stream set revision = revision");
  return () => client.query("commit");
}

function expectCode({ status, data, errors, consistency }: GraphqlResponse, code: string): void {
  expect(errors).toEqual([{ message: expect.any(String), extensions: { code } }]);
  expect([status, data, consistency]).toEqual([503, undefined, undefined]);
}

const add = (title: string) => ({ variables: { input: { title, author: "A" } } });

describe("a command that could not begin in time", () => {
  test("is TIMED_OUT, and never happens", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const service = await startService({ DATABASE_URL, REQUEST_TIMEOUT_MS });
    const release = await hold(DATABASE_URL);
    const twice = `mutation ($input: AddBookInput!) { a: addBook(input: $input) { __typename }
      b: addBook(input: { title: "C", author: "C" }) { __typename } }`;
    const answers = await Promise.all([
      service.send(ADD_BOOK, add("A")),
      service.send(twice, add("B")),
      service.send(ADD_BOOK, add("D")),
    ]);
    for (const answer of answers) expectCode(answer, "TIMED_OUT");
    await release();
    await service.addBook("E");
    expect(await service.titles()).toEqual(["E"]);
  });
});

describe("a command that has begun", () => {
  test("is OUTCOME_UNKNOWN when it is not acknowledged in time, for it may have happened", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    // from here on each write without Redis waits until other processes must have looked the new revision up
    const redis = await startRedis();
    const first = await startService({ DATABASE_URL, REDIS_URL: redis.url, READ_LEASE_MS: "9000" });
    await servedByRedis(first);
    await first.close();
    const service = await startService({ DATABASE_URL, REQUEST_TIMEOUT_MS });
    expectCode(await service.send(ADD_BOOK, add("A")), "OUTCOME_UNKNOWN");
    expect(await service.titles()).toEqual(["A"]);
  });
});

describe("a query whose store is silent", () => {
  const silent = async () => {
    const redis = await startRedis();
    const service = await startService({ REDIS_URL: redis.url, REDIS_TIMEOUT_MS: "60000", REQUEST_TIMEOUT_MS });
    await service.addBook("Ubik");
    await servedByRedis(service);
    return { redis, service };
  };

  test("is TIMED_OUT when it is new", async () => {
    const { redis, service } = await silent();
    redis.pause();
    expectCode(await service.send(BOOK, { variables: { title: "new" } }), "TIMED_OUT");
    redis.resume();
    expect((await service.ask(BOOK, { variables: { title: "Ubik" } })).data.book.title).toBe("Ubik");
  });

  test("is TIMED_OUT when its answer is known", async () => {
    const { redis, service } = await silent();
    const request = { variables: { title: "Ubik" } };
    await eventually("it is answered from Redis", async () => {
      return (await service.ask(BOOK, request)).consistency.servedBy === "redis";
    });
    await service.ask(BOOK, request);
    redis.pause();
    expectCode(await service.send(BOOK, request), "TIMED_OUT");
    redis.resume();
    expect((await service.ask(BOOK, request)).data.book.title).toBe("Ubik");
  });

  test.runIf(engine === "sqlite")("asks no other store when that store fails later", async () => {
    const { redis, service } = await silent();
    const lists = countLists();
    redis.pause();
    expectCode(await service.send("{ books { title } }"), "TIMED_OUT");
    await redis.kill();
    await eventually("the database answers", async () => {
      const { data } = await service.send(BOOK, { variables: { title: "Ubik" } });
      return data?.book?.title === "Ubik";
    });
    expect(lists()).toBe(0);
    await service.ask("{ books { author } }");
    expect(lists()).toBe(1);
  });
});

/** How many lists of books SQLite has been asked for since. */
function countLists(): () => number {
  let lists = 0;
  const statement = Object.getPrototypeOf(new Database(":memory:").prepare("select 1")) as Database.Statement;
  const { all } = statement;
  const spy = vi.spyOn(statement, "all").mockImplementation(function (this: Database.Statement, ...parameters) {
    if (/from "book" order by/.test(this.source)) lists++;
    return all.apply(this, parameters);
  });
  onTestFinished(() => spy.mockRestore());
  return () => lists;
}

describe.runIf(engine === "postgresql")("a search that takes longer than its request may", () => {
  test("is TIMED_OUT, and ended on the server as well", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const service = await startService({ DATABASE_URL, REQUEST_TIMEOUT_MS });
    await service.addBook("A");
    const client = new pg.Client({ connectionString: DATABASE_URL });
    await client.connect();
    onTestFinished(() => client.end());
    await client.query("begin; lock table book in access exclusive mode");
    expectCode(await service.send(`{ booksConnection(search: "a") { nodes { title } } }`), "TIMED_OUT");
    const waiting =
      "select 1 from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())";
    await eventually("nobody waits for the table", async () => (await client.query(waiting)).rowCount === 0);
    await client.query("commit");
  });
});
