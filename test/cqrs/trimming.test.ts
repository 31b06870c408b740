import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { bookStream } from "../../src/books/book-stream.ts";
import { trimLog } from "../../src/cqrs/trim-log.ts";
import { openBooks } from "../support/database/books.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { startRedis } from "../support/redis/server.ts";
import { type Service, startService } from "../support/service/service.ts";
import { servedByRedis, witness } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

const LONG_AGO = "2001-02-03T04:05:06.789Z";
const FAR_AHEAD = "2999-01-01T00:00:00.000Z";

/** Has entries of the log made at another time. */
async function date(url: string, at: string, ...revisions: readonly number[]): Promise<void> {
  await sqlOn(url, `update book_change set at = '${at}' where revision in (${revisions})`);
}

async function logged(url: string): Promise<number[]> {
  const rows = await sqlOn(url, "select revision from book_change order by revision");
  return rows.map(({ revision }) => Number(revision));
}

async function trimmedTo(url: string): Promise<number> {
  return Number((await sqlOn(url, "select trimmed_to from stream"))[0].trimmed_to);
}

/** Starts a process that keeps a day of the log, and waits until it has removed what came before `revision`. */
async function trimUntil(url: string, revision: number, env: object = {}): Promise<Service> {
  const service = await startService({ DATABASE_URL: url, CHANGE_LOG_KEEP_DAYS: "1", ...env });
  await eventually("the log is trimmed", async () => (await trimmedTo(url)) === revision);
  return service;
}

async function refusal(service: Service, query: string) {
  const { errors } = await service.send(query);
  return errors?.[0]?.extensions;
}

describe("a change log that is kept for a day", () => {
  test("says from where on it tells, and answers from there as before", async () => {
    const { url } = await migratedDatabase();
    const service = await startService({ DATABASE_URL: url });
    await service.addBook("A");
    for (const stockQuantity of [2, 3, 4, 5]) await service.updateBook("A", { stockQuantity });
    await date(url, LONG_AGO, 1, 2, 3);
    for (const one of [service, await trimUntil(url, 3)]) {
      expect(await logged(url)).toEqual([4, 5]);
      const stockAt = async (revision: number) =>
        (await one.ask(`{ book(title: "A", asOf: ${revision}) { stockQuantity } }`)).data.book.stockQuantity;
      expect([await stockAt(3), await stockAt(4), await stockAt(5)]).toEqual([3, 4, 5]);
      const { data } = await one.ask(
        `{ changes(after: 3) { revision } book(title: "A") { history { nodes { revision } pageInfo { hasNextPage } } } }`,
      );
      expect(data.changes).toEqual([{ revision: 4 }, { revision: 5 }]);
      expect(data.book.history).toEqual({
        nodes: [{ revision: 5 }, { revision: 4 }],
        pageInfo: { hasNextPage: false },
      });
      for (const revision of [0, 2]) {
        for (const query of [
          `{ book(title: "A", asOf: ${revision}) { id } }`,
          `{ changes(after: ${revision}) { at } }`,
        ]) {
          expect(await refusal(one, query)).toEqual({ code: "REVISION_TRIMMED", oldest: 3 });
        }
      }
    }
  });

  test("goes on where all of it is gone", async () => {
    const { url } = await migratedDatabase();
    const before = await startService({ DATABASE_URL: url });
    await before.addBook("A");
    await before.addBook("B");
    await date(url, LONG_AGO, 1, 2);
    const service = await trimUntil(url, 2);
    expect(await logged(url)).toEqual([]);
    expect((await service.ask("{ changes(after: 2) { revision } }")).data.changes).toEqual([]);
    expect((await service.ask('{ book(title: "A", asOf: 2) { title } }')).data.book).toEqual({ title: "A" });
    await service.updateBook("A", { title: "C" });
    const { data } = await service.ask(
      '{ a: book(title: "A", asOf: 2) { title } c: book(title: "C", asOf: 2) { title } }',
    );
    expect(data).toEqual({ a: { title: "A" }, c: null });
  });

  test("keeps what a key of the last 24 hours stands for", async () => {
    const { url } = await migratedDatabase();
    const service = await startService({ DATABASE_URL: url });
    await service.addBook("A", { stockQuantity: 9 });
    await service.updateBook("A", { author: "Another" });
    await service.adjustStock("A", -3, "sale");
    await service.updateBook("A", { author: "A Third" });
    await date(url, LONG_AGO, 1, 2, 3, 4);
    const trimming = await trimUntil(url, 2);
    expect(await logged(url)).toEqual([3, 4]);
    expect((await trimming.adjustStock("A", -3, "sale")).data.adjustStock).toMatchObject({ stockQuantity: 6 });
    await trimming.close();
    await sqlOn(url, "update idempotency_key set at = at - 90000");
    await trimUntil(url, 4);
  });

  test("is not lost to a clock that is wrong", async () => {
    const { url } = await migratedDatabase();
    const service = await startService({ DATABASE_URL: url });
    for (const title of ["A", "B", "C", "D", "E", "F"]) await service.addBook(title);
    // the second one is as old as the third; the fifth is no older than the fourth, and nobody knows how old the last is
    await date(url, LONG_AGO, 1, 3, 5);
    await date(url, FAR_AHEAD, 2, 6);
    const trimming = await trimUntil(url, 3);
    expect(await logged(url)).toEqual([4, 5, 6]);
    await trimming.close();
    await date(url, LONG_AGO, 4);
    await trimUntil(url, 5);
    expect(await logged(url)).toEqual([6]);
  });

  test("is trimmed portion by portion, by two processes at once as by one", async () => {
    const { url } = await migratedDatabase();
    const service = await startService({ DATABASE_URL: url });
    await Promise.all(Array.from({ length: 450 }, (_, n) => service.addBook(`Book ${n}`)));
    await sqlOn(url, `update book_change set at = '${LONG_AGO}' where revision <= 441`);
    const env = { DATABASE_URL: url, CHANGE_LOG_KEEP_DAYS: "1" };
    const both = await Promise.all([startService(env), startService(env)]);
    await eventually("the log is trimmed", async () => (await trimmedTo(url)) === 441);
    expect(await logged(url)).toEqual([442, 443, 444, 445, 446, 447, 448, 449, 450]);
    for (const one of both) expect((await one.titles()).length).toBe(450);
  });
});

describe("a read model that is further behind than the log reaches", () => {
  test("is rebuilt, and what was trimmed is not skipped", async () => {
    const redis = await startRedis();
    const { url } = await migratedDatabase();
    const first = await startService({ DATABASE_URL: url, REDIS_URL: redis.url });
    await first.addBook("Kept");
    await first.addBook("Deleted");
    await servedByRedis(first);
    await first.close();
    const name = async () => (await sqlOn(url, "select read_model from stream"))[0].read_model;
    const before = await name();

    const bare = await startService({ DATABASE_URL: url });
    await bare.deleteBook("Deleted");
    await bare.addBook("Added");
    await date(url, LONG_AGO, 1, 2, 3);
    await (await trimUntil(url, 3)).close();

    const service = await startService({ DATABASE_URL: url, REDIS_URL: redis.url });
    expect(await service.titles()).toEqual(["Added", "Kept"]);
    await servedByRedis(service);
    expect(await service.titles()).toEqual(["Added", "Kept"]);
    expect(await name()).not.toBe(before);
  });

  test("is caught up if the log goes on just from there", async () => {
    const redis = await startRedis();
    const { url } = await migratedDatabase();
    const first = await startService({ DATABASE_URL: url, REDIS_URL: redis.url });
    await first.addBook("Kept");
    await servedByRedis(first);
    await first.close();
    const name = async () => (await sqlOn(url, "select read_model from stream"))[0].read_model;
    const before = await name();
    const bare = await startService({ DATABASE_URL: url });
    await bare.addBook("Added");
    await date(url, LONG_AGO, 1);
    await (await trimUntil(url, 1)).close();

    const service = await startService({ DATABASE_URL: url, REDIS_URL: redis.url });
    await servedByRedis(service);
    expect(await service.titles()).toEqual(["Added", "Kept"]);
    expect(await name()).toBe(before);
  });
});

test("reads are as new as they must be while the log is trimmed to its end all the time", async () => {
  const redis = await startRedis();
  const { url } = await migratedDatabase();
  const env = { DATABASE_URL: url, READ_LEASE_MS: "40" };
  const services = [
    await startService({ ...env, REDIS_URL: redis.url }),
    await startService({ ...env, REDIS_URL: redis.url }),
    await startService(env),
  ];
  await servedByRedis(...services.slice(0, 2));
  const { orm } = await openBooks(url);
  let removed = 0;
  const { servedBy } = await witness(services, async () => {
    while (removed < 30) {
      removed += (await trimLog(orm, bookStream, 0, 200)).removed;
      await sleep(5);
    }
  });
  await orm.close();
  expect(servedBy).toContain("redis");
});
