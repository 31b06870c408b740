import { describe, expect, test } from "vitest";
import { newDatabase } from "../support/database/database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { type RedisServer, startRedis } from "../support/redis/server.ts";
import { type Service, startService } from "../support/service/service.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

const TITLES = ["A", "B", "C", "D"];

type Rows = Record<"A" | "B" | "C" | "D", string>;

async function startFilled() {
  const redis = await startRedis();
  const service = await startService({ REDIS_URL: redis.url });
  for (const title of TITLES) await service.addBook(title, { author: `Author of ${title}` });
  await servedByRedis(service);
  return { redis, service };
}

/** The read models' keys. */
async function keysOf({ client }: RedisServer) {
  const [rows = "", ...others] = (await client.keys("*:rows")).sort();
  return { rows, order: rows.replace(/:rows$/, ":order"), others };
}

/** Everything that is read of the catalogue, in several ways. */
async function readAll(service: Service) {
  const { data } = await service.ask(`{
    books { title author }
    first: booksConnection(first: 2) { edges { node { title author } } totalCount }
    last: booksConnection(last: 2) { edges { node { title author } } }
    ${TITLES.map((title, i) => `b${i}: book(title: "${title}") { title author }`).join(" ")}
  }`);
  return data;
}

/** Waits until `service` reads from Redis under another name than `rows` has, and finds there what `truth` says. */
async function rebuilt(service: Service, redis: RedisServer, rows: string, truth: unknown): Promise<void> {
  await eventually("another read model is in force", async () => {
    const { rows: now, others } = await keysOf(redis);
    return [now, ...others].some((key) => key !== rows);
  });
  await servedByRedis(service);
  expect(await readAll(service)).toEqual(truth);
}

describe("a row of the read model that is no row", () => {
  test.each([
    ["is no JSON", () => "no JSON"],
    ["is empty", () => ""],
    ["is JSON of another kind", () => "[1]"],
    ["lacks a property", ({ B }) => JSON.stringify({ ...JSON.parse(B), author: undefined })],
    ["has a property of another type", ({ B }) => JSON.stringify({ ...JSON.parse(B), stockQuantity: "1" })],
    ["has null for what is never null", ({ B }) => JSON.stringify({ ...JSON.parse(B), author: null })],
    ["is that of the row before", ({ A }) => A],
    ["is that of the row after", ({ C }) => C],
    ["is that of the last", ({ D }) => D],
    ["is two rows", ({ B, C }) => `${B},${C}`],
  ] as [string, (rows: Rows) => string][])("that %s is never shown, and soon gone", async (_, garbage) => {
    const { redis, service } = await startFilled();
    const truth = await readAll(service);
    const { rows } = await keysOf(redis);
    await redis.client.hset(rows, "B", garbage((await redis.client.hgetall(rows)) as Rows));
    expect(await readAll(service)).toEqual(truth);
    await rebuilt(service, redis, rows, truth);
  });
});

describe("a row of the read model that somebody has changed so that nothing shows it is found", () => {
  test.each([
    [
      "when it was taken out",
      async ({ client }: RedisServer, { rows, order }: { rows: string; order: string }) => {
        await client.hdel(rows, "B");
        await client.zrem(order, "b\0B");
      },
    ],
    [
      "when it was put in",
      async ({ client }: RedisServer, { rows, order }: { rows: string; order: string }) => {
        const b = JSON.parse((await client.hget(rows, "B")) as string);
        await client.hset(rows, "Z", JSON.stringify({ ...b, id: 99, title: "Z" }));
        await client.zadd(order, 0, "z\0Z");
      },
    ],
    [
      "when it has another value",
      async ({ client }: RedisServer, { rows }: { rows: string }) => {
        const b = JSON.parse((await client.hget(rows, "B")) as string);
        await client.hset(rows, "B", JSON.stringify({ ...b, author: "Another" }));
      },
    ],
  ])("%s", async (_, change) => {
    const { redis, service } = await startFilled();
    const truth = await readAll(service);
    const keys = await keysOf(redis);
    await change(redis, keys);
    await rebuilt(service, redis, keys.rows, truth);
  });

  test("in a large catalogue that changes all the time, and nothing else is", async () => {
    const redis = await startRedis();
    const service = await startService({ REDIS_URL: redis.url });
    const titles = Array.from({ length: 300 }, (_, i) => `Book ${String(i).padStart(3, "0")}`);
    await Promise.all(titles.map((title) => service.addBook(title)));
    await servedByRedis(service);
    const { rows } = await keysOf(redis);
    const changes = { go: true, made: 0 };
    const changing = (async () => {
      for (; changes.go; changes.made++) {
        await service.updateBook(titles[changes.made % 300] as string, { stockQuantity: changes.made });
      }
    })();
    // some rounds of the scrub, each of two portions
    await eventually("changes are made", () => changes.made > 500);
    expect((await keysOf(redis)).others).toEqual([]);
    const last = JSON.parse((await redis.client.hget(rows, "Book 299")) as string);
    await redis.client.hset(rows, "Book 299a", JSON.stringify({ ...last, id: 999, title: "Book 299a" }));
    await redis.client.zadd(rows.replace(/:rows$/, ":order"), 0, "book 299a\0Book 299a");
    await eventually("it is gone", async () => !(await service.titles()).includes("Book 299a"));
    changes.go = false;
    await changing;
  });
});

test("a title that somebody has changed in the table gets its place there, and the read model follows", async () => {
  const redis = await startRedis();
  const { url: DATABASE_URL } = await newDatabase();
  const service = await startService({ DATABASE_URL, REDIS_URL: redis.url });
  // more than one portion of the scrub
  const titles = Array.from({ length: 300 }, (_, i) => `Book ${String(i).padStart(3, "0")}`);
  await Promise.all(titles.map((title) => service.addBook(title)));
  await servedByRedis(service);
  const { rows } = await keysOf(redis);
  await sqlOn(DATABASE_URL, "update book set title = 'Ärmel' where title = 'Book 280'");
  await eventually("another read model has it in its place", async () => {
    const orders = await redis.client.keys("*:order");
    const firsts = await Promise.all(orders.map((order) => redis.client.zrange(order, "0", "0")));
    return firsts.flat().includes("armel\0Ärmel");
  });
  await servedByRedis(service);
  expect((await service.titles()).slice(0, 2)).toEqual(["Ärmel", "Book 000"]);
  const [row] = await sqlOn(
    DATABASE_URL,
    "select title_key, folded_version = version as fresh from book where title = 'Ärmel'",
  );
  expect({ ...row, fresh: Boolean(row.fresh) }).toEqual({ title_key: "armel", fresh: true });
  // it was rebuilt for that and comes to rest
  const { rows: one, others } = await keysOf(redis);
  expect([one, ...others].filter((key) => key !== rows)).toHaveLength(1);
});
