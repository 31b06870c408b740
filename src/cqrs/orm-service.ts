import { setTimeout as sleep } from "node:timers/promises";
import {
  type EntityName,
  MikroORM,
  type RequiredEntityData,
  UniqueConstraintViolationException,
} from "@mikro-orm/core";
import { Migrator } from "@mikro-orm/migrations";
import type { SqlEntityManager } from "@mikro-orm/sqlite";
import type { DatabaseEngine, DatabaseError, Sql } from "./database-engine.ts";
import { DatabaseUnavailable, OutcomeUnknown, Refusal, ServiceError, StartupError, UniqueViolation } from "./errors.ts";
import { mikroOrmMigration, type SchemaMigration } from "./migrations.ts";
import { postgresDatabase } from "./postgres.ts";
import { sqliteDatabase } from "./sqlite.ts";

export interface OrmOptions {
  /** `sqlite:PATH`, `sqlite::memory:` or `postgresql://…`. */
  readonly url: string;
  readonly entities: readonly AnyEntity[];
  /** In the order in which they run. */
  readonly migrations: readonly SchemaMigration[];
}

// biome-ignore lint/suspicious/noExplicitAny: MikroORM's names of entities do not vary with their entity
export type AnyEntity = EntityName<any>;

/** A value as a column takes it. */
type Value = string | number | boolean | null;

/** How often a transaction is tried that the database rolls back for the sake of another. */
const ATTEMPTS = 5;

interface Opened {
  readonly orm: MikroORM;
  readonly engine: DatabaseEngine;
}

/**
 * The one way to the database: MikroORM behind six verbs, and transactions that they compose into. Outside a
 * transaction each verb is one of its own; inside `transaction` use the `OrmService` that it hands in.
 *
 * Every method throws {@link DatabaseUnavailable} when the database does not answer.
 */
export class OrmService {
  readonly #options: OrmOptions;
  #opened: Opened | undefined;
  readonly #transaction: SqlEntityManager | undefined;

  constructor(options: OrmOptions, opened?: Opened, transaction?: SqlEntityManager) {
    this.#options = options;
    this.#opened = opened;
    this.#transaction = transaction;
  }

  /**
   * Opens the database and brings its schema up to date.
   *
   * @throws StartupError when it cannot be opened, or was migrated by a newer version of the program
   */
  async init(): Promise<this> {
    const { url, entities, migrations } = this.#options;
    try {
      const engine = url.startsWith("sqlite:") ? sqliteDatabase(url.slice("sqlite:".length)) : postgresDatabase(url);
      const orm: MikroORM = await MikroORM.init({
        ...engine.options,
        entities: [...entities],
        extensions: [Migrator],
        migrations: { migrationsList: migrations.map((one) => mikroOrmMigration(one, engine.ddl)), snapshot: false },
        logger: () => {},
      });
      this.#opened = { orm, engine };
      await this.#migrate(orm);
    } catch (error) {
      await this.close().catch(() => {});
      if (error instanceof StartupError) throw error;
      throw new StartupError([`DATABASE_URL: cannot open the database ${placeOf(url)}: ${(error as Error).message}`], {
        cause: error,
      });
    }
    return this;
  }

  /** Closes every connection. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.orm.close(true);
    await opened?.engine.dispose();
  }

  /**
   * Inserts a row and returns it as an instance with what the database added.
   *
   * @throws UniqueViolation
   */
  async create<T extends object>(Entity: EntityName<T>, data: RequiredEntityData<T>): Promise<T> {
    requireStorable(data);
    return this.#run(async (em) => {
      const instance = em.create(Entity, data);
      await em.persist(instance).flush();
      return instance;
    });
  }

  /** The row whose `column` equals `value`, read afresh, or null. */
  async get<T extends object>(Entity: EntityName<T>, value: Value, column = "id"): Promise<T | null> {
    if (!isStorable(value)) return null;
    return this.#run((em) => em.findOne(Entity, where<T>(column, value), { disableIdentityMap: true }));
  }

  /**
   * Sets the columns of `patch` in the rows whose `column` equals `value`.
   *
   * @returns how many rows that were; with `returnInstance`, the row as it now is, or null when there is none
   * @throws UniqueViolation
   */
  async update<T extends object>(
    Entity: EntityName<T>,
    value: Value,
    column: string,
    patch: Partial<T>,
    returnInstance: true,
  ): Promise<T | null>;
  async update<T extends object>(
    Entity: EntityName<T>,
    value: Value,
    column: string,
    patch: Partial<T>,
    returnInstance?: false,
  ): Promise<number>;
  async update<T extends object>(
    Entity: EntityName<T>,
    value: Value,
    column: string,
    patch: Partial<T>,
    returnInstance = false,
  ): Promise<T | number | null> {
    requireStorable(patch);
    if (!isStorable(value)) return returnInstance ? null : 0;
    if (returnInstance && !this.#transaction) {
      return this.transaction((tx) => tx.update(Entity, value, column, patch, true));
    }
    return this.#run(async (em) => {
      const changed = await em.nativeUpdate(Entity, where<T>(column, value), patch as never);
      if (!returnInstance) return changed;
      const movedTo = (patch as Record<string, Value | undefined>)[column] ?? value;
      return changed ? em.findOne(Entity, where<T>(column, movedTo), { disableIdentityMap: true }) : null;
    });
  }

  /** Deletes the rows whose `column` equals `value`; returns how many those were. */
  async delete<T extends object>(Entity: EntityName<T>, value: Value, column = "id"): Promise<number> {
    if (!isStorable(value)) return 0;
    return this.#run((em) => em.nativeDelete(Entity, where<T>(column, value)));
  }

  /** Every row, in no particular order. */
  async all<T extends object>(Entity: EntityName<T>): Promise<T[]> {
    return this.#run((em) => em.findAll(Entity, { disableIdentityMap: true }) as Promise<T[]>);
  }

  /**
   * Runs `work` in one transaction: all of it is committed when it returns, none when it throws. Inside a transaction
   * it is a savepoint. `work` runs again when the database has rolled it back for the sake of another, or
   * the connection was lost before the commit.
   *
   * @throws OutcomeUnknown when the commit itself failed
   */
  async transaction<R>(work: (tx: OrmService) => Promise<R>): Promise<R> {
    const outer = this.#transaction;
    for (let attempt = 1; ; attempt++) {
      let committing = false;
      try {
        const em = outer ?? this.#em();
        return await em.transactional(
          async (transaction) => {
            const result = await work(new OrmService(this.#options, this.#open, transaction as SqlEntityManager));
            committing = outer === undefined;
            return result;
          },
          // a savepoint that took over what the transaction has loaded would cost the more, the more there were before
          { clear: true },
        );
      } catch (error) {
        if (outer === undefined && attempt < ATTEMPTS && this.#isRetryable(error, committing)) {
          await sleep(Math.random() * 10 * 2 ** attempt);
          continue;
        }
        throw committing ? new OutcomeUnknown(error) : this.#translate(error);
      }
    }
  }

  /** SQL in the current transaction; outside one, on the connection for reads. For what the six verbs do not say. */
  async sql<R>(work: (sql: Sql) => Promise<R>): Promise<R> {
    return this.#run((em) => work(em.getKysely({ type: "read" }) as unknown as Sql));
  }

  /** A short query over a connection that neither transactions nor other reads keep busy. */
  async lookUp<R>(work: (sql: Sql) => Promise<R>): Promise<R> {
    const { orm, engine } = this.#open;
    return this.#translated(() => engine.lookUp(orm, work));
  }

  /** Runs `work` on one unchanging state of the database. It blocks no command, however long it takes. */
  async snapshot<R>(work: (sql: Sql) => Promise<R>): Promise<R> {
    const { orm, engine } = this.#open;
    return this.#translated(() => engine.snapshot(orm, work));
  }

  /** Table and columns of an entity, by property name. */
  columns(Entity: AnyEntity): { table: string; columns: Record<string, string> } {
    const meta = this.#open.orm.getMetadata().get(Entity);
    return {
      table: meta.tableName,
      columns: Object.fromEntries(meta.props.map((prop) => [prop.name, prop.fieldNames[0] as string])),
    };
  }

  get #open(): Opened {
    if (!this.#opened) throw new DatabaseUnavailable(new Error("the database is not open"));
    return this.#opened;
  }

  #em(): SqlEntityManager {
    return this.#open.orm.em.fork() as SqlEntityManager;
  }

  #run<R>(work: (em: SqlEntityManager) => Promise<R>): Promise<R> {
    return this.#translated(() => work(this.#transaction ?? this.#em()));
  }

  async #translated<R>(work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } catch (error) {
      throw this.#translate(error);
    }
  }

  #translate(error: unknown): unknown {
    // a refusal's message may hold any title, and read like an engine's own
    if (!(error instanceof Error) || error instanceof ServiceError || error instanceof Refusal) return error;
    if (error instanceof UniqueConstraintViolationException) {
      const column = this.#opened?.engine.violatedColumn(error);
      return column ? new UniqueViolation(column, error) : error;
    }
    return this.#opened?.engine.isUnavailable(error) ? new DatabaseUnavailable(error) : error;
  }

  #isRetryable(error: unknown, committing: boolean): boolean {
    const cause = error instanceof DatabaseUnavailable ? error.cause : error;
    return cause instanceof Error && this.#open.engine.isRetryable(cause as DatabaseError, committing);
  }

  /** Two processes may start at once on a new database: who comes second fails, looks again and finds nothing to do. */
  async #migrate(orm: MikroORM): Promise<void> {
    const { migrator } = orm as unknown as { migrator: Migrator };
    const known = new Set(this.#options.migrations.map(({ name }) => name));
    for (let attempt = 1; ; attempt++) {
      try {
        const executed = await migrator.getExecuted();
        const unknown = executed.filter(({ name }) => !known.has(name)).map(({ name }) => name);
        if (unknown.length > 0) {
          throw new StartupError([
            `DATABASE_URL: the database was migrated by a newer version of this program (${unknown.join(", ")}); ` +
              "run that version, or restore an older backup.",
          ]);
        }
        await migrator.up();
        return;
      } catch (error) {
        if (error instanceof StartupError || attempt === 10) throw error;
        await sleep(20 + Math.random() * 80);
      }
    }
  }
}

/** The database in a URL, without the user and password. */
function placeOf(url: string): string {
  if (url.startsWith("sqlite:")) return url.slice("sqlite:".length);
  const { host, pathname } = new URL(url);
  return host + pathname;
}

function where<T>(column: string, value: Value): never {
  return { [column]: value } as unknown as T as never;
}

/** SQLite's text ends at a NUL, and half a surrogate pair is no UTF-8: no row can hold either. */
function isStorable(value: unknown): boolean {
  return typeof value !== "string" || (value.isWellFormed() && !value.includes("\0"));
}

function requireStorable(data: object): void {
  for (const [column, value] of Object.entries(data)) {
    if (!isStorable(value)) throw new RangeError(`${column} holds a NUL or half a surrogate pair`);
  }
}
