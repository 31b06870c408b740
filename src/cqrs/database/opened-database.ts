import { type EntityName, MikroORM } from "@mikro-orm/core";
import type { AbstractSqlDriver } from "@mikro-orm/sqlite";
import { adopting } from "../adoption.ts";
import { type Derived, derivedColumns } from "../derived.ts";
import { DatabaseUnavailable, OutcomeUnknown, ServiceError, StartupError, UniqueViolation } from "../errors.ts";
import type { StreamDefinition } from "../stream.ts";
import type { DatabaseEngine, DatabaseError, Sql } from "./engine.ts";
import { engineOf, sqliteFileOf } from "./engine-of.ts";
import { EntityTable } from "./entity-table.ts";
import { type Migrated, migrate } from "./migrate.ts";
import type { AnyEntity, OrmOptions } from "./orm-options.ts";
import { UrlFault } from "./postgres/parameters.ts";
import type { BatchStream } from "./stream-table.ts";

/** A database that is open, with what is known of its engine's errors. */
export class OpenedDatabase {
  readonly engine: DatabaseEngine;
  /** MikroORM's connection or pool for reads outside a transaction. */
  readonly reads: Sql;
  /** The one for transactions. */
  readonly writes: Sql;
  /** Whether nothing says that writes work: none has been tried, or one has failed since. */
  writesInDoubt = true;
  /** What became of the schema at the start. */
  migrated: Migrated = { ran: [], newer: [] };
  readonly #orm: MikroORM<AbstractSqlDriver>;
  // biome-ignore lint/suspicious/noExplicitAny: one for each entity, whatever that is
  readonly #tables = new Map<AnyEntity, EntityTable<any>>();
  readonly #streams = new Map<StreamDefinition<never>, BatchStream>();
  readonly #derived: NonNullable<OrmOptions["derived"]>;

  private constructor(orm: MikroORM<AbstractSqlDriver>, engine: DatabaseEngine, derived: OrmOptions["derived"]) {
    this.#orm = orm;
    this.engine = engine;
    this.#derived = derived ?? new Map();
    this.reads = orm.em.getKysely({ type: "read" });
    this.writes = orm.em.getKysely({ type: "write" });
  }

  /**
   * Opens the database and brings its schema up to date, if it may.
   *
   * @throws StartupError when it cannot be opened or used
   */
  static async open(database: string, options: OrmOptions): Promise<OpenedDatabase> {
    const { entities, migrations, mayMigrate = true, derived, pools } = options;
    let engine: DatabaseEngine | undefined;
    let opened: OpenedDatabase | undefined;
    try {
      engine = engineOf(database, pools);
      const orm = await MikroORM.init({ ...engine.options, entities: [...entities], logger: () => {} });
      opened = new OpenedDatabase(orm, engine, derived);
      const faults = await engine.unfitness(opened.writes);
      if (faults.length > 0) throw new StartupError(faults.map((fault) => `DATABASE_URL: ${fault}`));
      opened.migrated = await migrate(opened.writes, engine, migrations, mayMigrate);
      return opened;
    } catch (error) {
      await (opened ? opened.close() : engine?.dispose())?.catch(() => {});
      if (error instanceof StartupError) throw error;
      if (error instanceof UrlFault) throw new StartupError([`DATABASE_URL ${error.message}.`]);
      const reason = engine?.explain(error as Error) ?? (error as Error).message;
      // nothing of a URL is told: a mistyped one has a part of the password anywhere
      const file = sqliteFileOf(database);
      const place = file === undefined ? "" : ` ${file}`;
      throw new StartupError([`DATABASE_URL: cannot open the database${place}: ${reason}`], { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.engine.batches.close();
    await this.#orm.close(true);
    await this.engine.dispose();
  }

  table<T extends object>(Entity: EntityName<T>): EntityTable<T> {
    let table: EntityTable<T> | undefined = this.#tables.get(Entity);
    if (!table) {
      table = new EntityTable(this.#orm, Entity, this.#derived.get(Entity) as Derived<T> | undefined);
      this.#tables.set(Entity, table);
    }
    return table;
  }

  /** A stream as the write side takes it. */
  batchStream<T extends object>(definition: StreamDefinition<T>): BatchStream {
    let stream = this.#streams.get(definition as never);
    if (!stream) {
      const { name, mapper } = this.table<T>(definition.entity);
      const { columns, unique, nullable, asText, kinds } = mapper;
      const { changes, decisions } = definition;
      const derived = definition.derived as Derived<never> | undefined;
      const table = { stream: definition.name, table: name, changes, columns, unique, nullable, asText, kinds };
      const modules = {
        decisions: decisions.module,
        derived: derived && {
          columns: derivedColumns(derived),
          module: derived.module,
          hasWords: derived.words !== undefined,
        },
      };
      stream = { table: { ...table, ...modules }, decisions: adopting(decisions), derived, mapper };
      this.#streams.set(definition as never, stream);
    }
    return stream;
  }

  /** What the rest of the program is told of an error: unique violations and unavailability are those of any engine. */
  translate(error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof ServiceError) return error;
    const column = this.engine.violatedColumn(error);
    if (column) return new UniqueViolation(column, error);
    return this.engine.isUnavailable(error) ? new DatabaseUnavailable(error) : error;
  }

  /** Whether the database has ended the transaction, or cannot go on with it: not this statement alone has failed. */
  endsTransaction(error: unknown): boolean {
    return this.translate(error) instanceof DatabaseUnavailable || this.isRetryable(error, false);
  }

  isRetryable(error: unknown, committing: boolean): boolean {
    const cause = error instanceof DatabaseUnavailable ? error.cause : error;
    return cause instanceof Error && this.engine.isRetryable(cause as DatabaseError, committing);
  }

  /** What a transaction throws that has failed for good. From then on it is in doubt that writes work. */
  failureOf(error: unknown, committing: boolean): unknown {
    const isUnknown = committing && !(error instanceof Error && this.engine.isRolledBack(error as DatabaseError));
    const failure = isUnknown ? new OutcomeUnknown(error) : this.translate(error);
    if (isTrouble(failure)) this.writesInDoubt = true;
    return failure;
  }
}

/** Whether a failed transaction says that others may fail as well: not what a program has thrown in it. */
function isTrouble(failure: unknown): boolean {
  if (failure instanceof ServiceError)
    return failure instanceof DatabaseUnavailable || failure instanceof OutcomeUnknown;
  return failure instanceof Error && "code" in failure;
}
