import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryDirectory } from "./support/cleanup.ts";
import { inherited } from "./support/environment.ts";
import { startRedis } from "./support/redis.ts";
import { type ServiceProcess, startProcess } from "./support/service.ts";
import { eventually } from "./support/wait.ts";

const LEASE_MS = 2000;

async function forgetReadModel(DATABASE_URL: string): Promise<string> {
  const env = { ...inherited, DATABASE_URL };
  const { stdout } = await promisify(execFile)("npm", ["run", "--silent", "forget-read-model"], { env });
  return stdout;
}

async function timeToAdd(service: ServiceProcess, title: string): Promise<number> {
  const begin = performance.now();
  await service.addBook(title);
  return performance.now() - begin;
}

test("forgetting the read model ends the waiting of processes whose Redis is gone for good", async () => {
  const redis = await startRedis();
  const DATABASE_URL = `sqlite:${join(temporaryDirectory(), "books.db")}`;
  const env = { DATABASE_URL, READ_LEASE_MS: `${LEASE_MS}` };

  const joined = await startProcess({ ...env, REDIS_URL: redis.url });
  await eventually("the read model is in force", () => joined.log.includes("in force"));
  await joined.stop();

  const alone = await startProcess(env);
  expect(alone.log.match(/npm run forget-read-model/g)).toHaveLength(1);
  expect(await timeToAdd(alone, "Dune")).toBeGreaterThanOrEqual(LEASE_MS);
  await alone.stop();

  expect(await forgetReadModel(DATABASE_URL)).toMatch(
    /only while no process .*\nbooks: forgot the read model 1-\w+-0-\w+\.\n$/,
  );
  expect(await forgetReadModel(DATABASE_URL)).toMatch(/\nbooks: had no read model\.\n$/);

  const free = await startProcess(env);
  expect(free.log).toBe("");
  expect(await timeToAdd(free, "Emma")).toBeLessThan(LEASE_MS);
  expect(await free.titles()).toEqual(["Dune", "Emma"]);
});
