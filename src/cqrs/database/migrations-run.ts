import { StartupError } from "../errors.ts";
import { sqliteFileOf } from "./engine-of.ts";
import type { SchemaMigration } from "./migrations.ts";
import { postgresMigrations } from "./postgres/backup.ts";
import { sqliteMigrations } from "./sqlite/backup.ts";

/**
 * For whoever must change nothing: makes sure that to open the database makes no file and runs no migration.
 *
 * @throws StartupError when there is no database, none of this program, or one that lacks migrations
 */
export async function requireMigrated(database: string, migrations: readonly SchemaMigration[]): Promise<void> {
  const file = sqliteFileOf(database);
  const done = file === undefined ? await postgresMigrations(database) : sqliteMigrations(file);
  const missing = migrations.map(({ name }) => name).filter((name) => !done.includes(name));
  if (missing.length === 0) return;
  throw new StartupError([
    `DATABASE_URL: the database is of an older version of this program: ${missing.join(", ")} did not run. ` +
      "A start of this version runs what is missing.",
  ]);
}
