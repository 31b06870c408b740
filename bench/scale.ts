import { readFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { parseArgs } from "node:util";
import { CompiledQuery } from "kysely";
import { openDatabase } from "../src/app.ts";
import { cleaningUp } from "../test/support/cleanup.ts";
import type { GraphqlClient } from "../test/support/client.ts";
import { type Engine, newDatabase } from "../test/support/database.ts";
import startPostgres from "../test/support/postgres-setup.ts";
import { type RedisServer, startRedis } from "../test/support/redis.ts";
import { type ServiceProcess, startProcess } from "../test/support/service.ts";
import { eventually } from "../test/support/wait.ts";

/**
 * Measures how the service grows with its catalogue, through the front door of a real process:
 *
 *     npm run scale -- --books 1000,100000,1000000 --engine sqlite
 */
const { values } = parseArgs({
  options: { books: { type: "string", default: "1000,100000" }, engine: { type: "string", default: "sqlite" } },
});
const sizes = values.books.split(",").map(Number);
const engine = values.engine as Engine;
if (sizes.some((size) => !Number.isInteger(size) || size < 1000) || !["sqlite", "postgresql"].includes(engine)) {
  console.error("usage: npm run scale -- [--books N,N,…] (each at least 1000) [--engine sqlite|postgresql]");
  process.exit(1);
}

const BOOK =
  "query ($title: String!) { book(title: $title) { title author publishedDate isbn stockQuantity version } }";
const PAGE =
  "query ($after: String) { booksConnection(first: 50, after: $after) { edges { node { title author } } pageInfo { hasNextPage } } }";
const UPDATE =
  "mutation ($title: String!, $stock: Int!) { updateBook(title: $title, input: { stockQuantity: $stock }) { __typename } }";

const stopPostgres = engine === "postgresql" ? await startPostgres() : undefined;
const rows: Record<string, string>[] = [];
for (const size of sizes) rows.push(await cleaningUp(() => measure(size)));
await stopPostgres?.();
console.log(`engine: ${engine}; medians over one connection, of calls through HTTP`);
console.table(Object.fromEntries(rows.map(({ books, ...figures }) => [`${books} books`, figures])));

/** One catalogue of `size` books. */
async function measure(size: number): Promise<Record<string, string>> {
  const say = (what: string) => process.stderr.write(`\r\x1b[K${size} books: ${what}`);
  const { url } = await newDatabase(engine);
  say("filling the table");
  await fill(url, size);

  say("without Redis");
  const alone = await startProcess({ DATABASE_URL: url, LOG_LEVEL: "warn" });
  const fromDatabase = await times(1000, () => alone.ask(BOOK, { variables: { title: anyTitle(size) } }));
  const readsFromDatabase = await rate(alone, size);
  await alone.stop();

  say("rebuilding the read model");
  const redis = await startRedis();
  const empty = await memory(redis);
  const service = await startProcess({ DATABASE_URL: url, REDIS_URL: redis.url });
  await servedByRedis(service);
  const used = (await memory(redis)) - empty;

  say("reading and writing");
  const fromRedis = await times(2000, () => service.ask(BOOK, { variables: { title: anyTitle(size) } }));
  const readsFromRedis = await rate(service, size);
  const firstPage = await times(300, () => service.ask(PAGE, { variables: { after: null } }));
  const after = Buffer.from(titleOf(Math.floor(size * 0.9))).toString("base64url");
  const deepPage = await times(300, () => service.ask(PAGE, { variables: { after } }));
  let stock = 0;
  const update = await times(300, () => service.ask(UPDATE, { variables: { title: anyTitle(size), stock: stock++ } }));
  const rebuild = loggedAt(service, "in force") - loggedAt(service, "being rebuilt");
  const residentMb = await resident(service);
  await service.stop();

  say("starting again");
  const again = performance.now();
  const restarted = await startProcess({ DATABASE_URL: url, REDIS_URL: redis.url, LOG_LEVEL: "warn" });
  const startUp = performance.now() - again;
  await restarted.stop();
  process.stderr.write("\r\x1b[K");

  return {
    books: `${size}`,
    "book, Redis (ms)": fromRedis.toFixed(2),
    "book, database (ms)": fromDatabase.toFixed(2),
    "Redis (reads/s)": readsFromRedis.toFixed(0),
    "database (reads/s)": readsFromDatabase.toFixed(0),
    "first page (ms)": firstPage.toFixed(2),
    "deep page (ms)": deepPage.toFixed(2),
    "update (ms)": update.toFixed(2),
    "rebuild (s)": (rebuild / 1000).toFixed(2),
    "start-up (s)": (startUp / 1000).toFixed(2),
    "Redis (bytes a book)": (used / size).toFixed(0),
    "process (MB)": residentMb.toFixed(0),
  };
}

/** Fills the table in one statement; the catalogue's revision stays at 0, as if it had been made so. */
async function fill(url: string, size: number): Promise<void> {
  const { orm } = await openDatabase(url);
  const numbers =
    engine === "sqlite"
      ? `with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n + 1 < ${size})`
      : `with numbers (n) as (select generate_series(0, ${size - 1}))`;
  const digits = (expression: string, width: number) =>
    engine === "sqlite" ? `printf('%0${width}d', ${expression})` : `lpad((${expression})::text, ${width}, '0')`;
  await orm.transaction((tx) =>
    tx.sql((sql) =>
      sql.executeQuery(
        CompiledQuery.raw(`${numbers}
          insert into book (title, author, published_date, isbn, stock_quantity, version)
          select 'The Collected Works, Volume ' || ${digits("n", 9)}, 'An Author of Some Renown ' || (n % 5000),
            '2024-01-01', ${digits("n", 13)}, n % 100, 1 from numbers`),
      ),
    ),
  );
  await orm.close();
}

function titleOf(n: number): string {
  return `The Collected Works, Volume ${String(n).padStart(9, "0")}`;
}

/** One of the same thousand titles, spread over the catalogue. */
function anyTitle(size: number): string {
  return titleOf(Math.floor(Math.random() * 1000) * Math.floor(size / 1000));
}

/** The median time of one call in milliseconds, after a tenth as many calls that do not count. */
async function times(count: number, call: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < count / 10; i++) await call();
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await call();
    taken.push(performance.now() - began);
  }
  taken.sort((a, b) => a - b);
  return taken[Math.floor(count / 2)] as number;
}

/** Point reads per second over 32 connections, for three seconds. The load takes its share of the same machine. */
async function rate(service: GraphqlClient, size: number): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const end = performance.now() + 3000;
  let reads = 0;
  const client = async () => {
    while (performance.now() < end) {
      await post(service.url, agent, JSON.stringify({ query: BOOK, variables: { title: anyTitle(size) } }));
      reads++;
    }
  };
  await Promise.all(Array.from({ length: 32 }, client));
  agent.destroy();
  return reads / 3;
}

/** One request with as little work on this side as can be. */
function post(url: string, agent: Agent, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    request(url, { method: "POST", agent, headers }, (response) => {
      response.resume().on("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`status ${response.statusCode}`));
      });
    })
      .on("error", reject)
      .end(body);
  });
}

async function servedByRedis(service: GraphqlClient): Promise<void> {
  const served = async () => (await service.book("none")).consistency.servedBy === "redis";
  await eventually("reads come from Redis", served, 600_000);
}

/** When the service logged this, in milliseconds. */
function loggedAt({ log }: ServiceProcess, text: string): number {
  const line = log.split("\n").find((entry) => entry.includes(text));
  return JSON.parse(line ?? "{}").time;
}

async function memory({ client }: RedisServer): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await client.info("memory"))?.[1]);
}

/** The process's resident memory in megabytes. */
async function resident({ child }: ServiceProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}
