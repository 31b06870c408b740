import type { EntityName, RequiredEntityData } from "@mikro-orm/core";
import type { Batch } from "../batch.ts";
import { DatabaseUnavailable } from "../errors.ts";
import { isStorable, requireStorable } from "../storable.ts";
import type { StreamDefinition } from "../stream.ts";
import { commitBatch } from "./commit-batch.ts";
import type { DatabaseUpkeep, PoolUsage, Sql, TableUse } from "./engine.ts";
import type { EntityTable, Value } from "./entity-table.ts";
import type { Instance, Patch } from "./instance-mapper.ts";
import type { Migrated } from "./migrate.ts";
import type { Ddl } from "./migrations.ts";
import { OpenedDatabase } from "./opened-database.ts";
import type { OrmOptions } from "./orm-options.ts";
import type { Committed } from "./stream-table.ts";
import { inSavepoint, inside, inTransaction, type Transaction } from "./transaction.ts";

/**
 * The one way to the database: MikroORM behind six verbs, transactions that they compose into, and
 * batches of commands. Outside a transaction each verb is one of its own; inside `transaction` use the `OrmService` that it hands in.
 *
 *     const orm = await new OrmService({ entities: [AuthorEntity], migrations }).init("my_database.db");
 *     await orm.create(AuthorEntity, { name: "An Author", … });
 *     await orm.get(AuthorEntity, "An Author", "name");
 *
 * Of MikroORM it stands on the entities' definitions, their metadata and types, the drivers' platforms, and the
 * connections, which come by `em.getKysely()`. It does not use finders, units of work or `em.transactional()`: a finder
 * takes forty times as long as a statement that is compiled once, what is read is to be as it is stored and not as an
 * identity map knows it, and a transaction that runs again needs to know how it failed.
 *
 * Every method throws {@link DatabaseUnavailable} when the database does not answer.
 */
export class OrmService {
  readonly #options: OrmOptions;
  #opened: OpenedDatabase | undefined;
  #opening = false;
  #transaction: Transaction | undefined;

  constructor(options: OrmOptions) {
    this.#options = options;
  }

  /**
   * Opens the database and brings its schema up to date.
   *
   * @param database - the path of an SQLite file, as in `init("my_database.db")`, which is made if it is not there;
   *   `sqlite:PATH`; `:memory:` or `sqlite::memory:` for one that goes with the process; or `postgresql://…`
   * @throws StartupError when it cannot be opened or used, lacks a migration that may not run, or was migrated by a newer
   *   version of the program that this one cannot serve beside
   */
  async init(database: string): Promise<this> {
    if (this.#opened || this.#opening) throw new Error("the database is open already");
    this.#opening = true;
    try {
      this.#opened = await OpenedDatabase.open(database, this.#options);
      return this;
    } finally {
      this.#opening = false;
    }
  }

  /** Closes every connection. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.close();
  }

  /**
   * Inserts a row and returns it as an instance with what the database added.
   *
   * @throws UniqueViolation
   */
  async create<T extends object>(
    Entity: EntityName<T>,
    data: RequiredEntityData<T> | RequiredEntityData<Instance<T>>,
  ): Promise<Instance<T>> {
    requireStorable(data);
    return this.#write(Entity, (table, sql) => table.insert(sql, data));
  }

  /** The row whose `column` equals `value`, read afresh, or null. */
  async get<T extends object>(Entity: EntityName<T>, value: Value, column = "id"): Promise<Instance<T> | null> {
    if (!isStorable(value)) return null;
    return this.sql((sql) => this.#open.table(Entity).find(sql, column, value));
  }

  /**
   * Sets the columns of `patch` in the rows whose `column` equals `value`.
   * @returns how many rows that were; with `returnInstance`, the row as it now is, or null when there is none
   * @throws UniqueViolation
   */
  async update<T extends object>(
    Entity: EntityName<T>,
    value: Value,
    column: string,
    patch: Patch<T>,
    returnInstance: true,
  ): Promise<Instance<T> | null>;
  async update<T extends object>(
    Entity: EntityName<T>,
    value: Value,
    column: string,
    patch: Patch<T>,
    returnInstance?: false,
  ): Promise<number>;
  async update<T extends object>(
    Entity: EntityName<T>,
    value: Value,
    column: string,
    patch: Patch<T>,
    returnInstance = false,
  ): Promise<Instance<T> | number | null> {
    requireStorable(patch);
    if (!isStorable(value)) return returnInstance ? null : 0;
    const updated = await this.#write(Entity, (table, sql) => table.update(sql, column, value, patch));
    return returnInstance ? (updated[0] ?? null) : updated.length;
  }

  /** Deletes the rows whose `column` equals `value`; returns how many those were. */
  async delete<T extends object>(Entity: EntityName<T>, value: Value, column = "id"): Promise<number> {
    if (!isStorable(value)) return 0;
    return this.#write(Entity, (table, sql) => table.delete(sql, column, value));
  }

  /** Every row, in no particular order. */
  async all<T extends object>(Entity: EntityName<T>): Promise<Instance<T>[]> {
    return this.sql((sql) => this.#open.table(Entity).all(sql));
  }

  /**
   * Runs `work` in one transaction: all of it is committed when it returns, none when it throws. Inside a transaction it is
   * a savepoint. `work` runs again when the database has rolled it back for the sake of another, or the connection was lost
   * before the commit. One that has met such an error, or a database that does not answer, is not committed even if `work`
   * has caught it and returns.
   *
   * @throws OutcomeUnknown when the commit itself failed, and may yet have happened
   */
  async transaction<R>(work: (tx: OrmService) => Promise<R>): Promise<R> {
    const opened = this.#open;
    if (this.#transaction) return inSavepoint(opened, this.#transaction, () => work(this));
    const isOpen = () => this.#opened !== undefined;
    return inTransaction(opened, isOpen, (transaction) => {
      const tx = new OrmService(this.#options);
      tx.#opened = opened;
      tx.#transaction = transaction;
      return work(tx);
    });
  }

  /** Loads, decides and writes a batch in one transaction. @throws OutcomeUnknown when the commit may yet have happened */
  async commitBatch<T extends object>(definition: StreamDefinition<T>, batch: Batch<never>): Promise<Committed> {
    const opened = this.#open;
    return commitBatch(opened, opened.batchStream(definition), batch, () => !this.#opened);
  }

  /** Makes the first batch of a stream no slower than others. */
  async prepareBatches<T extends object>(definition: StreamDefinition<T>): Promise<void> {
    const opened = this.#open;
    await opened.engine.batches.prepare(opened.batchStream(definition)).catch(({ cause }: Error) => {
      throw opened.failureOf(cause, false);
    });
  }

  /** SQL in the current transaction; outside one, on the connection for reads. For what the six verbs do not say. */
  async sql<R>(work: (sql: Sql) => Promise<R>): Promise<R> {
    if (this.#transaction) return inside(this.#open, this.#transaction, work);
    return this.#translated(({ reads }) => work(reads));
  }

  /** A short query over a connection that neither transactions nor other reads keep busy. */
  async lookUp<R>(work: (sql: Sql) => Promise<R>): Promise<R> {
    return this.#translated(({ engine, reads }) => engine.lookUp(reads, work));
  }

  /** A query of one statement that may take long: other reads have their turns meanwhile. */
  async longRead<R>(work: (sql: Sql) => Promise<R>): Promise<R> {
    return this.#translated(({ engine, reads }) => engine.longRead(reads, work));
  }

  /**
   * Runs `work` on one unchanging state, however long it takes, and blocks no command. What a client waits for so many
   * milliseconds takes no connection from what goes on in the background.
   */
  async snapshot<R>(work: (sql: Sql) => Promise<R>, msForClient?: number): Promise<R> {
    return this.#translated(({ engine, reads }) =>
      msForClient === undefined ? engine.snapshot(work) : engine.question(reads, work, msForClient),
    );
  }

  /** Its pools of connections by name. */
  get pools(): Readonly<Record<string, PoolUsage>> {
    return this.#open.engine.pools?.() ?? {};
  }

  /** Which tables and rights are missing, and what else keeps all writes from working, a line for each. */
  async missingRights(uses: readonly TableUse[]): Promise<readonly string[]> {
    return this.lookUp((sql) => this.#open.engine.missingRights(sql, uses));
  }

  /** Makes sure that writes work, if that is in doubt: with `probe`, which changes nothing. Throws what `transaction` does. */
  async settleWrites(probe: (tx: OrmService) => Promise<unknown>): Promise<void> {
    const opened = this.#open;
    if (!opened.writesInDoubt) return;
    // before the probe: a write that fails meanwhile counts
    opened.writesInDoubt = false;
    try {
      await this.transaction(probe);
    } catch (error) {
      opened.writesInDoubt = true;
      throw error;
    }
  }

  /** An entity's table, what makes instances of its rows, and what is derived of them. */
  table<T extends object>(Entity: EntityName<T>): Pick<EntityTable<T>, "name" | "mapper" | "derived"> {
    return this.#open.table(Entity);
  }

  /** What became of the schema when the database was opened. */
  get migrated(): Migrated {
    return this.#open.migrated;
  }

  /** What the engine spells as no other does. */
  get ddl(): Ddl {
    return this.#open.engine.ddl;
  }

  /** What looks after the database itself. */
  get upkeep(): DatabaseUpkeep {
    return this.#open.engine.upkeep;
  }

  get #open(): OpenedDatabase {
    if (!this.#opened) throw new DatabaseUnavailable(new Error("the database is not open"));
    return this.#opened;
  }

  /** A write waits for its turn as every transaction does. */
  async #write<T extends object, R>(
    Entity: EntityName<T>,
    work: (table: EntityTable<T>, sql: Sql) => Promise<R>,
  ): Promise<R> {
    if (!this.#transaction) return this.transaction((tx) => tx.#write(Entity, work));
    return this.sql((sql) => work(this.#open.table(Entity), sql));
  }

  async #translated<R>(work: (opened: OpenedDatabase) => Promise<R>): Promise<R> {
    const opened = this.#open;
    try {
      return await work(opened);
    } catch (error) {
      throw opened.translate(error);
    }
  }
}
