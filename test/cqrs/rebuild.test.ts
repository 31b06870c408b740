import { CompiledQuery } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/app.ts";
import { engine, newDatabase } from "../support/database.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { startProcess, startService } from "../support/service.ts";
import { eventually } from "../support/wait.ts";
import { servedByRedis } from "../support/witness.ts";

const BOOKS = 20_000;

/** A catalogue that takes a while to copy. */
async function largeCatalogue(): Promise<string> {
  const { url } = await newDatabase();
  const { orm } = await openDatabase(url);
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

/** Waits until some rows of a new copy are there, but not yet all. */
async function midRebuild({ client }: RedisServer): Promise<void> {
  await eventually("a copy is under way", async () => {
    const [key] = await client.keys("*:order");
    return key !== undefined && (await client.zcard(key)) < BOOKS;
  });
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
    const service = startProcess({ DATABASE_URL, REDIS_URL: redis.url, MAX_BOOKS: `${BOOKS}` });
    await midRebuild(redis);
    await redis.client.flushall();
    await servedByRedis(await service);
    await expectWhole(redis);
  });

  test("is done by another process when the one that began it is killed in its middle", async () => {
    const DATABASE_URL = await largeCatalogue();
    const redis = await startRedis();
    const killed = startProcess({ DATABASE_URL, REDIS_URL: redis.url });
    await midRebuild(redis);
    await (await killed).stop("SIGKILL");
    const other = await startService({ DATABASE_URL, REDIS_URL: redis.url, MAX_BOOKS: `${BOOKS}` });
    await eventually(
      "reads come from Redis",
      async () => {
        return (await other.book("Book 1")).consistency.servedBy === "redis";
      },
      20_000,
    );
    await expectWhole(redis);
  });

  test("replaces a catch-up when the change log has been trimmed", async () => {
    const redis = await startRedis();
    const { url: DATABASE_URL } = await newDatabase();
    const first = await startService({ DATABASE_URL, REDIS_URL: redis.url });
    await first.addBook("Known to Redis");
    await servedByRedis(first);
    await first.close();
    const without = await startService({ DATABASE_URL });
    for (let i = 1; i <= 3; i++) await without.addBook(`Unknown to Redis ${i}`);
    await without.close();
    const { orm } = await openDatabase(DATABASE_URL);
    onTestFinished(() => orm.close());
    await orm.transaction((tx) => tx.sql((sql) => sql.deleteFrom("book_change").where("revision", "<=", 3).execute()));

    const service = await startService({ DATABASE_URL, REDIS_URL: redis.url });
    expect(await service.titles()).toHaveLength(4);
    await servedByRedis(service);
    expect(await service.titles()).toHaveLength(4);
  });
});
