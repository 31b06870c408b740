import { once } from "node:events";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { openBooks } from "../support/database/books.ts";
import { newDatabase } from "../support/database/database.ts";
import { startRedis } from "../support/redis/server.ts";
import type { GraphqlClient } from "../support/service/graphql-client.ts";
import { spawnProgram } from "../support/service/program.ts";
import { startProcess } from "../support/service/service-process.ts";
import { servedByRedis, witness } from "../support/service/witness.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { eventually } from "../support/wait.ts";

const LEASE_MS = 300;

/** A copy of the program whose key format is the next one; returns its entry. */
function nextVersion(): string {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const copy = temporaryDirectory();
  cpSync(join(root, "src"), join(copy, "src"), { recursive: true });
  cpSync(join(root, "package.json"), join(copy, "package.json"));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const scripts = join(copy, "src/cqrs/redis/scripts.ts");
  const text = readFileSync(scripts, "utf8");
  const raised = text.replace("KEY_FORMAT = 1;", "KEY_FORMAT = 2;");
  expect(raised).not.toBe(text);
  writeFileSync(scripts, raised);
  return join(copy, "src/main.ts");
}

/** How long a write takes, in milliseconds. */
async function timed(write: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await write;
  return performance.now() - began;
}

/** As often as a test likes: each time, the book that is witnessed must be a new one. */
async function keepsPromise(services: readonly GraphqlClient[], meanwhile: () => Promise<unknown> = async () => {}) {
  const { servedBy } = await witness(services, meanwhile);
  await services[0]?.deleteBook("The Witnessed Book");
  return servedBy;
}

async function servedByDatabase(service: GraphqlClient): Promise<boolean> {
  return (await service.book("any")).consistency.servedBy === "database";
}

test("two versions with different key formats keep the promise side by side, and a roll-back does", async () => {
  const redis = await startRedis();
  const { url: DATABASE_URL } = await newDatabase();
  const env = { DATABASE_URL, REDIS_URL: redis.url, READ_LEASE_MS: `${LEASE_MS}` };
  const { orm, books } = await openBooks(DATABASE_URL);
  onTestFinished(() => orm.close());
  const nameInForce = async () => (await books.row()).readModel;

  const old = await startProcess(env);
  await old.addBook("Book");
  await servedByRedis(old);
  expect(await nameInForce()).toMatch(/^1-/);

  // the new version takes over, however the old one is used meanwhile
  const next = nextVersion();
  let young = old;
  await keepsPromise([old], async () => {
    young = await startProcess(env, next);
    await servedByRedis(young);
  });
  const taken = await nameInForce();
  expect(taken).toMatch(/^2-/);
  expect(old.log).toContain("of a newer version");

  // both write and both read, and neither throws the other out
  const servedBy = await keepsPromise([old, young], async () => {
    const second = await startProcess(env);
    await servedByRedis(young);
    expect(await servedByDatabase(second)).toBe(true);
    await second.stop();
  });
  expect(servedBy).toContain("redis");
  expect(servedBy).toContain("database");
  expect(await servedByDatabase(old)).toBe(true);
  expect(await nameInForce()).toBe(taken);

  // the old one cannot refresh what the new one reads, so its writes wait; the new one's need not
  expect(await timed(old.updateBook("Book", { stockQuantity: 1 }))).toBeGreaterThanOrEqual(LEASE_MS);
  await servedByRedis(young);
  const atOnce = async () => (await timed(young.updateBook("Book", { stockQuantity: 2 }))) < LEASE_MS;
  await eventually("a write that does not wait", atOnce);
  expect((await old.book("Book")).data.book.stockQuantity).toBe(2);

  // rolled back: only the old version is left
  await young.stop();
  expect(await timed(old.updateBook("Book", { stockQuantity: 3 }))).toBeGreaterThanOrEqual(LEASE_MS);
  expect((await old.book("Book")).data.book.stockQuantity).toBe(3);
  expect(await servedByDatabase(old)).toBe(true);
  expect(await nameInForce()).toBe(taken);

  // as docs/operate.md says: every process stopped, then Redis comes back
  await old.stop();
  // this test itself is connected
  const reset = spawnProgram("src/reset.ts", ["--force"], { DATABASE_URL, READ_LEASE_MS: `${LEASE_MS}` });
  await once(reset.child, "close");
  expect(reset.child.exitCode).toBe(0);
  expect(reset.stdout()).toContain(`forgot the read model ${taken}`);
  const again = await startProcess(env);
  await servedByRedis(again);
  expect(await nameInForce()).toMatch(/^1-/);
  expect(await keepsPromise([again])).toContain("redis");
}, 60_000);
