import { readFileSync } from "node:fs";
import { get } from "node:http";
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { WebSocket } from "ws";
import { cleaningUp } from "../test/support/cleanup.ts";
import { sqliteAt } from "../test/support/database/sqlite.ts";
import { type ServiceProcess, startProcess } from "../test/support/service/service-process.ts";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { eventually } from "../test/support/wait.ts";

/**
 * What subscribers cost a process, on SQLite and without Redis:
 *
 *     npx node bench/live.ts
 *
 * The clients are in this process, and share the machine with it.
 */
const QUERY =
  "subscription ($since: Revision) { bookChanges(since: $since) { revision kind at before { title } after { title author stockQuantity } } }";
const IDLE = 5000;
const AUDIENCE = 500;
const PER_SECOND = 100;
const SECONDS = 5;
const BEHIND = 100_000;
const READS = 2000;
/** The unit of the times in /proc, in milliseconds. */
const TICK_MS = 10;

/** A subscriber who counts changes, and notes when the last one came. */
interface Listener {
  /** Whether it has begun. */
  isOpen: boolean;
  count: number;
  lastAt: number;
  end(): void;
}

type Transport = (url: string, since: number | undefined) => Listener;

const overSocket: Transport = (url, since) => {
  const socket = new WebSocket(url.replace("http", "ws"), "graphql-transport-ws");
  const listener = { isOpen: false, count: 0, lastAt: 0, end: () => socket.terminate() };
  socket.on("open", () => socket.send('{"type":"connection_init"}'));
  socket.on("error", () => {});
  socket.on("message", (data: Buffer) => {
    if (data.includes('"connection_ack"')) {
      socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query: QUERY, variables: { since } } }));
    } else if (data.includes('"CHECKPOINT"')) listener.isOpen = true;
    else note(listener, 1);
  });
  return listener;
};

const overStream: Transport = (url, since) => {
  const search = new URLSearchParams({ query: QUERY, variables: JSON.stringify({ since }) });
  const request = get(`${url}?${search}`, { headers: { accept: "text/event-stream" }, agent: false }, (response) => {
    listener.isOpen = true;
    response.on("data", (data: Buffer) => note(listener, data.toString().split('"kind":"ADDED"').length - 1));
  });
  request.on("error", () => {});
  const listener = { isOpen: false, count: 0, lastAt: 0, end: () => void request.destroy() };
  return listener;
};

function note(listener: Listener, changes: number): void {
  if (changes === 0) return;
  listener.count += changes;
  listener.lastAt = performance.now();
}

const cpuOf = ({ child }: ServiceProcess): number => {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};
const memoryOf = ({ child }: ServiceProcess): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) * 1024;

let added = 0;
const add = (service: ServiceProcess) => service.addBook(`Book ${++added}`, { stockQuantity: 1 });

const quantile = (values: readonly number[], q: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? Number.NaN;
const ms = (value: number) => `${value.toFixed(1)} ms`;

async function subscribe(service: ServiceProcess, transport: Transport, count: number): Promise<Listener[]> {
  const listeners: Listener[] = [];
  while (listeners.length < count) {
    for (let i = 0; i < 100 && listeners.length < count; i++) listeners.push(transport(service.url, undefined));
    await sleep(50);
  }
  await eventually("all have begun", () => listeners.every(({ isOpen }) => isOpen), 120_000);
  await add(service);
  await eventually("all are told", () => listeners.every((one) => one.count > 0), 60_000);
  return listeners;
}

async function idle(service: ServiceProcess, name: string, transport: Transport): Promise<Listener[]> {
  const before = memoryOf(service);
  const listeners = await subscribe(service, transport, IDLE);
  const each = (memoryOf(service) - before) / IDLE;
  const cpu = cpuOf(service);
  const delays: number[][] = [];
  const changes = 20;
  for (let i = 0; i < changes; i++) {
    const asked = performance.now();
    await add(service);
    await eventually("all are told", () => listeners.every(({ count }) => count === i + 2), 60_000);
    delays.push(listeners.map(({ lastAt }) => lastAt - asked));
    await sleep(100);
  }
  const all = delays.flat();
  const spent = (cpuOf(service) - cpu) / changes;
  console.log(
    `${IDLE} idle by ${name}: ${(each / 1000).toFixed(1)} kB each; a change, from the request on: half are told after ${ms(quantile(all, 0.5))}, ` +
      `the last after ${ms(
        quantile(
          delays.map((one) => Math.max(...one)),
          0.5,
        ),
      )}; ${ms(spent)} of CPU`,
  );
  return listeners;
}

async function busy(
  service: ServiceProcess,
  name: string,
  transport: Transport,
  during?: () => Promise<void>,
): Promise<void> {
  const listeners = await subscribe(service, transport, AUDIENCE);
  const cpu = cpuOf(service);
  const began = performance.now();
  let writes = 0;
  const writing: Promise<unknown>[] = [];
  const reading = during?.();
  while (performance.now() - began < SECONDS * 1000) {
    writing.push(add(service));
    await sleep(Math.max(0, began + (++writes * 1000) / PER_SECOND - performance.now()));
  }
  await Promise.all(writing);
  const written = performance.now();
  await eventually("all are told", () => listeners.every(({ count }) => count === writes + 1), 60_000);
  const late = Math.max(...listeners.map(({ lastAt }) => lastAt)) - written;
  const share = (cpuOf(service) - cpu) / (performance.now() - began);
  console.log(
    `${PER_SECOND} changes a second to ${AUDIENCE} by ${name}: ${Math.round(writes / ((written - began) / 1000))} were made a second, ` +
      `the last was told to all ${ms(Math.max(0, late))} after the last answer; ${(100 * share).toFixed(0)} % of a core`,
  );
  await reading;
  for (const { end } of listeners) end();
}

async function pointReads(service: ServiceProcess, what: string): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < READS; i++) {
    const began = performance.now();
    await service.book("Book 1");
    times.push(performance.now() - began);
  }
  console.log(
    `a point read ${what}: ${ms(quantile(times, 0.5))}, of a hundred the slowest ${ms(quantile(times, 0.99))}`,
  );
}

/** Has the log hold so many changes more, as if they had been made. */
function fillLog(path: string, count: number): void {
  const database = new Database(path);
  const book = (i: number) =>
    JSON.stringify({
      ...{ id: i, title: `Logged ${i}`, author: "Author Name", publishedDate: null, isbn: null, language: null },
      ...{ description: null, coverUrl: null, stockQuantity: 1, version: i },
      ...{ addedAt: "2026-01-01T00:00:00.000Z", updatedAt: "2026-01-01T00:00:00.000Z" },
    });
  const insert = database.prepare(
    "insert into book_change (revision, token, previous_token, at, kind, entity_id, after) values (?, ?, ?, '2026-01-01T00:00:00.000Z', 'add', ?, ?)",
  );
  database.transaction(() => {
    for (let i = 1; i <= count; i++) insert.run(i, `t${i}`, `t${i - 1}`, i, book(i));
    database
      .prepare("update stream set revision = ?, token = ?, previous_token = ?")
      .run(count, `t${count}`, `t${count - 1}`);
  })();
  database.close();
}

async function resume(env: Record<string, string>, path: string): Promise<void> {
  const first = await startProcess(env);
  await first.stop();
  fillLog(path, BEHIND);
  for (const [name, transport] of Object.entries({ WebSocket: overSocket, "event stream": overStream })) {
    const service = await startProcess(env);
    const [cpu, memory] = [cpuOf(service), memoryOf(service)];
    const began = performance.now();
    const listener = transport(service.url, 0);
    await eventually("all are told", () => listener.count >= BEHIND, 120_000);
    console.log(
      `${BEHIND} changes behind by ${name}: told after ${((listener.lastAt - began) / 1000).toFixed(1)} s, ${ms(cpuOf(service) - cpu)} of CPU, ` +
        `${((memoryOf(service) - memory) / 1e6).toFixed(0)} MB more`,
    );
    listener.end();
    await service.stop();
  }
}

await cleaningUp(async () => {
  console.log(
    `load of the machine before: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(", ")}`,
  );
  const start = async () => {
    const { url } = sqliteAt(`${temporaryDirectory()}/books.db`);
    return startProcess({ DATABASE_URL: url, MAX_SUBSCRIPTIONS: "1000000", MAX_CONNECTIONS: "20000" });
  };
  for (const [name, transport] of Object.entries({ WebSocket: overSocket, "event stream": overStream })) {
    const service = await start();
    added = 0;
    await add(service);
    if (transport === overSocket) await pointReads(service, "without subscribers");
    const listeners = await idle(service, name, transport);
    await pointReads(service, `beside ${IDLE} idle by ${name}`);
    for (const { end } of listeners) end();
    await service.stop();
    const other = await start();
    added = 0;
    await add(other);
    await busy(other, name, transport, () =>
      pointReads(other, `beside ${AUDIENCE} by ${name} who are told ${PER_SECOND} changes a second`),
    );
    await other.stop();
  }
  const path = `${temporaryDirectory()}/behind.db`;
  await resume({ DATABASE_URL: `sqlite:${path}`, MAX_SUBSCRIPTIONS: "1000000" }, path);
});
