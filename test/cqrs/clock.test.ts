import { expect, onTestFinished, test } from "vitest";
import { openBooks } from "../support/database/books.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { startProxy } from "../support/network/proxy.ts";
import { startRedis } from "../support/redis/server.ts";
import { startService } from "../support/service/service.ts";
import { type ServiceProcess, startProcess } from "../support/service/service-process.ts";
import { servedByRedis, witness } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

const LEASE_MS = 200;

/** The times in the change log, in the order of the revisions. */
async function loggedTimes(url: string): Promise<number[]> {
  const { orm } = await openBooks(url);
  onTestFinished(() => orm.close());
  const rows = await orm.sql((sql) => sql.selectFrom("book_change").select("at").orderBy("revision").execute());
  return rows.map(({ at }) => Date.parse(at));
}

/** How long a write takes, in milliseconds. */
async function timeOfWrite(service: ServiceProcess): Promise<number> {
  const began = performance.now();
  await service.updateBook("Timed", { stockQuantity: 1 });
  return performance.now() - began;
}

test("a wall clock that jumps makes no read older, and no write faster or slower", async () => {
  const redis = await startRedis();
  const { url: DATABASE_URL } = await migratedDatabase();
  const [way, wayOfSteady] = [await startProxy(redis.port), await startProxy(redis.port)];
  const env = { DATABASE_URL, READ_LEASE_MS: `${LEASE_MS}` };
  const clock = import.meta.resolve("../support/service/jumping-clock.ts");
  const jumping = await startProcess({ ...env, REDIS_URL: way.url, NODE_OPTIONS: `--import=${clock}` });
  const steady = await startService({ ...env, REDIS_URL: wayOfSteady.url });
  await servedByRedis(jumping, steady);

  const { servedBy } = await witness([jumping, steady], async () => {
    way.cut();
    await eventually("the database answers", async () => {
      return (await jumping.book("x")).consistency.servedBy === "database";
    });
    way.heal();
    await servedByRedis(jumping, steady);
    await redis.client.flushall();
    await servedByRedis(jumping, steady);
  });
  expect(servedBy).toContain("redis");

  // what it knew before it was stopped no longer counts, wherever the clock has jumped to
  await steady.addBook("Slept through");
  for (let stock = 1; stock <= 5; stock++) {
    await servedByRedis(jumping, steady);
    wayOfSteady.cut();
    jumping.child.kill("SIGSTOP");
    await steady.updateBook("Slept through", { stockQuantity: stock });
    const after = jumping.book("Slept through");
    jumping.child.kill("SIGCONT");
    expect((await after).data.book.stockQuantity).toBe(stock);
    wayOfSteady.heal();
  }

  await jumping.addBook("Timed");
  way.cut();
  for (let turn = 0; turn < 5; turn++) {
    const took = await timeOfWrite(jumping);
    expect(took).toBeGreaterThanOrEqual(LEASE_MS);
    expect(took).toBeLessThan(10 * LEASE_MS);
  }

  // the clock did jump: the log, whose times are for people only, goes back by hours in places
  const times = await loggedTimes(DATABASE_URL);
  const steps = times.slice(1).map((time, index) => time - (times[index] as number));
  expect(Math.min(...steps)).toBeLessThan(-3_600_000);
});
