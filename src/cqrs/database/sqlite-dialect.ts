import { setTimeout as sleep } from "node:timers/promises";
import type Database from "better-sqlite3";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteDialect,
  type TransactionSettings,
} from "kysely";
import { BUSY_TIMEOUT_MS, isBusy } from "./sqlite/connection.ts";

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
export class Dialect extends SqliteDialect {
  readonly #open: () => Database.Database;

  constructor(open: () => Database.Database) {
    super({ database: async () => open() });
    this.#open = open;
  }

  override createDriver(): Driver {
    return new SqliteDriver(this.#open);
  }
}

/** SQLite has neither booleans nor times: both are stored as numbers, which is how MikroORM reads them. */
export function bindable(value: unknown): unknown {
  return typeof value === "boolean" || value instanceof Date ? Number(value) : value;
}
