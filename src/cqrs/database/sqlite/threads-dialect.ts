import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
} from "kysely";
import type { Sql } from "../engine.ts";
import { bindable } from "../sqlite-dialect.ts";
import { SHARED } from "./reading-thread.ts";
import { type ReadingThread, ReadingThreads, type Rows } from "./reading-threads.ts";

/** Kysely over threads that read the file. A transaction has a connection of its own, and with it a snapshot. */
export function readByThreads(file: string): Sql {
  const threads = new ReadingThreads(file);
  const dialect = new SqliteDialect({ database: () => Promise.reject(new Error("threads open it")) });
  dialect.createDriver = () => new ThreadsDriver(threads);
  dialect.createAdapter = () => new ThreadsAdapter();
  return new Kysely({ dialect });
}

/** Kysely takes SQLite for one connection, for which all wait in turn: also while a snapshot is read for long. */
class ThreadsAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class ThreadConnection implements DatabaseConnection {
  readonly #thread: ReadingThread;
  #connection = SHARED;

  constructor(thread: ReadingThread) {
    this.#thread = thread;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return { rows: namedRows(await this.#thread.run(this.#connection, sql, parameters.map(bindable))) as R[] };
  }

  // biome-ignore lint/correctness/useYield: an interface asks for a method that nothing here uses
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error("rows are read in chunks here, not streamed");
  }

  async begin(): Promise<void> {
    this.#connection = this.#thread.takeConnection();
    await this.#thread.run(this.#connection, "begin");
  }

  async end(): Promise<void> {
    this.#thread.giveBack(this.#connection);
    this.#connection = SHARED;
  }
}

/** Kysely's driver: each statement, or transaction, is run by the thread that has the least to do. */
class ThreadsDriver implements Driver {
  readonly #threads: ReadingThreads;

  constructor(threads: ReadingThreads) {
    this.#threads = threads;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<ThreadConnection> {
    return new ThreadConnection(this.#threads.next());
  }

  async beginTransaction(connection: ThreadConnection): Promise<void> {
    await connection.begin();
  }

  async commitTransaction(connection: ThreadConnection): Promise<void> {
    await connection.end();
  }

  async rollbackTransaction(connection: ThreadConnection): Promise<void> {
    await connection.end();
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#threads.close();
  }
}

function namedRows({ columns, rows }: Rows): Record<string, unknown>[] {
  return rows.map((values) => {
    const row: Record<string, unknown> = {};
    for (let i = 0; i < columns.length; i++) row[columns[i] as string] = values[i];
    return row;
  });
}
