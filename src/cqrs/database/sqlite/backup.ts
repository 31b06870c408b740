import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { StartupError } from "../../errors.ts";
import type { Backup, Revisions, Target } from "../backup.ts";

/** @throws StartupError */
export function backUpSqlite(file: string, target: string): Revisions {
  if (file === ":memory:")
    throw new StartupError(["DATABASE_URL: a database in memory is its process's own; there is nothing to back up."]);
  if (!existsSync(file)) throw new StartupError([`DATABASE_URL: there is no database ${file}.`]);
  const database = new Database(file, { readonly: true });
  try {
    // better-sqlite3's own backup begins anew whenever another process writes
    database.prepare("vacuum into ?").run(target);
  } catch (error) {
    throw told(error, `DATABASE_URL: ${file} cannot be backed up`);
  } finally {
    database.close();
  }
  return sqliteBackup(target).revisions;
}

/** @throws StartupError when it is no whole database of this program */
export function sqliteBackup(path: string): Backup {
  return opened(path, (database) => {
    const [fault] = database.pragma("quick_check(1)") as { quick_check: string }[];
    if (fault?.quick_check !== "ok") throw new StartupError([`${path} is damaged: ${fault?.quick_check}.`]);
    return { revisions: revisionsIn(database), migrations: migrationsIn(database) };
  });
}

/** @throws StartupError */
export function sqliteTarget(file: string): Target {
  if (file === ":memory:") throw new StartupError(["DATABASE_URL: nothing can be restored to a database in memory."]);
  let revisions: Revisions | undefined;
  try {
    if (existsSync(file)) revisions = opened(file, revisionsIn);
  } catch {
    // it is damaged: what is restored takes its place
  }
  return {
    revisions,
    restore: async (path) => {
      mkdirSync(dirname(file), { recursive: true });
      if (!revisions) for (const suffix of ["", "-wal", "-shm"]) rmSync(`${file}${suffix}`, { force: true });
      const source = new Database(path, { readonly: true, fileMustExist: true });
      try {
        // one transaction of the database that it is written to; nobody writes to the backup, so that it ends
        await source.backup(file);
      } catch (error) {
        throw told(error, `DATABASE_URL: ${file} cannot be written`);
      } finally {
        source.close();
      }
    },
  };
}

/** The migrations that have run in the file, which is only read. @throws StartupError when there are none to be found */
export function sqliteMigrations(file: string): readonly string[] {
  if (file === ":memory:") throw new StartupError(["DATABASE_URL: a database in memory is its process's own."]);
  if (!existsSync(file)) throw new StartupError([`DATABASE_URL: there is no database ${file}.`]);
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true, fileMustExist: true });
    return migrationsIn(database);
  } catch (error) {
    throw told(error, `DATABASE_URL: ${file} cannot be read as a database of this service`);
  } finally {
    database?.close();
  }
}

function migrationsIn(database: Database.Database): readonly string[] {
  const rows = database.prepare<[], { name: string }>("select name from mikro_orm_migrations order by id").all();
  return rows.map(({ name }) => name);
}

function opened<R>(path: string, work: (database: Database.Database) => R): R {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { readonly: true, fileMustExist: true });
    return work(database);
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw new StartupError([`${path} is no backup of an SQLite database of this service.`], { cause: error });
  } finally {
    database?.close();
  }
}

function revisionsIn(database: Database.Database): Revisions {
  const rows = database.prepare<[], { name: string; revision: number }>("select name, revision from stream").all();
  return new Map(rows.map(({ name, revision }) => [name, revision]));
}

/** SQLite's own words, which hold no secret. */
function told(error: unknown, what: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  return new StartupError([`${what}: ${error.message}.`], { cause: error });
}
