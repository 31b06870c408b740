import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import type { StartupError } from "../src/cqrs/errors.ts";
import { freePort } from "./support/network/port.ts";
import { openConnection, postOf } from "./support/network/raw-connection.ts";
import { startRedis } from "./support/redis/server.ts";
import { ADD_BOOK } from "./support/service/book-requests.ts";
import { inherited } from "./support/service/environment.ts";
import { startService } from "./support/service/service.ts";
import { runToEnd, startProcess } from "./support/service/service-process.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";
import { eventually } from "./support/wait.ts";

const PASSWORD = "correct-horse-battery";

const databaseIn = (directory: string) => `sqlite:${join(directory, "books.db")}`;

/** Runs a process that must refuse to start, and returns its one line. */
async function refusalOf(env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await runToEnd({ PORT: "0", LOG_LEVEL: "fatal", ...env });
  expect([code, stdout], stderr).toEqual([1, ""]);
  expect(stderr.trimEnd().split("\n"), stderr).toHaveLength(1);
  return stderr.trimEnd();
}

/** What it refuses to start with. As a process it would write it: that takes longer, and is the same code for all. */
async function refusalWithin(env: Record<string, string>): Promise<string> {
  const { lines } = await startService(env).then(
    () => ({ lines: ["it started"] }),
    (error: StartupError) => error,
  );
  expect(lines).toHaveLength(1);
  return lines[0] as string;
}

describe("a service that starts", () => {
  test("prints its ready line and nothing else, even when it logs nothing", async () => {
    const service = await startProcess({ DATABASE_URL: "sqlite::memory:", LOG_LEVEL: "silent" });
    expect(service.stdout).toMatch(/^ready: http:\/\/127\.0\.0\.1:\d+\/graphql\n$/);
    expect(await service.titles()).toEqual([]);
    expect(await service.stop()).toBe(0);
    expect([service.stdout.split("\n").length, service.log]).toEqual([2, ""]);
  });

  test("makes the directory of its database, and shares the file with a second process", async () => {
    const env = { DATABASE_URL: databaseIn(join(temporaryDirectory(), "deep/down")) };
    const [one, two] = await Promise.all([startProcess(env), startProcess(env)]);
    await one.addBook("Dune");
    await two.addBook("Emma");
    expect(await one.titles()).toEqual(["Dune", "Emma"]);
    await one.stop();
    await two.addBook("Ulysses");
    expect(await two.titles()).toEqual(["Dune", "Emma", "Ulysses"]);
  });
});

describe("a service that cannot start says why in one line", () => {
  test("when its port is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => {
      taken.close();
    });
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const line = await refusalOf({ DATABASE_URL: "sqlite::memory:", PORT: String(port) });
    expect(line).toMatch(/^PORT, HOST: cannot listen on 127\.0\.0\.1:\d+: .*address already in use/);
  });

  test("when its database is a directory, no database, or in a place where none can be", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "directory"));
    writeFileSync(join(directory, "text"), "This is not a database. ".repeat(100));
    for (const [path, reason, refuse] of [
      ["directory", "unable to open database file", refusalOf],
      ["text", "file is not a database", refusalWithin],
      ["text/books.db", "unable to open database file", refusalWithin],
    ] as const) {
      const line = await refuse({ DATABASE_URL: `sqlite:${join(directory, path)}` });
      expect(line).toContain("DATABASE_URL: ");
      expect(line).toContain(`${join(directory, path)}: `);
      expect(line).toContain(reason);
    }
  });

  test("when its database was migrated by a newer version, or holds another program's tables", async () => {
    const directory = temporaryDirectory();
    const newer = join(directory, "newer.db");
    await startService({ DATABASE_URL: `sqlite:${newer}` }).then((service) => service.close());
    const database = new Database(newer);
    database.exec("insert into mikro_orm_migrations (name) values ('books-99-of-tomorrow')");
    database.close();
    expect(await refusalWithin({ DATABASE_URL: `sqlite:${newer}` })).toMatch(/newer version .*books-99-of-tomorrow/);

    const foreign = new Database(join(directory, "foreign.db"));
    foreign.exec("create table book (x)");
    foreign.close();
    const line = await refusalWithin({ DATABASE_URL: `sqlite:${join(directory, "foreign.db")}` });
    expect(line).toContain("table book already exists");
  });

  test("when Redis is critical and absent or refuses the password, without telling it", async () => {
    const redis = await startRedis(...withUser);
    const critical = { DATABASE_URL: "sqlite::memory:", REDIS_CRITICAL: "true" };
    const absent = `redis://catalogue:${PASSWORD}@127.0.0.1:${await freePort()}`;
    expect(await refusalOf({ ...critical, REDIS_URL: absent })).toMatch(
      /^REDIS_URL: Redis cannot be used \(connect ECONNREFUSED .*\) and REDIS_CRITICAL is true\.$/,
    );
    const wrong = `redis://catalogue:${PASSWORD}-not@127.0.0.1:${redis.port}`;
    const line = await refusalOf({ ...critical, REDIS_URL: wrong });
    expect(line).toMatch(/^REDIS_URL: Redis cannot be used \(WRONGPASS .*\) and REDIS_CRITICAL is true\.$/);
    expect(line).not.toContain(PASSWORD);
  });

  test("or in one line for each bad setting", async () => {
    const { code, stdout, stderr } = await runToEnd({ PORT: "http", REDIS_CRITICAL: "true", LOG_LEVEL: "loud" });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.trimEnd().split("\n").sort()).toEqual([
      expect.stringMatching(/^LOG_LEVEL must be one of /),
      expect.stringMatching(/^PORT must be a whole number/),
      expect.stringMatching(/^REDIS_CRITICAL is true, so REDIS_URL must be set/),
    ]);
  });
});

/** Starts `npm start` as an operator's supervisor does. It ends with the test, children and all. */
async function startNpm(env: Record<string, string>) {
  const child = spawn("npm", ["start"], {
    detached: true,
    env: { ...inherited, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => {
    try {
      process.kill(-(child.pid as number), "SIGKILL");
    } catch {
      // the whole group has ended
    }
  });
  let stdout = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  const url = await eventually("the ready line", () => /ready.*?(http:\S+)/.exec(stdout)?.[1]);
  return { url: String(url), child };
}

async function startNode(env: Record<string, string>) {
  const { url, child } = await startProcess(env);
  return { url, child };
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

describe.each([
  ["the process", startNode],
  ["npm start", startNpm],
])("a signal to %s", (_, start) => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s finishes what is in flight, and ends all else", async (signal) => {
    const DATABASE_URL = databaseIn(temporaryDirectory());
    const { url, child } = await start({ DATABASE_URL, LOG_LEVEL: "silent" });

    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    await new Promise((resolve) => request(url, { agent }, (r) => r.resume().on("end", resolve)).end());
    const silent = await openConnection(url);
    const halfOfAHead = await openConnection(url);
    await halfOfAHead.send("POST /graphql HTTP/1.1\r\nHost: ");
    const inFlight = await openConnection(url);
    const bytes = postOf(JSON.stringify({ query: ADD_BOOK, variables: { input: { title: "Dune", author: "F. H." } } }));
    await inFlight.send(bytes.slice(0, -20));

    child.kill(signal);
    await eventually("it accepts nothing more", () =>
      openConnection(url).then(
        () => false,
        () => true,
      ),
    );
    await eventually("idle connections are closed", () => silent.ended && halfOfAHead.ended);
    expect([inFlight.ended, child.exitCode]).toEqual([undefined, null]);

    await inFlight.send(bytes.slice(-20));
    const response = await inFlight.response();
    expect(response.head).toMatch(/^connection: close$/im);
    expect(JSON.parse(response.body).data.addBook).toMatchObject({ __typename: "Book", title: "Dune" });
    expect(await exitOf(child)).toBe(0);

    expect(await (await startService({ DATABASE_URL })).titles()).toEqual(["Dune"]);
  });
});

test("warnings of Node and the drivers are lines of the log like all others", async () => {
  const warning = 'setTimeout(() => process.emitWarning("of a driver", "DriverWarning"), 100)';
  const service = await startProcess({
    DATABASE_URL: "sqlite::memory:",
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(warning)}`,
  });
  // once by this thread, and once by the one that writes
  const lines = await eventually("the warnings are logged", () => {
    const logged = service.log.trimEnd().split("\n");
    return logged.length > 1 && logged;
  });
  const line = expect.objectContaining({ level: 40, warning: "DriverWarning", msg: "of a driver" });
  expect((lines as string[]).map((one) => JSON.parse(one))).toEqual([line, line]);
});

test("it runs where its files are watched, as npm run dev does", async () => {
  const watching = ["sh", "-c", 'exec "$0" --watch "$1"'];
  const service = await startProcess({ DATABASE_URL: "sqlite::memory:" }, "src/main.ts", watching);
  await service.addBook("Dune");
  expect(await service.titles()).toEqual(["Dune"]);
  await service.stop();
});

test("a signal that comes several times is one", async () => {
  const service = await startProcess({ DATABASE_URL: "sqlite::memory:" });
  service.child.kill("SIGINT");
  service.child.kill("SIGTERM");
  expect(await service.stop("SIGINT")).toBe(0);
  expect(service.log).toBe("");
});

/** A Redis user with a password, beside the one without that the tests use. */
const withUser = ["--user", "catalogue", "on", `>${PASSWORD}`, "~*", "&*", "+@all"];

describe("the log of a service whose Redis comes and goes", () => {
  test("has one line for each change, and never the password", async () => {
    const redis = await startRedis(...withUser);
    const REDIS_URL = `redis://catalogue:${PASSWORD}@127.0.0.1:${redis.port}`;
    const service = await startProcess({ DATABASE_URL: "sqlite::memory:", REDIS_URL, LOG_LEVEL: "trace" });
    await service.addBook("Dune");
    await eventually("Redis serves", async () => (await service.book("Dune")).consistency.servedBy === "redis");
    const lines = () =>
      service.log
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).msg as string)
        // each request has one at this level
        .filter((line) => line !== "a request was answered");
    expect(lines().filter((line) => line === "Redis is up")).toHaveLength(1);
    const before = lines().length;

    await redis.kill();
    await eventually("Redis is missed", () => service.log.includes("Redis is down"));
    for (let read = 0; read < 200; read++) {
      expect((await service.book("Dune")).consistency.servedBy).toBe("database");
    }
    expect(lines().slice(before)).toEqual(["Redis is down"]);

    await redis.start();
    await eventually("Redis serves", async () => (await service.book("Dune")).consistency.servedBy === "redis");
    expect(lines().at(-1)).toContain("is in force");
    // one more "down" and "up" may come of looking for the old server run once more
    expect(lines().length - before).toBeLessThanOrEqual(6);
    expect(await service.stop()).toBe(0);
    expect(service.log + service.stdout).not.toContain(PASSWORD);
  });

  test("does not hold the password either when Redis refuses it or is not there", async () => {
    const redis = await startRedis(...withUser);
    for (const port of [redis.port, await freePort()]) {
      const REDIS_URL = `redis://catalogue:${PASSWORD}-not@127.0.0.1:${port}`;
      const service = await startProcess({ DATABASE_URL: "sqlite::memory:", REDIS_URL, LOG_LEVEL: "trace" });
      await service.addBook("Dune");
      expect(await service.titles()).toEqual(["Dune"]);
      expect(service.log.match(/Redis is down/g)).toHaveLength(1);
      expect(service.log + service.stdout).not.toContain(PASSWORD);
    }
  });
});
