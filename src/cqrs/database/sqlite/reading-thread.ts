import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { basename } from "node:path";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type Database from "better-sqlite3";
import { openSqlite } from "./connection.ts";

/** What a thread is asked: to run a statement over one of its connections, or to close that. The first use opens it. */
export type Asked = { readonly connection: number } & (
  | { readonly id: number; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly close: true }
);

/** What it says unasked. */
export interface Warned {
  readonly warning: { readonly name: string; readonly message: string };
}

/** What it answers. Rows without the names of their columns take a quarter of the time to be handed over. */
export type Answered = { readonly id: number } & (
  | { readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] }
  | { readonly failure: { readonly message: string; readonly code: string | undefined } }
);

/** The one over which statements run that need no transaction; it is never closed. */
export const SHARED = 0;

/** Statements that are kept prepared for each connection; a few are used over and over. */
const PREPARED_STATEMENTS = 200;

/**
 * So much of the file is read as memory, without a system call and a copy for each page: rows that lie all over it take two
 * thirds of the time. It is as much as SQLite allows; what is behind is read like any file.
 */
const MAPPED_BYTES = 2 ** 31 - 2 ** 16;

/** How nice it is: where there are fewer cores than threads, what takes a moment goes before what takes long. */
const NICENESS = 2;

/** A thread that reads the file at `workerData`, one statement after the other. `ReadingThreads` starts it. */
if (parentPort) {
  giveWay();
  serve(parentPort, workerData as string);
}

/** Where the system lets a thread of a process have a priority of its own, as Linux does. */
function giveWay(): void {
  try {
    setPriority(Number(basename(readlinkSync("/proc/thread-self"))), NICENESS);
  } catch {
    // elsewhere, or where that is forbidden, all threads are alike
  }
}

function serve(port: MessagePort, file: string): void {
  // they belong into the log, which this thread does not have
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message }) => port.postMessage({ warning: { name, message } } satisfies Warned));
  const connections = new Map<number, { readonly database: Database.Database; readonly prepared: Prepared }>();
  port.on("message", (asked: Asked) => {
    let connection = connections.get(asked.connection);
    if ("close" in asked) {
      connections.delete(asked.connection);
      connection?.database.close();
      return;
    }
    const { id, sql, parameters } = asked;
    try {
      if (!connection) {
        connection = { database: openSqlite(file, "read"), prepared: new Map() };
        // kibibytes: rows that an index leads to lie all over the file
        connection.database.pragma("cache_size = -16000");
        connection.database.pragma(`mmap_size = ${MAPPED_BYTES}`);
        connections.set(asked.connection, connection);
      }
      const { database, prepared } = connection;
      if (prepared.size === PREPARED_STATEMENTS) prepared.clear();
      const known = prepared.get(sql) ?? prepare(database, sql);
      prepared.set(sql, known);
      const { statement, columns } = known;
      if (statement.reader) port.postMessage({ id, columns, rows: statement.all(parameters) } as Answered);
      else {
        statement.run(parameters);
        port.postMessage({ id, columns, rows: [] } satisfies Answered);
      }
    } catch (error) {
      const { message, code } = error as Error & { readonly code?: string };
      port.postMessage({ id, failure: { message, code } } satisfies Answered);
    }
  });
}

type Prepared = Map<string, ReturnType<typeof prepare>>;

function prepare(database: Database.Database, sql: string) {
  const statement = database.prepare(sql);
  if (!statement.reader) return { statement, columns: [] };
  return { statement: statement.raw(), columns: statement.columns().map(({ name }) => name) };
}
