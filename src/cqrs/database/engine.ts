import type { Options } from "@mikro-orm/core";
import type { AbstractSqlDriver } from "@mikro-orm/sqlite";
import type { Kysely } from "kysely";
import type { Ddl } from "./migrations.ts";
import type { BatchWriter } from "./stream-table.ts";

/** Tables are named at run time here, so their rows are typed where they are mapped. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Sql = Kysely<any>;

/** An error as database drivers throw it. */
export type DatabaseError = Error & { readonly code?: string; readonly constraint?: string | undefined };

/** What the service does to one of its tables. */
export interface TableUse {
  readonly table: string;
  readonly rights: readonly ("select" | "insert" | "update" | "delete")[];
  /** Whether it draws ids before rows are inserted. */
  readonly drawsIds?: boolean;
}

/** How many connections pools have at most. */
export interface PoolSizes {
  /** Of the pool for commands, and of that for reads. */
  readonly each: number;
  /** Of the pool for what goes on in the background. */
  readonly background: number;
}

/** What a pool of connections has. */
export interface PoolUsage {
  readonly open: number;
  readonly idle: number;
  /** How many wait for a connection. */
  readonly waiting: number;
}

/** What an engine says of the database itself, a line each. */
export interface Examined {
  /** What is damaged. */
  readonly faults: readonly string[];
  /** The names of indexes that answer nothing. */
  readonly unusable: readonly string[];
  /** Those of the columns that nothing keeps unique. */
  readonly notUnique: readonly UniqueColumn[];
  /** What is no damage. */
  readonly notes: readonly string[];
}

/** A column of which no two rows may have the same value. */
export interface UniqueColumn {
  readonly table: string;
  readonly column: string;
}

/** What an engine can do about itself. */
export interface DatabaseUpkeep {
  /** What it finds wrong in the database, of these tables and columns. It may take long, and changes nothing. */
  readonly examine: (tables: readonly string[], unique: readonly UniqueColumn[]) => Promise<Examined>;
  /** Makes an index anew that is unusable; absent where there are none such. */
  readonly mendIndex?: (index: string) => Promise<void>;
}

/** What differs from one database engine to another; all of it stands in one file for each engine. */
export interface DatabaseEngine {
  /** What MikroORM needs to connect. Its one replica is the same database: a connection or pool for reads. */
  readonly options: Partial<Options<AbstractSqlDriver>>;
  /** Commits commands. */
  readonly batches: BatchWriter;
  readonly ddl: Ddl;
  /** Statements about the table of the migrations that have run: `columns` returns their names, of none if it is not there. */
  readonly migrationTable: { readonly columns: string; readonly create: string; readonly lock?: string };
  /** Runs a short query over a connection that neither transactions nor other reads keep busy. */
  readonly lookUp: <R>(reads: Sql, work: (sql: Sql) => Promise<R>) => Promise<R>;
  /** Runs a query that may take long so that others have their turns meanwhile, outside a transaction. */
  readonly longRead: <R>(reads: Sql, work: (sql: Sql) => Promise<R>) => Promise<R>;
  /** Runs `work` in a read transaction that sees one state throughout and blocks no command. */
  readonly snapshot: <R>(work: (sql: Sql) => Promise<R>) => Promise<R>;
  /** As `snapshot`, over the connections for reads. */
  readonly question: <R>(reads: Sql, work: (sql: Sql) => Promise<R>, msLeft: number) => Promise<R>;
  /** What makes the database one that cannot be used at all, before anything is done to it: a line for each fault. */
  readonly unfitness: (sql: Sql) => Promise<readonly string[]>;
  /** Tables and rights that are missing, and what else keeps all writes from working: a line for each. */
  readonly missingRights: (sql: Sql, uses: readonly TableUse[]) => Promise<readonly string[]>;
  readonly upkeep: DatabaseUpkeep;
  /** The column that an error is about if it is a unique violation. */
  readonly violatedColumn: (error: DatabaseError) => string | undefined;
  /** Whether an error says that the database cannot work now, not that the statement is wrong. */
  readonly isUnavailable: (error: DatabaseError) => boolean;
  /** Whether the database has surely rolled the transaction back, for no fault of its own: it may simply run again. */
  readonly isRetryable: (error: DatabaseError, committing: boolean) => boolean;
  /** Whether a commit that failed with this error has surely changed nothing. */
  readonly isRolledBack: (error: DatabaseError) => boolean;
  /** An error of the start as the operator is told of it, in one line and without secrets. */
  readonly explain: (error: Error) => string;
  /** Its pools of connections by name, as they are now; absent where it has none. */
  readonly pools?: () => Readonly<Record<string, PoolUsage>>;
  /** Removes what the engine made for itself. */
  readonly dispose: () => Promise<void>;
}
