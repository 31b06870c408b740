import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { newDatabase } from "../support/database/database.ts";
import { startRedis } from "../support/redis/server.ts";
import { inherited } from "../support/service/environment.ts";
import type { GraphqlClient } from "../support/service/graphql-client.ts";
import { startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { servedByRedis } from "../support/service/witness.ts";

const LEASE_MS = 2000;

/** Runs `npm run reset` to its end. */
function reset(env: { DATABASE_URL: string; READ_LEASE_MS: string }, ...args: string[]) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile("npm", ["run", "--silent", "reset", "--", ...args], { env: { ...inherited, ...env } }, (error, ...out) => {
      const [stdout, stderr] = out;
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

async function timeToAdd(service: GraphqlClient, title: string): Promise<number> {
  const begin = performance.now();
  await service.addBook(title);
  return performance.now() - begin;
}

test("a reset ends the waiting of processes whose Redis is gone for good, and shortens the lease", async () => {
  const redis = await startRedis();
  const { url: DATABASE_URL } = await newDatabase();
  const shorter = { DATABASE_URL, READ_LEASE_MS: "150" };

  const joined = await startService({ DATABASE_URL, READ_LEASE_MS: `${LEASE_MS}`, REDIS_URL: redis.url });
  await servedByRedis(joined);
  const refused = await reset(shorter);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/^Something is connected to the database\. .*\n$/);
  await joined.close();

  // no process shortens the lease by having a shorter one
  const alone = await startProcess(shorter);
  expect(alone.log.match(/npm run reset/g)).toHaveLength(1);
  expect(await timeToAdd(alone, "Dune")).toBeGreaterThanOrEqual(LEASE_MS);
  await alone.stop();

  const done = await reset(shorter);
  expect(done).toMatchObject({ code: 0, stderr: "" });
  expect(done.stdout).toMatch(
    /^books: forgot the read model \d+\.\d+-\w+-0-\w+; the lease was 2000 ms and is 150 ms\.\n$/,
  );

  const free = await startService(shorter);
  expect(await timeToAdd(free, "Emma")).toBeLessThan(LEASE_MS);
  expect(await free.titles()).toEqual(["Dune", "Emma"]);
  // whoever knows better may say so
  const forced = await reset(shorter, "--force");
  expect(forced).toEqual({ code: 0, stdout: "books: had no read model; the lease stays at 150 ms.\n", stderr: "" });
}, 60_000);
