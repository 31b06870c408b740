import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { startRedis } from "../support/redis/server.ts";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import { startService } from "../support/service/service.ts";
import { canMount, startOnSmallDisk } from "../support/service/small-disk.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { eventually } from "../support/wait.ts";

async function ask(service: { readonly url: string }, path: string) {
  const response = await fetch(new URL(path, service.url));
  return { code: response.status, ...(await response.json()) };
}

describe("without Redis", () => {
  test("health and readiness are green", async () => {
    const service = await startService();
    expect(await ask(service, "/health")).toEqual({ code: 200, status: "ok" });
    expect(await ask(service, "/ready")).toEqual({ code: 200, ready: true, database: "up", redis: "off" });
  });
});

describe("when the database does not work", () => {
  test("readiness is red until it works again, and no answer tells its secrets", async () => {
    const file = join(temporaryDirectory(), "books.db");
    const service = await startService({ DATABASE_URL: `sqlite:${file}` });
    const other = new Database(file);
    onTestFinished(() => {
      other.close();
    });

    other.exec("alter table stream rename to lost");
    expect(await ask(service, "/ready")).toMatchObject({ code: 503, ready: false, database: "down" });
    expect(await ask(service, "/health")).toMatchObject({ code: 200 });
    const answers = [await service.send("{ books { title } }"), await service.send(DELETE, {})];
    for (const { status, errors } of answers) {
      expect(status).toBe(200);
      expect(errors?.[0]).toMatchObject({ extensions: { code: "INTERNAL_SERVER_ERROR" } });
      expect(JSON.stringify(errors)).not.toMatch(/SQL|select|table|lost|\bat\b|\.ts|\/src|books\.db/i);
    }

    other.exec("alter table lost rename to stream");
    expect(await ask(service, "/ready")).toMatchObject({ code: 200, ready: true });
    await service.addBook("Dune");
  });
});

describe("when a table is gone that look-ups do not read", () => {
  test("readiness is red until it is back", async () => {
    const file = join(temporaryDirectory(), "books.db");
    const service = await startService({ DATABASE_URL: `sqlite:${file}` });
    const other = new Database(file);
    onTestFinished(() => {
      other.close();
    });
    for (const table of ["book", "book_change"]) {
      other.exec(`alter table ${table} rename to lost`);
      expect(await ask(service, "/ready")).toMatchObject({ code: 503, ready: false, database: "down" });
      other.exec(`alter table lost rename to ${table}`);
      expect(await ask(service, "/ready")).toMatchObject({ code: 200, ready: true });
    }
  });
});

describe("when another process holds the database", () => {
  test("readiness is red once a write has failed, until one works", async () => {
    const file = join(temporaryDirectory(), "books.db");
    const service = await startService({ DATABASE_URL: `sqlite:${file}` });
    expect((await ask(service, "/ready")).code).toBe(200);
    const other = new Database(file);
    onTestFinished(() => {
      other.close();
    });
    other.exec("begin immediate");
    expect((await ask(service, "/ready")).code).toBe(200);
    const { errors } = await service.send(DELETE);
    expect(errors?.[0].extensions.code).toBe("DATABASE_UNAVAILABLE");
    expect((await ask(service, "/ready")).code).toBe(503);
    other.exec("commit");
    await eventually("it is ready", async () => (await ask(service, "/ready")).code === 200);
  });
});

describe.runIf(canMount())("when the disk is full", () => {
  test("nothing is changed and said so, readiness is red, and room mends it", async () => {
    const { service, fill, makeRoom } = await startOnSmallDisk();
    await service.addBook("Dune");
    expect((await ask(service, "/ready")).code).toBe(200);
    fill();
    // a part of the log's file is there to be written again
    const codes: string[] = [];
    let added = 1;
    while (codes.length < 5 && added < 500) {
      const input = { title: `Book ${added}`, author: "A".repeat(1000) };
      const { data, errors } = await service.send(ADD_BOOK, { variables: { input } });
      if (errors) codes.push(errors[0].extensions.code);
      else added += data.addBook.__typename === "Book" ? 1 : 0;
    }
    expect(codes).toEqual(Array(5).fill("DATABASE_UNAVAILABLE"));
    expect(await ask(service, "/ready")).toMatchObject({ code: 503, ready: false, database: "down" });
    expect((await ask(service, "/ready")).code).toBe(503);
    expect(await service.titles()).toHaveLength(added);

    makeRoom();
    await eventually("it is ready", async () => (await ask(service, "/ready")).code === 200);
    expect((await service.addBook("Emma")).consistency.revision).toBe(added + 1);
    expect(service.log).toMatch(/full.*the database is not ready/);
  });
});

const DELETE = 'mutation { deleteBook(title: "Dune") { __typename } }';

describe("when Redis is lost", () => {
  test("a service that can do without it stays ready and says so", async () => {
    const redis = await startRedis();
    const service = await startService({ REDIS_URL: redis.url });
    expect(await ask(service, "/ready")).toEqual({ code: 200, ready: true, database: "up", redis: "up" });
    await redis.kill();
    await eventually("Redis is down", async () => (await ask(service, "/ready")).redis === "down");
    expect(await ask(service, "/ready")).toEqual({ code: 200, ready: true, database: "up", redis: "down" });
    expect(await service.titles()).toEqual([]);
  });

  test("one that cannot refuses queries, runs mutations, and recovers with it", async () => {
    const redis = await startRedis();
    const service = await startService({ REDIS_URL: redis.url, REDIS_CRITICAL: "true" });
    await service.addBook("Dune");
    expect(await ask(service, "/ready")).toMatchObject({ code: 200, ready: true });

    await redis.kill();
    await eventually("not ready", async () => (await ask(service, "/ready")).code === 503);
    expect(await ask(service, "/ready")).toEqual({ code: 503, ready: false, database: "up", redis: "down" });
    for (const query of [
      "{ books { title } }",
      '{ book(title: "Dune") { title } }',
      '{ bookByIsbn(isbn: "1") { title } }',
    ]) {
      const { status, errors } = await service.send(query);
      expect([status, errors?.[0].extensions.code], query).toEqual([200, "SERVICE_UNAVAILABLE"]);
    }
    await service.addBook("Emma");

    await redis.start();
    await eventually("ready", async () => (await ask(service, "/ready")).code === 200);
    expect(await service.titles()).toEqual(["Dune", "Emma"]);
  });
});
