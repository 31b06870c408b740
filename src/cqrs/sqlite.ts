import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Options } from "@mikro-orm/core";
import { SqliteDriver as MikroSqliteDriver } from "@mikro-orm/sqlite";
import Database from "better-sqlite3";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteDialect,
  type TransactionSettings,
} from "kysely";
import type { DatabaseEngine, Sql } from "./database-engine.ts";

/** How long a command waits for another process's transaction on the same file. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * What a commit fails with that has surely changed nothing. A frame of the write-ahead log that does not fit on the disk
 * is not whole, so neither readers nor a recovery take it or what follows for written; nothing is written after the last
 * one, which makes it a commit. (An error of input or output may come after that, when the log is being synchronised.)
 */
const ROLLED_BACK = /^SQLITE_(FULL|BUSY)/;

/** Statements that are kept prepared; a connection uses a few dozen over and over. */
const PREPARED_STATEMENTS = 200;

/** One better-sqlite3 connection as Kysely takes it. Statements run at once and block nobody but this process. */
class SqliteConnection implements DatabaseConnection {
  readonly #database: Database.Database;
  readonly #prepared = new Map<string, Database.Statement>();
  #notBegun: unknown;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#notBegun) throw this.#notBegun;
    const statement = this.#prepare(sql);
    const values = parameters.map(bindable);
    if (statement.reader) return { rows: statement.all(values) as R[] };
    const { changes, lastInsertRowid } = statement.run(values);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  // biome-ignore lint/correctness/useYield: an interface asks for a method that nothing here uses
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error("rows are read in chunks here, not streamed");
  }

  /**
   * Begins with `BEGIN IMMEDIATE`, so that a command never finds half way through that it may not write. While another
   * process writes it waits without blocking the event loop, which SQLite's own busy handler would do: reads go on.
   *
   * When it cannot begin, the first statement of the transaction throws the reason. Kysely would never release a
   * connection whose `BEGIN` threw.
   */
  async begin(readOnly: boolean): Promise<void> {
    const began = performance.now();
    for (;;) {
      try {
        this.#database.exec(readOnly ? "begin" : "begin immediate");
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() - began > BUSY_TIMEOUT_MS) {
          this.#notBegun = error;
          return;
        }
        await sleep(1 + Math.random() * 5);
      }
    }
  }

  async commit(): Promise<void> {
    if (this.#notBegun) throw this.#notBegun;
    this.#database.exec("commit");
  }

  /** SQLite rolls some failures back by itself; there is then nothing left to do. */
  async rollback(): Promise<void> {
    this.#notBegun = undefined;
    if (this.#database.inTransaction) this.#database.exec("rollback");
  }

  close(): void {
    this.#database.close();
  }

  #prepare(sql: string): Database.Statement {
    let statement = this.#prepared.get(sql);
    if (!statement) {
      if (this.#prepared.size === PREPARED_STATEMENTS) this.#prepared.clear();
      statement = this.#database.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}

/** Kysely's driver over one {@link SqliteConnection}, opened at its first use. */
class SqliteDriver implements Driver {
  readonly #open: () => Database.Database;
  #connection: SqliteConnection | undefined;

  constructor(open: () => Database.Database) {
    this.#open = open;
  }

  async init(): Promise<void> {
    this.#connection = new SqliteConnection(this.#open());
  }

  async acquireConnection(): Promise<SqliteConnection> {
    if (!this.#connection) throw new Error("the connection is not open");
    return this.#connection;
  }

  async beginTransaction(connection: SqliteConnection, settings: TransactionSettings): Promise<void> {
    await connection.begin(settings.accessMode === "read only");
  }

  async commitTransaction(connection: SqliteConnection): Promise<void> {
    await connection.commit();
  }

  async rollbackTransaction(connection: SqliteConnection): Promise<void> {
    await connection.rollback();
  }

  async savepoint(connection: SqliteConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`savepoint ${name}`));
  }

  async rollbackToSavepoint(connection: SqliteConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`rollback to ${name}`));
  }

  async releaseSavepoint(connection: SqliteConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`release ${name}`));
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#connection?.close();
  }
}

/** Kysely's SQLite dialect with the driver above. */
class Dialect extends SqliteDialect {
  readonly #open: () => Database.Database;

  constructor(open: () => Database.Database) {
    super({ database: async () => open() });
    this.#open = open;
  }

  override createDriver(): Driver {
    return new SqliteDriver(this.#open);
  }
}

/** Step by step: Node's own recursion does not end where the file system refuses without saying why, as /proc does. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path);
}

/** SQLite has neither booleans nor times: both are stored as numbers, which is how MikroORM reads them. */
function bindable(value: unknown): unknown {
  return typeof value === "boolean" || value instanceof Date ? Number(value) : value;
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
  // from here on `begin` waits; a blocking wait would stop every request of the process
  else database.pragma("busy_timeout = 0");
  return database;
}

/**
 * The SQLite file at `path`. Commands have one connection, reads another, so that a read neither waits for an open
 * transaction nor sees into it.
 *
 * `:memory:` is a temporary file: a database in memory belongs to one connection and could not be read beside a write.
 */
export function sqliteDatabase(path: string): DatabaseEngine {
  const temporary = path === ":memory:" ? mkdtempSync(join(tmpdir(), "books-")) : undefined;
  const file = temporary ? join(temporary, "books.db") : path;
  makeDirectory(dirname(file));

  const dialect = (access: "write" | "read") => () => new Dialect(() => open(file, access));
  return {
    options: {
      driver: MikroSqliteDriver,
      dbName: file,
      driverOptions: dialect("write"),
      replicas: [{ name: "reads", driverOptions: dialect("read") }],
    } as unknown as Options,
    ddl: { identity: "integer primary key autoincrement", text: "text", youngestIndexFirst: true },
    migrationTable: {
      find: "select 1 from sqlite_schema where name = 'mikro_orm_migrations'",
      create: `create table mikro_orm_migrations (
        id integer not null primary key autoincrement,
        name text null,
        executed_at datetime not null default current_timestamp
      )`,
    },
    // reads run one at a time and at once, so none keeps the connection busy
    lookUp: (reads, work) => work(reads),
    // a connection of its own: the shared one must never hold an old state
    snapshot: async (work) => {
      const connection: Sql = new Kysely({ dialect: dialect("read")() });
      try {
        return await connection.transaction().setAccessMode("read only").execute(work);
      } finally {
        await connection.destroy();
      }
    },
    // what there is to find out, opening has found out
    unfitness: async () => [],
    missingRights: async (sql, uses) => {
      const names = uses.map(({ table }) => table);
      const rows = await sql.selectFrom("sqlite_schema").select("name").where("name", "in", names).execute();
      const there = new Set(rows.map(({ name }) => name));
      return names.filter((name) => !there.has(name)).map((name) => `the table ${name} is not there.`);
    },
    violatedColumn: ({ code, message }) =>
      code === "SQLITE_CONSTRAINT_UNIQUE" ? /: \w+\.(\w+)/.exec(message)?.[1] : undefined,
    isUnavailable: ({ code = "" }) =>
      /^SQLITE_(BUSY|LOCKED|IOERR|FULL|READONLY|CANTOPEN|CORRUPT|NOTADB|PROTOCOL|NOMEM|PERM|AUTH)/.test(code),
    isRetryable: () => false,
    isRolledBack: ({ code = "" }) => ROLLED_BACK.test(code),
    explain: ({ message }) => message.replaceAll(/\s*\n\s*/g, " "),
    dispose: async () => {
      if (temporary) rmSync(temporary, { recursive: true, force: true });
    },
  };
}
