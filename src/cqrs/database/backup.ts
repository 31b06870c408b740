import { statSync } from "node:fs";
import { EntitySchema } from "@mikro-orm/core";
import { StartupError } from "../errors.ts";
import type { StreamDefinition } from "../stream.ts";
import { sqliteFileOf } from "./engine-of.ts";
import type { SchemaMigration } from "./migrations.ts";
import type { AnyEntity } from "./orm-options.ts";
import { backUpPostgres, postgresBackup, postgresTarget } from "./postgres/backup.ts";
import { backUpSqlite, sqliteBackup, sqliteTarget } from "./sqlite/backup.ts";
import { tableUses } from "./table-uses.ts";

/** The revision of each stream, by its name. */
export type Revisions = ReadonlyMap<string, number>;

/** What is to be restored, as far as it was looked at. */
export interface Backup {
  readonly revisions: Revisions;
  /** The names of the migrations that its database had run. */
  readonly migrations: readonly string[];
}

/** The database that a backup is restored to. */
export interface Target {
  /** What it holds now; undefined when nothing is there, or nothing that could be read. */
  readonly revisions: Revisions | undefined;
  /** Puts the content of the backup in place of its own, in one step: it is as before or as the backup. */
  restore(file: string): Promise<void>;
}

/** The database at hand, and what this program knows of it. */
export interface Known {
  readonly database: string;
  // biome-ignore lint/suspicious/noExplicitAny: one for each stream, whatever it is of
  readonly streams: readonly StreamDefinition<any>[];
  readonly migrations: readonly SchemaMigration[];
}

/**
 * Fills the file `target`, which is there and empty, with the database as it is at one moment.
 *
 * @throws StartupError
 */
export async function backUp({ database, streams }: Known, target: string) {
  const file = sqliteFileOf(database);
  const nameOf = (entity: AnyEntity) => EntitySchema.REGISTRY.get(entity as never)?.meta.tableName as string;
  const tables = ["mikro_orm_migrations", ...tableUses(streams, nameOf, false).map(({ table }) => table)];
  const revisions = await (file === undefined ? backUpPostgres(database, tables, target) : backUpSqlite(file, target));
  return { revisions, bytes: statSync(target).size };
}

/**
 * Looks at a backup, and refuses what is none of this program's.
 *
 * @throws StartupError
 */
export async function readBackup({ database, streams, migrations }: Known, path: string): Promise<Backup> {
  const backup = await (sqliteFileOf(database) === undefined ? postgresBackup(path) : sqliteBackup(path));
  const missing = streams.map(({ name }) => name).filter((name) => !backup.revisions.has(name));
  if (missing.length > 0)
    throw new StartupError([`${path} is a backup of something else: it has no ${missing.join(" and no ")}.`]);
  const unknown = backup.migrations.filter((name) => !migrations.some((migration) => migration.name === name));
  if (unknown.length > 0) {
    throw new StartupError([
      `${path} was made by a newer version of this program (${unknown.join(", ")}); restore it by that version.`,
    ]);
  }
  return backup;
}

/** @throws StartupError when the database is out of reach */
export async function targetOf({ database }: Known): Promise<Target> {
  const file = sqliteFileOf(database);
  return file === undefined ? postgresTarget(database) : sqliteTarget(file);
}
