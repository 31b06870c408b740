import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Options } from "@mikro-orm/core";
import { SqliteDriver as MikroSqliteDriver } from "@mikro-orm/sqlite";
import Database from "better-sqlite3";
import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type TransactionSettings,
} from "kysely";

/** How long a command waits for another process's transaction on the same file. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * Begins with `BEGIN IMMEDIATE`, so that a command never finds half way through that it may not write. While another
 * process writes it waits without blocking the event loop, which SQLite's own busy handler would do: reads go on.
 */
class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection, settings?: TransactionSettings): Promise<void> {
    const begin = CompiledQuery.raw(settings?.accessMode === "read only" ? "begin" : "begin immediate");
    for (const deadline = performance.now() + BUSY_TIMEOUT_MS; ; ) {
      try {
        await connection.executeQuery(begin);
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw error;
        await sleep(1 + Math.random() * 5);
      }
    }
  }
}

class ImmediateDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;

  constructor(config: SqliteDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver(this.#config);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");
}

function open(path: string, access: "write" | "read"): Database.Database {
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  database.pragma("journal_mode = wal");
  database.pragma("synchronous = full");
  database.pragma("foreign_keys = on");
  if (access === "read") database.pragma("query_only = on");
  // from here on ImmediateDriver waits; a blocking wait would stop every request of the process
  else database.pragma("busy_timeout = 0");
  return database;
}

/**
 * What MikroORM needs to run on the SQLite file at `path`, and what the project needs beside it. Commands have one
 * connection, reads another, so that a read neither waits for an open transaction nor sees into it.
 *
 * `:memory:` is a temporary file: a database in memory belongs to one connection and could not be read beside a write.
 */
export function sqliteDatabase(path: string) {
  const temporary = path === ":memory:" ? mkdtempSync(join(tmpdir(), "books-")) : undefined;
  const file = temporary ? join(temporary, "books.db") : path;
  mkdirSync(dirname(file), { recursive: true });

  const dialect = (access: "write" | "read") => () => new ImmediateDialect({ database: async () => open(file, access) });
  return {
    options: {
      driver: MikroSqliteDriver,
      dbName: file,
      driverOptions: dialect("write"),
      replicas: [{ name: "reads", driverOptions: dialect("read") }],
    } as unknown as Options,

    /** A connection of its own, for one long read transaction that blocks nobody. */
    openSnapshot: () => new Kysely<never>({ dialect: dialect("read")() }),

    /** The column that a unique violation is about, from the driver's message. */
    violatedColumn: (message: string) => /UNIQUE constraint failed: \w+\.(\w+)/.exec(message)?.[1],

    /** Whether an error says that the database cannot work now, not that the statement is wrong. */
    isUnavailable: (code: string) =>
      /^SQLITE_(BUSY|LOCKED|IOERR|FULL|READONLY|CANTOPEN|CORRUPT|NOTADB|PROTOCOL|NOMEM|PERM|AUTH)/.test(code),

    dispose: () => {
      if (temporary) rmSync(temporary, { recursive: true, force: true });
    },
  };
}

/** What differs from one database engine to another; all of it stands in one file each. */
export type DatabaseEngine = ReturnType<typeof sqliteDatabase>;
