import type { DatabaseEngine, PoolSizes } from "./engine.ts";
import { POSTGRES_URL_FORM } from "./postgres/connection-url.ts";
import { UrlFault } from "./postgres/parameters.ts";
import { isPostgresInUse, postgresDatabase } from "./postgres.ts";
import { isSqliteInUse, sqliteDatabase } from "./sqlite.ts";

/** What begins like a URL. One letter is a drive of Windows. */
const SCHEME = /^[a-z][a-z\d+.-]+:/i;

/**
 * The file of the SQLite database that is named `database`: a path as it is, or `sqlite:` and a path. Undefined for
 * PostgreSQL's URLs.
 *
 * @throws UrlFault when it is neither
 */
export function sqliteFileOf(database: string): string | undefined {
  if (/^postgres(ql)?:\/\//.test(database)) return undefined;
  const file = database.startsWith("sqlite:") ? database.slice("sqlite:".length) : database;
  if (file === ":memory:" || (file !== "" && (file !== database || !SCHEME.test(file)))) return file;
  throw new UrlFault(`must be a path, sqlite:PATH, sqlite::memory: or ${POSTGRES_URL_FORM}`);
}

/**
 * The engine for the database that is named `database`, which nothing is connected to yet.
 *
 * @throws UrlFault
 */
export function engineOf(database: string, pools?: PoolSizes): DatabaseEngine {
  const file = sqliteFileOf(database);
  return file === undefined ? postgresDatabase(database, pools) : sqliteDatabase(file);
}

/**
 * Whether another program is connected to the database now. One that is out of reach counts as not in use: whoever opens
 * it next is told why.
 */
export async function isDatabaseInUse(database: string): Promise<boolean> {
  try {
    const file = sqliteFileOf(database);
    return file === undefined ? await isPostgresInUse(database) : isSqliteInUse(file);
  } catch {
    return false;
  }
}
