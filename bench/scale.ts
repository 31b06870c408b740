import { readFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { parseArgs } from "node:util";
import { CompiledQuery } from "kysely";
import { soughtByTitle } from "../src/books/book-keys.ts";
import { bookStream } from "../src/books/book-stream.ts";
import { updateBook } from "../src/books/commands/book-commands.ts";
import { StreamWriter } from "../src/cqrs/commands/stream-writer.ts";
import { cleaningUp } from "../test/support/cleanup.ts";
import { openBooks } from "../test/support/database/books.ts";
import { type Engine, newDatabase } from "../test/support/database/database.ts";
import startPostgres from "../test/support/postgres/run-server.ts";
import { startCluster } from "../test/support/redis/cluster.ts";
import { type RedisServer, startRedis } from "../test/support/redis/server.ts";
import { titleCursor } from "../test/support/service/cursors.ts";
import { type ServiceProcess, startProcess } from "../test/support/service/service-process.ts";
import { eventually } from "../test/support/wait.ts";

/** Measures how the service grows with its catalogue and its processes, through the front door of real processes. */
const USAGE = `npm run scale -- [options]
  --books N,N,…      sizes of the catalogue, each at least 1000 (1000,100000)
  --engine NAME      sqlite or postgresql (sqlite)
  --redis NAME       server or cluster, which has three nodes (server)
  --processes N,N,…  numbers of processes that share the first of these catalogues (1,2)
  --changes N        how far the read model is behind that is then caught up (5000)`;

const { values } = parseArgs({
  options: {
    books: { type: "string", default: "1000,100000" },
    engine: { type: "string", default: "sqlite" },
    redis: { type: "string", default: "server" },
    processes: { type: "string", default: "1,2" },
    changes: { type: "string", default: "5000" },
    help: { type: "boolean", default: false },
  },
});
const engine = values.engine as Engine;
const sizes = values.books.split(",").map(Number);
const processes = values.processes.split(",").map(Number);
const changes = Number(values.changes);
const isRight =
  ["sqlite", "postgresql"].includes(engine) &&
  ["server", "cluster"].includes(values.redis) &&
  sizes.every((size) => Number.isInteger(size) && size >= 1000) &&
  processes.every((count) => Number.isInteger(count) && count >= 1) &&
  changes >= 1000;
if (values.help || !isRight) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

/** One statement for a million rows would take longer than the service lets one take. */
const FILLED_AT_ONCE = 100_000;

const FIELDS = "title author publishedDate isbn stockQuantity version";
const BOOK = `query ($title: String!) { book(title: $title) { ${FIELDS} } }`;
const PAGE = `query ($after: String) {
  booksConnection(first: 50, after: $after) { edges { node { title author } } pageInfo { hasNextPage } }
}`;
const UPDATE = `mutation ($title: String!, $stock: Int!) {
  updateBook(title: $title, input: { stockQuantity: $stock }) { __typename }
}`;

/** Connections that load comes over, and for how long. */
const LOAD = { connections: 32, ms: 3000 };
/** Commands of one transaction while the read model is put behind. */
const BATCH = 100;

type Figures = Readonly<Record<string, string>>;

/** Where a read model lives. */
interface Store {
  readonly url: string;
  readonly nodes: readonly RedisServer[];
}

const stopPostgres = engine === "postgresql" ? await startPostgres() : undefined;
const growth: [string, Figures][] = [];
for (const size of sizes) growth.push([`${size} books`, await cleaningUp(() => measure(size))]);
const sharing = await cleaningUp(() => share(sizes[0] as number));
await stopPostgres?.();
console.log(`${engine}, Redis ${values.redis}, Node ${process.version}. Times are medians over one connection.\n`);
console.log(markdownTable(growth));
console.log(`\n${sizes[0]} books, ${LOAD.connections} connections. The load takes its share of the same machine.\n`);
console.log(markdownTable(sharing));

/** One catalogue of `size` books. */
async function measure(size: number): Promise<Figures> {
  const say = (what: string) => progress(`${size} books: ${what}`);
  const { url } = await newDatabase(engine);
  say("filling the table");
  await fill(url, size);

  say("without Redis");
  const alone = await startProcess({ DATABASE_URL: url, LOG_LEVEL: "warn" });
  const after = titleCursor(titleOf(Math.floor(size * 0.9)));
  const fromDatabase = await times(1000, () => alone.ask(BOOK, { variables: { title: anyTitle(size) } }));
  const firstFromDatabase = await times(100, () => alone.ask(PAGE, { variables: { after: null } }));
  const deepFromDatabase = await times(100, () => alone.ask(PAGE, { variables: { after } }));
  const readsFromDatabase = await rate([alone], () => reading(size));
  const updateAlone = await times(300, () => alone.ask(UPDATE, { variables: updating(size).variables }));
  await alone.stop();

  say("rebuilding the read model");
  const store = await startStore();
  const empty = await memory(store);
  const env = { DATABASE_URL: url, REDIS_URL: store.url };
  const service = await startProcess(env);
  await servedByRedis(service);
  const used = (await memory(store)) - empty;

  say("reading and writing");
  const fromRedis = await times(2000, () => service.ask(BOOK, { variables: { title: anyTitle(size) } }));
  const firstPage = await times(300, () => service.ask(PAGE, { variables: { after: null } }));
  const deepPage = await times(300, () => service.ask(PAGE, { variables: { after } }));
  const update = await times(100, () => service.ask(UPDATE, { variables: updating(size).variables }));
  const readsFromRedis = await rate([service], () => reading(size));
  const rebuild = loggedAt(service, "in force") - loggedAt(service, "being rebuilt");
  const residentMb = await resident(service);
  await service.stop();

  say("starting again");
  const again = performance.now();
  const restarted = await startProcess({ ...env, LOG_LEVEL: "warn" });
  const startUp = performance.now() - again;
  await restarted.stop();

  say("catching up");
  const caughtUp = await catchUp(url, store, size);

  return {
    "`book` from Redis (ms)": fromRedis.toFixed(2),
    "`book` from the database (ms)": fromDatabase.toFixed(2),
    "first page from Redis (ms)": firstPage.toFixed(2),
    "first page from the database (ms)": firstFromDatabase.toFixed(2),
    "page at nine tenths from Redis (ms)": deepPage.toFixed(2),
    "page at nine tenths from the database (ms)": deepFromDatabase.toFixed(2),
    "`updateBook` with Redis (ms)": update.toFixed(2),
    "`updateBook` without (ms)": updateAlone.toFixed(2),
    "`book` from Redis (reads/s)": readsFromRedis.toFixed(0),
    "`book` from the database (reads/s)": readsFromDatabase.toFixed(0),
    "rebuild (s)": (rebuild / 1000).toFixed(2),
    "catch-up (changes/s)": caughtUp.toFixed(0),
    "start-up, read model in place (s)": (startUp / 1000).toFixed(2),
    "Redis (bytes a book)": (used / size).toFixed(0),
    "process (MB resident)": residentMb.toFixed(0),
  };
}

/** How many reads and writes several processes serve that share one database and one Redis. */
async function share(size: number): Promise<[string, Figures][]> {
  const { url } = await newDatabase(engine);
  await fill(url, size);
  const store = await startStore();
  const services: ServiceProcess[] = [];
  const rows: [string, Figures][] = [];
  for (const count of processes) {
    progress(`${count} processes`);
    const missing = Array.from({ length: count - services.length }, () =>
      startProcess({ DATABASE_URL: url, REDIS_URL: store.url, LOG_LEVEL: "warn" }),
    );
    services.push(...(await Promise.all(missing)));
    await Promise.all(services.map(servedByRedis));
    const reads = await rate(services, () => reading(size));
    const writes = await rate(services, () => updating(size));
    rows.push([
      count === 1 ? "1 process" : `${count} processes`,
      { "reads/s": reads.toFixed(0), "writes/s": writes.toFixed(0) },
    ]);
  }
  progress("");
  return rows;
}

/** How many changes a second a read model catches up with that is far behind. */
async function catchUp(url: string, store: Store, size: number): Promise<number> {
  const { orm, books } = await openBooks(url);
  const writer = new StreamWriter(orm, bookStream);
  for (let done = 0; done < changes; done += BATCH) {
    const update = () => ({ command: updateBook(soughtByTitle(anyTitle(size)), { stockQuantity: done }), atLeast: 0 });
    await writer.commit(Array.from({ length: BATCH }, update));
  }
  const { revision } = await books.row();
  await orm.close();
  const behind = await revisionIn(store);
  const service = startProcess({ DATABASE_URL: url, REDIS_URL: store.url, LOG_LEVEL: "warn" });
  const reached = async (least: number) => {
    let at = 0;
    while (at < least) at = await revisionIn(store);
    return { at, when: performance.now() };
  };
  const first = await reached(behind + 1);
  const last = await reached(revision);
  await (await service).stop();
  progress("");
  return ((last.at - first.at) * 1000) / (last.when - first.when);
}

async function startStore(): Promise<Store> {
  if (values.redis === "cluster") return startCluster();
  const server = await startRedis();
  return { url: server.url, nodes: [server] };
}

/** The revision that the only read model stands at. */
async function revisionIn({ nodes }: Store): Promise<number> {
  for (const { client } of nodes) {
    const [rows] = await client.keys("*:rows");
    if (rows) return Number.parseInt((await client.hget(rows, "")) ?? "0", 10);
  }
  return 0;
}

/** Fills the table; the catalogue's revision stays at 0, as if it had been made so. */
async function fill(url: string, size: number): Promise<void> {
  const { orm } = await openBooks(url);
  const digits = (expression: string, width: number) =>
    engine === "sqlite" ? `printf('%0${width}d', ${expression})` : `lpad((${expression})::text, ${width}, '0')`;
  for (let from = 0; from < size; from += FILLED_AT_ONCE) {
    const to = Math.min(size, from + FILLED_AT_ONCE) - 1;
    const numbers =
      engine === "sqlite"
        ? `with recursive numbers (n) as (select ${from} union all select n + 1 from numbers where n < ${to})`
        : `with numbers (n) as (select generate_series(${from}, ${to}))`;
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
  }
  await orm.close();
}

function titleOf(n: number): string {
  return `The Collected Works, Volume ${String(n).padStart(9, "0")}`;
}

/** One of the same thousand titles, spread over the catalogue. */
function anyTitle(size: number): string {
  return titleOf(Math.floor(Math.random() * 1000) * Math.floor(size / 1000));
}

interface Operation {
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

function reading(size: number): Operation {
  return { query: BOOK, variables: { title: anyTitle(size) } };
}

function updating(size: number): Operation {
  return { query: UPDATE, variables: { title: anyTitle(size), stock: Math.floor(Math.random() * 1000) } };
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

/** Operations per second of all services, each loaded over its share of the connections. */
async function rate(services: readonly ServiceProcess[], next: () => Operation): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const end = performance.now() + LOAD.ms;
  let answered = 0;
  const client = async (_: unknown, index: number) => {
    const { url } = services[index % services.length] as ServiceProcess;
    while (performance.now() < end) {
      await post(url, agent, JSON.stringify(next()));
      answered++;
    }
  };
  await Promise.all(Array.from({ length: LOAD.connections }).map(client));
  agent.destroy();
  return (answered * 1000) / LOAD.ms;
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

async function servedByRedis(service: ServiceProcess): Promise<void> {
  const served = async () => (await service.book("none")).consistency.servedBy === "redis";
  await eventually("reads come from Redis", served, 600_000);
}

/** When the service logged this, in milliseconds. */
function loggedAt({ log }: ServiceProcess, text: string): number {
  const line = log.split("\n").find((entry) => entry.includes(text));
  return JSON.parse(line ?? "{}").time;
}

/** What Redis uses, in bytes. */
async function memory({ nodes }: Store): Promise<number> {
  const used = await Promise.all(
    nodes.map(async ({ client }) => Number(/^used_memory:(\d+)/m.exec(await client.info("memory"))?.[1])),
  );
  return used.reduce((sum, bytes) => sum + bytes, 0);
}

/** The process's resident memory in megabytes. */
async function resident({ child }: ServiceProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}

/** A column for each measurement, a row for each figure. */
function markdownTable(columns: readonly (readonly [string, Figures])[]): string {
  const figures = Object.keys(columns[0]?.[1] ?? {});
  const line = (cells: readonly (string | undefined)[]) => `| ${cells.join(" | ")} |`;
  return [
    line(["", ...columns.map(([name]) => name)]),
    line(["---", ...columns.map(() => "---:")]),
    ...figures.map((figure) => line([figure, ...columns.map(([, values]) => values[figure])])),
  ].join("\n");
}
