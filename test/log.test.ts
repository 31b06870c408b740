import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { GraphqlClient } from "./support/service/graphql-client.ts";
import { programEnvironment } from "./support/service/program.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { eventually } from "./support/wait.ts";

/** Each request for it is logged with a stack of some kilobytes. */
const BROKEN = "{ books { title } }";

/** Starts a service that logs to `stderr`, and whose every read fails. It ends with the test. */
async function startFailing(stderr: number | "pipe") {
  const file = join(temporaryDirectory(), "books.db");
  const child = spawn(process.execPath, ["src/main.ts"], {
    env: { ...programEnvironment, PORT: "0", DATABASE_URL: `sqlite:${file}`, LOG_LEVEL: "trace" },
    stdio: ["ignore", "pipe", stderr],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let stdout = "";
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  const url = await eventually("the ready line", () => /ready.*?(http:\S+)/.exec(stdout)?.[1], 30_000);
  const database = new Database(file);
  database.exec("alter table stream rename to lost");
  database.close();
  return { service: new GraphqlClient(String(url)), child };
}

async function askManyTimes(service: GraphqlClient, times: number): Promise<void> {
  for (let i = 0; i < times; i += 20) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => service.send(BROKEN)));
    for (const { errors } of answers) expect(errors?.[0].extensions.code).toBe("INTERNAL_SERVER_ERROR");
  }
}

describe("a log that cannot be written", () => {
  test("because the disk is full harms nothing, and the process ends when it is told", async () => {
    const full = openSync("/dev/full", "w");
    const { service, child } = await startFailing(full);
    closeSync(full);
    await askManyTimes(service, 60);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("because nobody reads it is bounded, and says what was lost when somebody does", async () => {
    const { service, child } = await startFailing("pipe");
    await askManyTimes(service, 1300);
    let log = "";
    child.stderr?.on("data", (chunk) => {
      log += chunk;
    });
    await eventually("the loss is told", () => log.includes("lines of the log were lost"));
    const lines = log.trimEnd().split("\n");
    const told = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg.startsWith("lines of the log were lost"));
    const written = lines.filter((line) => line.includes("a request failed unexpectedly")).length;
    expect(told).toMatchObject({ level: 40, lines: expect.any(Number) });
    expect(written + told.lines).toBeGreaterThanOrEqual(1300);
    expect(Buffer.byteLength(log)).toBeLessThan(1_500_000);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("because its reader is gone, or never reads, does not keep the process from ending", async () => {
    for (const close of [true, false]) {
      const { service, child } = await startFailing("pipe");
      if (close) child.stderr?.destroy();
      await askManyTimes(service, 500);
      child.kill("SIGTERM");
      expect(await once(child, "exit")).toEqual([0, null]);
    }
  });
});
