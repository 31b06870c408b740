import { describe, expect, test } from "vitest";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { manyBooks } from "../support/import/csv-files.ts";
import { importFile } from "../support/import/import-file.ts";
import { subscribe, subscribeNow, TRANSPORTS } from "../support/live/subscriber.ts";
import { startProxy } from "../support/network/proxy.ts";
import { startRedis } from "../support/redis/server.ts";
import { type Service, startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

/** How many books each of those who write adds. */
const BOOKS = 40;

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** The way to a service that a test can cut. */
async function wayTo({ url }: Service) {
  const proxy = await startProxy(Number(new URL(url).port));
  return { proxy, url: url.replace(/:\d+/, `:${proxy.port}`) };
}

describe.each(["without Redis", "with Redis"])("processes on one database, %s", (set) => {
  async function startPair() {
    const { url: DATABASE_URL } = await migratedDatabase();
    const env = { DATABASE_URL, ...(set === "with Redis" && { REDIS_URL: (await startRedis()).url }) };
    return { a: await startService(env), b: await startService(env), start: () => startService(env) };
  }

  test("tell every change once and in order, whoever made it, while subscribers are cut off and processes restart", async () => {
    const { a, b, start } = await startPair();
    const ways = [await wayTo(a), await wayTo(b)];
    const urls = ways.map(({ url }) => url);
    await a.addBook("Before");
    const subscribers = TRANSPORTS.flatMap((transport) => [
      subscribe(transport, urls, { since: 0 }),
      subscribe(transport, urls.toReversed(), { since: 1 }),
    ]);
    let isRunning = true;
    const cutting = (async () => {
      for (let i = 0; isRunning; i++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        ways[i % 2]?.proxy.cut();
        ways[i % 2]?.proxy.heal();
      }
    })();
    const write = async (service: Service, name: string, count: number) => {
      for (let i = 0; i < count; i++) await service.addBook(`${name} ${i}`);
    };
    await Promise.all([write(a, "A", BOOKS), write(b, "B", BOOKS)]);
    isRunning = false;
    await cutting;
    await b.close();
    // another in its place, by another way
    urls.push((await start()).url);
    await write(a, "C", 3);
    const last = 1 + 2 * BOOKS + 3;
    for (const [i, subscriber] of subscribers.entries()) {
      await eventually(`change ${last}`, () => subscriber.revisions.at(-1) === last);
      expect(subscriber.revisions).toEqual(upTo(last, 1 + (i % 2)));
      expect(subscriber.connects).toBeGreaterThan(1);
      expect(subscriber.ended).toBeUndefined();
    }
  });

  test("tell who subscribes of nothing that was acknowledged before, and of all that comes after", async () => {
    const { a, b } = await startPair();
    for (let i = 0; i < 2; i++) {
      for (const transport of TRANSPORTS) {
        const before = (await a.addBook(`${transport} ${i}, before`)).consistency.revision;
        const subscriber = await subscribeNow(transport, b.url);
        const [{ revision: start }] = subscriber.checkpoints;
        expect(start).toBe(before);
        await a.addBook(`${transport} ${i}, after`);
        await subscriber.told(1);
        expect(subscriber.revisions).toEqual([before + 1]);
        subscriber.stop();
      }
    }
  });
});

describe("a log that was trimmed", () => {
  test("is told from where it begins, and who asks for more is told where that is", async () => {
    const service = await startService();
    for (const title of ["A", "B", "C", "D"]) await service.addBook(title);
    const refusedAt = async (since: number) =>
      (await subscribe("graphql-ws", service.url, { since }).refused()).extensions;
    await sqlOn(service.databaseUrl, "delete from book_change where revision <= 2");
    await sqlOn(service.databaseUrl, "update stream set trimmed_to = 2");
    expect(await refusedAt(1)).toEqual({ code: "REVISION_TRIMMED", oldest: 2 });
    const subscriber = subscribe("graphql-ws", service.url, { since: 2 });
    await subscriber.told(2);
    expect(subscriber.revisions).toEqual([3, 4]);
    subscriber.stop();
    await sqlOn(service.databaseUrl, "delete from book_change");
    await sqlOn(service.databaseUrl, "update stream set trimmed_to = 4");
    // by another process: this one may still have what it has told
    const other = await startService({ DATABASE_URL: service.databaseUrl });
    const { extensions } = await subscribe("graphql-sse", other.url, { since: 2 }).refused();
    expect(extensions).toEqual({ code: "REVISION_TRIMMED", oldest: 4 });
  });
});

describe("a long log", () => {
  test("is told from the beginning to those who ask, with what is changed meanwhile", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const count = 1234;
    await importFile(DATABASE_URL, manyBooks(count));
    const service = await startService({ DATABASE_URL });
    const all = TRANSPORTS.flatMap((transport) =>
      [0, 1000].map((since) => subscribe(transport, service.url, { since })),
    );
    const one = subscribe("graphql-ws", service.url, { since: 0, title: `Imported ${count - 1}` });
    await service.addBook("Meanwhile");
    for (const [i, subscriber] of all.entries()) {
      await subscriber.told(i % 2 === 0 ? count + 1 : count + 1 - 1000);
      expect(subscriber.revisions).toEqual(upTo(count + 1, i % 2 === 0 ? 1 : 1001));
    }
    expect((await one.told(1))[0]).toMatchObject({ revision: count, kind: "ADDED" });
  });
});
