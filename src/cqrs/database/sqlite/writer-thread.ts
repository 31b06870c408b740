import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type Database from "better-sqlite3";
import { adopting } from "../../adoption.ts";
import type { Derived } from "../../derived.ts";
import { Starts } from "../../starts.ts";
import { type AnyDecisions, BatchFailure, type Committed, type StreamTable } from "../stream-table.ts";
import { timeText } from "../value-kind.ts";
import { BatchConnection, type SqliteStream } from "./batch-connection.ts";
import { BUSY_TIMEOUT_MS, Busy, openSqlite, pauseMs } from "./connection.ts";
import type { BatchMessage, FromWriter, StreamMessage, ToWriter, WriterData } from "./writer-messages.ts";

/*
 * The thread that commits commands. It owns the connection that does, and waits for locks and for the disk, so that the
 * thread which serves requests does not. It imports no more than it needs: every process has it beside all else.
 */

const port = parentPort as MessagePort;
const { file } = workerData as WriterData;
const connections = new Map<string, BatchConnection>();
let database: Database.Database | undefined;
/** Nobody ever wakes it. */
const forSleeping = new Int32Array(new SharedArrayBuffer(4));
/** Batches are committed in the order in which they came, though the first of a stream waits for a module. */
let last: Promise<unknown> = Promise.resolve();

// they belong into the log, which this thread does not have
process.removeAllListeners("warning");
process.on("warning", ({ name, message }) => send({ warning: { name, message } }));

port.on("message", (message: ToWriter) => {
  last = last.then(() => (message ? answer(message) : end()));
});

function send(message: FromWriter): void {
  port.postMessage(message);
}

async function answer(message: StreamMessage | BatchMessage): Promise<void> {
  // what cannot be sent after a commit ends the thread: its outcome is then unknown, and not a failure
  send(await answerTo(message));
}

async function answerTo(message: StreamMessage | BatchMessage): Promise<FromWriter> {
  const { id } = message;
  try {
    return { id, committed: "table" in message ? await prepare(message) : commit(message) };
  } catch (error) {
    const { cause = error, committing = false } = error as Partial<BatchFailure>;
    const { message: text, code } = cause as { message: string; code?: string };
    return { id, failure: { message: text, code, committing } };
  }
}

async function prepare({ table }: StreamMessage): Promise<undefined> {
  const { decisions } = (await import(table.decisions)) as { decisions: AnyDecisions };
  const { derived } = table.derived ? ((await import(table.derived.module)) as { derived: Derived<never> }) : {};
  database ??= openSqlite(file, "commit");
  const stream = { table, decisions: adopting(decisions), derived, mapper: mapperOf(table) };
  connections.set(table.stream, new BatchConnection(database, stream));
}

function commit({ stream, asked, cells }: BatchMessage): Committed {
  const connection = connections.get(stream);
  if (!connection) throw new Error(`the thread could not be prepared for ${stream}`);
  const began = performance.now();
  while (!connection.begin()) {
    if (performance.now() - began > BUSY_TIMEOUT_MS) throw new BatchFailure(new Busy(), false);
    Atomics.wait(forSleeping, 0, 0, pauseMs());
  }
  return connection.commit({ asked, starts: new Starts(cells) });
}

/** As `InstanceMapper` would map them, of kinds for which that takes no MikroORM. */
function mapperOf({ kinds = {} }: StreamTable): SqliteStream["mapper"] {
  const others = Object.entries(kinds).filter(([, kind]) => kind !== "plain");
  return {
    instance: (row) => {
      const instance = row as Record<string, unknown>;
      for (const [property, kind] of others) {
        const raw = instance[property];
        if (raw !== null) instance[property] = kind === "boolean" ? Boolean(raw) : timeText(raw);
      }
      return instance;
    },
    toRow: (property, value) => (value !== null && kinds[property] === "time" ? Date.parse(String(value)) : value),
  };
}

function end(): void {
  database?.close();
  port.close();
}
