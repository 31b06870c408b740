import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startedOnce } from "../support/cleanup.ts";
import { openBooks } from "../support/database/books.ts";
import { engine } from "../support/database/database.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { startProxy } from "../support/network/proxy.ts";
import { type RedisServer, startRedis } from "../support/redis/server.ts";
import { startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { servedByRedis, witness } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

/** What Redis makes of its memory and keys is the same whichever database is behind it. */
const testOnce = test.skipIf(engine === "postgresql");

/** Two services on one database and one Redis, each with a way of its own to Redis that a test can disturb. */
async function startPair(redis: RedisServer) {
  const { url: DATABASE_URL } = await migratedDatabase();
  const [wayOfA, wayOfB] = [await startProxy(redis.port), await startProxy(redis.port)];
  const a = await startService({ DATABASE_URL, REDIS_URL: wayOfA.url });
  const b = await startService({ DATABASE_URL, REDIS_URL: wayOfB.url });
  await servedByRedis(a, b);
  return { redis, a, b, wayOfA, wayOfB };
}

/** One pair for many tests, each of which leaves it as it found it: answering from Redis. */
function sharedPair() {
  return startedOnce(async () => startPair(await startRedis()));
}

/** The read model in force, found by its only keys. */
async function keysOf(redis: RedisServer): Promise<{ rows: string; order: string }> {
  const keys = await redis.client.keys("*:rows");
  expect(keys).toHaveLength(1);
  const [rows = ""] = keys;
  return { rows, order: rows.replace(/:rows$/, ":order") };
}

/** Holds Redis against the table: the same books, and in the same order. */
async function expectRedisEqualsTable(redis: RedisServer, titles: readonly string[]): Promise<void> {
  await eventually("the read model equals the table", async () => {
    const { rows, order } = await keysOf(redis);
    const members = titles.map((title) => `${title.toLowerCase()}\0${title}`);
    expect(await redis.client.zrange(order, "0", "-1")).toEqual(members);
    expect((await redis.client.hkeys(rows)).sort()).toEqual(["", ...titles].sort());
    return true;
  });
}

describe("no read is older than an acknowledged write", () => {
  // one fault after the other, as they come in life
  const pair = sharedPair();

  test("while all is well", async () => {
    const { a, b } = pair();
    const { servedBy } = await witness([a, b], () => servedByRedis(a, b));
    expect(servedBy).toContain("redis");
  });

  test("when Redis is flushed", async () => {
    const { redis, a, b } = pair();
    await witness([a, b], async () => {
      for (let i = 0; i < 3; i++) {
        await redis.client.flushall();
        await servedByRedis(a, b);
      }
    });
  });

  test("when Redis is killed and comes back empty", async () => {
    const { redis, a, b } = pair();
    const { servedBy } = await witness([a, b], async () => {
      await redis.kill();
      await eventually("the database answers", async () => (await a.book("x")).consistency.servedBy === "database");
      await redis.start();
      await servedByRedis(a, b);
    });
    expect(servedBy).toContain("database");
  });

  test("when Redis comes back from an older dump", async () => {
    const { redis, a, b } = pair();
    await witness([a, b], async () => {
      await redis.client.save();
      const { consistency } = await a.addBook("Added after the dump");
      await redis.kill();
      await redis.start();
      // the dump is there again, so a read that trusted it would be older
      expect(await redis.client.keys("*:rows")).not.toEqual([]);
      expect((await a.book("Added after the dump")).data.book).not.toBeNull();
      await servedByRedis(a, b);
      expect((await b.book("Added after the dump")).consistency.revision).toBeGreaterThanOrEqual(consistency.revision);
    });
  });

  test("when Redis hangs and goes on", async () => {
    const { redis, a, b } = pair();
    await witness([a, b], async () => {
      redis.pause();
      await eventually("nobody waits for Redis", async () => (await a.book("x")).consistency.servedBy === "database");
      await a.addBook("Added while Redis hung");
      redis.resume();
      await servedByRedis(a, b);
    });
  });

  test("when one process is cut off from Redis", async () => {
    const { a, b, wayOfA } = pair();
    await witness([a, b], async () => {
      wayOfA.cut();
      await eventually("the database answers", async () => (await a.book("x")).consistency.servedBy === "database");
      await servedByRedis(b);
      wayOfA.heal();
      await servedByRedis(a, b);
    });
  });

  test.each(["requests", "replies"] as const)("when the %s of one process get lost", async (direction) => {
    const { a, b, wayOfA } = pair();
    await witness([a, b], async () => {
      wayOfA.hold(direction);
      await eventually("the database answers", async () => (await a.book("x")).consistency.servedBy === "database");
      await servedByRedis(b);
      wayOfA.heal();
      await servedByRedis(a, b);
    });
  });

  testOnce.each(["rows", "order"] as const)("when the key of the %s is deleted alone", async (key) => {
    const redis = await startRedis();
    const { a, b } = await startPair(redis);
    await witness([a, b], async () => {
      const keys = await keysOf(redis);
      await redis.client.unlink(keys[key]);
      await eventually("it is rebuilt under another name", async () => {
        const names = await redis.client.keys("*:rows");
        return names.some((name) => name !== keys.rows);
      });
      await servedByRedis(a, b);
    });
  });

  testOnce.each([
    ["a string", (redis: RedisServer, key: string) => redis.client.set(key, "garbage")],
    ["a list", (redis: RedisServer, key: string) => redis.client.lpush(key, "garbage")],
    ["a hash of garbage", (redis: RedisServer, key: string) => redis.client.hset(key, { "": "garbage", x: "{" })],
  ] as const)("when the keys hold %s", async (_, spoil) => {
    const redis = await startRedis();
    const { a, b } = await startPair(redis);
    await witness([a, b], async () => {
      const { rows, order } = await keysOf(redis);
      for (const key of [rows, order]) {
        await redis.client.unlink(key);
        await spoil(redis, key);
      }
      await eventually("it is rebuilt under another name", async () => (await redis.client.keys("*:rows")).length > 1);
      await servedByRedis(a, b);
    });
  });

  testOnce("when Redis evicts", async () => {
    const { redis, a, b } = pair();
    await redis.client.config("SET", "maxmemory-policy", "allkeys-lru");
    await witness([a, b], async () => {
      await redis.client.config("SET", "maxmemory", "1");
      await eventually("Redis has evicted", async () => (await redis.client.dbsize()) === 0);
      await eventually("the database answers", async () => (await a.book("x")).consistency.servedBy === "database");
      await redis.client.config("SET", "maxmemory", "0");
      await servedByRedis(a, b);
    });
  });

  testOnce("when Redis is full and refuses to write", async () => {
    const { redis, a, b } = pair();
    await witness([a, b], async () => {
      await redis.client.config("SET", "maxmemory", "1");
      await a.addBook("Added while Redis was full");
      await redis.client.config("SET", "maxmemory", "0");
      await servedByRedis(a, b);
    });
  });

  testOnce("when Redis cannot save and refuses to write", async () => {
    const redis = await startRedis();
    const { a, b } = await startPair(redis);
    await witness([a, b], async () => {
      // a failed background save makes Redis answer MISCONF
      await redis.client.config("SET", "save", "3600 1000000");
      rmSync(redis.directory, { recursive: true });
      await redis.client.bgsave();
      await eventually("Redis refuses", async () => {
        const refusal = await redis.client.set("any", "value").catch((error: Error) => error.message);
        return refusal.startsWith("MISCONF");
      });
      await a.addBook("Added while Redis could not save");
      await redis.client.config("SET", "stop-writes-on-bgsave-error", "no");
      await servedByRedis(a, b);
    });
  });

  test("when Redis becomes a replica and is read-only", async () => {
    const { redis, a, b } = pair();
    await witness([a, b], async () => {
      await redis.client.replicaof("127.0.0.1", 1);
      await a.addBook("Added while Redis was read-only");
      await redis.client.replicaof("NO", "ONE");
      await servedByRedis(a, b);
    });
  });

  testOnce("when Redis wants a password and then does not", async () => {
    const { redis, a, b } = pair();
    await witness([a, b], async () => {
      await redis.client.config("SET", "requirepass", "secret");
      await redis.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await eventually("the database answers", async () => (await a.book("x")).consistency.servedBy === "database");
      await redis.client.config("SET", "requirepass", "");
      await servedByRedis(a, b);
    });
  });

  test("when Redis forgets its scripts and ends connections", async () => {
    const { redis, a, b } = pair();
    await witness([a, b], async () => {
      for (let i = 0; i < 5; i++) {
        await redis.client.script("FLUSH");
        await redis.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        await servedByRedis(a, b);
      }
    });
  });
});

describe("the read model in Redis", () => {
  test("follows a rename in one step", async () => {
    const redis = await startRedis();
    const { a, b } = await startPair(redis);
    await a.addBook("Old Title");
    await b.updateBook("Old Title", { title: "New Title" });
    await expectRedisEqualsTable(redis, ["New Title"]);
    expect(await a.titles()).toEqual(["New Title"]);
    expect((await a.book("Old Title")).data.book).toBeNull();
  });

  test("follows a book that is deleted and added again", async () => {
    const redis = await startRedis();
    const { a, b } = await startPair(redis);
    const first = await a.addBook("Phoenix");
    await b.deleteBook("Phoenix");
    const second = await a.addBook("Phoenix", { author: "Another Author" });
    expect(second.data.addBook.id).not.toBe(first.data.addBook.id);
    expect((await b.book("Phoenix")).data.book).toEqual({ ...second.data.addBook, __typename: undefined });
    await expectRedisEqualsTable(redis, ["Phoenix"]);
  });

  test("applies the refreshes of two writers in order, though they arrive out of order", async () => {
    const redis = await startRedis();
    const { a, b, wayOfA } = await startPair(redis);
    await a.addBook("Written first");
    await a.addBook("Written second");
    wayOfA.hold("requests");
    await a.updateBook("Written first", { stockQuantity: 1 });
    await b.updateBook("Written second", { stockQuantity: 2 });
    await servedByRedis(b);
    expect((await b.book("Written first")).data.book.stockQuantity).toBe(1);
    await b.updateBook("Written first", { stockQuantity: 3 });
    wayOfA.heal();
    await servedByRedis(a, b);
    for (const service of [a, b]) {
      expect((await service.book("Written first")).data.book.stockQuantity).toBe(3);
      expect((await service.book("Written second")).data.book.stockQuantity).toBe(2);
    }
  });

  test("is caught up by others when a process dies between its commit and its refresh", async () => {
    const redis = await startRedis();
    const { url: DATABASE_URL } = await migratedDatabase();
    const way = await startProxy(redis.port);
    const dying = await startProcess({ DATABASE_URL, REDIS_URL: way.url, READ_LEASE_MS: "2000" });
    const other = await startService({ DATABASE_URL, REDIS_URL: redis.url, READ_LEASE_MS: "2000" });
    await servedByRedis(dying, other);
    way.hold("requests");
    const unanswered = dying.addBook("Orphan").catch(() => {});
    await eventually("it is committed", async () => (await other.book("Orphan")).data.book !== null);
    await dying.stop("SIGKILL");
    await unanswered;
    await eventually("it is in Redis", async () => {
      const { data, consistency } = await other.book("Orphan");
      return data.book !== null && consistency.servedBy === "redis";
    });
  });

  test("is what a process finds that starts later", async () => {
    const redis = await startRedis();
    const { a } = await startPair(redis);
    await a.addBook("Found");
    const { rows } = await keysOf(redis);
    const { url: DATABASE_URL } = await migratedDatabase();
    const other = await startService({ DATABASE_URL, REDIS_URL: redis.url });
    await servedByRedis(other);
    expect(await other.titles()).toEqual([]);
    expect(await redis.client.keys("*:rows")).toContain(rows);
  });
});

describe("Redis is asked again", () => {
  test("when it was reached at a replica, and new connections lead to a master", async () => {
    const master = await startRedis();
    const replica = await startRedis("--replicaof", "127.0.0.1", `${master.port}`);
    const way = await startProxy(replica.port);
    const service = await startService({ REDIS_URL: way.url });
    await service.addBook("Book");
    expect((await service.book("Book")).consistency.servedBy).toBe("database");
    way.lead(master.port);
    await servedByRedis(service);
  });

  test("at once, when this process itself was too busy to hear it in time", async () => {
    const redis = await startRedis();
    const service = await startService({ REDIS_URL: redis.url, REDIS_CRITICAL: "true" });
    await servedByRedis(service);
    for (let i = 0; i < 4; i++) {
      const reads = Promise.all(Array.from({ length: 10 }, () => service.send("{ books { title } }")));
      for (let turn = 0; turn < 3; turn++) {
        await new Promise(setImmediate);
        // longer than a command's time
        for (const end = performance.now() + 110; performance.now() < end; );
      }
      for (const { errors } of await reads) expect(errors).toBeUndefined();
    }
  });
});

describe("while no process runs", () => {
  test("the database may be deleted and made anew under the same Redis", async () => {
    const redis = await startRedis();
    const database = await migratedDatabase();
    const env = { DATABASE_URL: database.url, REDIS_URL: redis.url };
    const before = await startService(env);
    await before.addBook("Forgotten");
    await servedByRedis(before);
    await before.close();
    await database.renew();

    const after = await startService(env);
    expect(await after.titles()).toEqual([]);
    await after.addBook("Remembered");
    await servedByRedis(after);
    expect(await after.titles()).toEqual(["Remembered"]);
  });

  test("the database may be restored from an older copy and go on differently", async () => {
    const redis = await startRedis();
    const database = await migratedDatabase();
    const env = { DATABASE_URL: database.url, REDIS_URL: redis.url };
    const before = await startService(env);
    await before.addBook("In both");
    await servedByRedis(before);
    await before.close();
    await database.backUp();
    const lost = await startService(env);
    await lost.addBook("Lost by the restore");
    await servedByRedis(lost);
    await lost.close();

    await database.restore();
    // without Redis, so that Redis keeps the lost history at the very revision that this command makes
    const without = await startService({ ...env, REDIS_URL: undefined });
    await without.addBook("Made after the restore");
    await without.close();

    const after = await startService(env);
    expect(await after.titles()).toEqual(["In both", "Made after the restore"]);
    await servedByRedis(after);
    expect(await after.titles()).toEqual(["In both", "Made after the restore"]);
    expect((await after.book("Lost by the restore")).data.book).toBeNull();
  });
});

describe("a process", () => {
  test("that was stopped for longer than its lease does not answer from before", async () => {
    const redis = await startRedis();
    const { url: DATABASE_URL } = await migratedDatabase();
    const way = await startProxy(redis.port);
    const sleeper = await startProcess({ DATABASE_URL, REDIS_URL: redis.url });
    const writer = await startService({ DATABASE_URL, REDIS_URL: way.url });
    await servedByRedis(sleeper, writer);
    await writer.addBook("Slept through");
    for (let stock = 1; stock <= 5; stock++) {
      // without its refresh, the write is known to the sleeper by nothing but its look-ups
      way.cut();
      sleeper.child.kill("SIGSTOP");
      const answer = sleeper.book("Slept through");
      await writer.updateBook("Slept through", { stockQuantity: stock });
      const after = sleeper.book("Slept through");
      sleeper.child.kill("SIGCONT");
      await answer;
      expect((await after).data.book.stockQuantity).toBe(stock);
      way.heal();
      await servedByRedis(sleeper, writer);
    }
  });

  test("that is led to another server with a copy of the data does not believe it", async () => {
    const redis = await startRedis();
    const { url: DATABASE_URL } = await migratedDatabase();
    const way = await startProxy(redis.port);
    // a long lease, so that nothing but the server's identity can tell the misled process that its copy is old
    const env = { DATABASE_URL, READ_LEASE_MS: "1500" };
    const misled = await startService({ ...env, REDIS_URL: way.url });
    const writer = await startService({ ...env, REDIS_URL: redis.url });
    await writer.addBook("Copied");
    await servedByRedis(misled, writer);
    await redis.client.save();
    const copy = await startRedis("--dbfilename", "copy.rdb");
    await copy.kill();
    copyFileSync(join(redis.directory, "dump.rdb"), join(copy.directory, "copy.rdb"));
    await copy.start();

    await writer.updateBook("Copied", { stockQuantity: 1 });
    expect((await misled.book("Copied")).data.book.stockQuantity).toBe(1);
    way.lead(copy.port);
    way.cut();
    way.heal();
    for (let stock = 2; stock <= 5; stock++) {
      await writer.updateBook("Copied", { stockQuantity: stock });
      expect((await misled.book("Copied")).data.book.stockQuantity).toBe(stock);
    }
  });

  test("without Redis acknowledges no write before the others know of it", async () => {
    const redis = await startRedis();
    const { url: DATABASE_URL } = await migratedDatabase();
    const reader = await startService({ DATABASE_URL, REDIS_URL: redis.url });
    await servedByRedis(reader);
    const writer = await startService({ DATABASE_URL });
    const { servedBy } = await witness([writer, reader], async () => {});
    expect(servedBy).toContain("database");
  });

  test("of an older key format leaves the read model of a newer one alone", async () => {
    const redis = await startRedis();
    const { url: DATABASE_URL } = await migratedDatabase();
    const env = { DATABASE_URL, REDIS_URL: redis.url };
    const first = await startService(env);
    await first.addBook("Book");
    await servedByRedis(first);
    await first.close();
    const database = await openBooks(DATABASE_URL);
    onTestFinished(() => database.orm.close());
    const newer = "999-anything-0-name";
    await database.books.replaceReadModel((await database.books.row()).readModel, newer);

    const second = await startService(env);
    await second.updateBook("Book", { author: "Another Author" });
    const { data, consistency } = await second.book("Book");
    expect(data.book.author).toBe("Another Author");
    expect(consistency.servedBy).toBe("database");
    expect((await database.books.row()).readModel).toBe(newer);
  });
});
