import { CompiledQuery } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { openBooks } from "../support/database/books.ts";
import { engine } from "../support/database/database.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { startProxy } from "../support/network/proxy.ts";
import { type RedisServer, startRedis } from "../support/redis/server.ts";
import type { GraphqlClient } from "../support/service/graphql-client.ts";
import { startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

const BOOKS = 20_000;

/** A busy machine may take longer for a command, and longer from one look-up to the next, than the defaults allow. */
const PATIENT = { REDIS_TIMEOUT_MS: "10000", READ_LEASE_MS: "5000" };

/** A catalogue that takes a while to copy. */
async function largeCatalogue(): Promise<string> {
  const { url } = await migratedDatabase();
  const { orm } = await openBooks(url);
  const numbers =
    engine === "sqlite"
      ? `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${BOOKS})`
      : `with numbers (n) as (select generate_series(1, ${BOOKS}))`;
  await orm.transaction((tx) =>
    tx.sql((sql) =>
      sql.executeQuery(
        CompiledQuery.raw(`${numbers} insert into book (title, author, stock_quantity, version)
          select 'Book ' || n, 'Author Name', 0, 1 from numbers`),
      ),
    ),
  );
  await orm.close();
  return url;
}

/**
 * A way to Redis over which a copy takes long enough to be found in its middle, on whatever machine. `middle` waits
 * for that.
 */
async function slowWay({ port, client }: RedisServer) {
  const way = await startProxy(port);
  way.delay(25);
  const middle = async () => {
    await eventually("a copy is under way", async () => {
      const [key] = await client.keys("*:order");
      return key !== undefined && (await client.zcard(key)) > 0;
    });
    const [key = ""] = await client.keys("*:order");
    expect(await client.zcard(key)).toBeLessThan(BOOKS);
  };
  return { url: way.url, middle, heal: () => way.heal() };
}

/** Reads of one book alone: a list of so many keeps a busy machine from looking the row up in time. */
async function booksComeFromRedis(service: GraphqlClient): Promise<void> {
  const isServed = async () => (await service.book("Book 1")).consistency.servedBy === "redis";
  await eventually("reads come from Redis", isServed, 40_000);
}

async function expectWhole({ client }: RedisServer): Promise<void> {
  const keys = await client.keys("*:order");
  const sizes = await Promise.all(keys.map((key) => client.zcard(key)));
  expect(sizes).toContain(BOOKS);
}

describe("a rebuild", () => {
  test("is begun anew when Redis is flushed in its middle", async () => {
    const DATABASE_URL = await largeCatalogue();
    const redis = await startRedis();
    const way = await slowWay(redis);
    const starting = startService({ DATABASE_URL, REDIS_URL: way.url, ...PATIENT });
    await way.middle();
    await redis.client.flushall();
    way.heal();
    await booksComeFromRedis(await starting);
    await expectWhole(redis);
  });

  test("is done by another process when the one that began it is killed in its middle", async () => {
    const DATABASE_URL = await largeCatalogue();
    const redis = await startRedis();
    const way = await slowWay(redis);
    const starting = startProcess({ DATABASE_URL, REDIS_URL: way.url, ...PATIENT });
    await way.middle();
    await (await starting).stop("SIGKILL");
    const other = await startService({ DATABASE_URL, REDIS_URL: redis.url, ...PATIENT });
    await booksComeFromRedis(other);
    await expectWhole(redis);
  });

  test("replaces a catch-up when the change log has been trimmed", async () => {
    const redis = await startRedis();
    const { url: DATABASE_URL } = await migratedDatabase();
    const first = await startService({ DATABASE_URL, REDIS_URL: redis.url });
    await first.addBook("Known to Redis");
    await servedByRedis(first);
    await first.close();
    const without = await startService({ DATABASE_URL });
    for (let i = 1; i <= 3; i++) await without.addBook(`Unknown to Redis ${i}`);
    await without.close();
    const { orm } = await openBooks(DATABASE_URL);
    onTestFinished(() => orm.close());
    await orm.transaction((tx) => tx.sql((sql) => sql.deleteFrom("book_change").where("revision", "<=", 3).execute()));

    const service = await startService({ DATABASE_URL, REDIS_URL: redis.url });
    expect(await service.titles()).toHaveLength(4);
    await servedByRedis(service);
    expect(await service.titles()).toHaveLength(4);
  });

  test("that Redis has no room for is reported, and tried again when there is room", async () => {
    const DATABASE_URL = await largeCatalogue();
    const redis = await startRedis();
    const used = Number(/^used_memory:(\d+)/m.exec(await redis.client.info("memory"))?.[1]);
    // room for what is tried out when Redis greets, but not for the books
    await redis.client.config("SET", "maxmemory", `${used + 1_500_000}`);
    const service = await startService({ DATABASE_URL, REDIS_URL: redis.url, ...PATIENT });
    const state = async () => (await (await fetch(new URL("/ready", service.url))).json()).redis;
    await eventually("Redis is not taken for up", async () => (await state()) === "down");
    await redis.client.config("SET", "maxmemory", "0");
    await booksComeFromRedis(service);
    await eventually("Redis is taken for up", async () => (await state()) === "up");
    await expectWhole(redis);
  });
});
