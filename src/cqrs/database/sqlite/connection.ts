import Database from "better-sqlite3";

/** How long a command waits for another process's transaction on the same file. */
export const BUSY_TIMEOUT_MS = 5000;

/**
 * Opens the file at `path`, to commit batches of commands, to write whatever else, or to read. What writes waits for the
 * file's lock by its own means, never inside SQLite.
 */
export function openSqlite(path: string, access: "commit" | "write" | "read"): Database.Database {
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  database.pragma("journal_mode = wal");
  database.pragma("synchronous = full");
  database.pragma("foreign_keys = on");
  if (access === "read") database.pragma("query_only = on");
  // a wait inside SQLite would stop every request of the process, and looks ever more seldom
  else database.pragma("busy_timeout = 0");
  // what a statement with triggers would have to undo, as the index of words has, need not be in a file: for 64 rows that is
  // a third of the time. To make an index of a large table sorts more than memory should hold, so it is for commands alone
  if (access === "commit") database.pragma("temp_store = memory");
  return database;
}

export function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");
}

/** What a command fails with whose turn does not come. */
export class Busy extends Error {
  readonly code = "SQLITE_BUSY";

  constructor() {
    super("database is locked");
  }
}

/** How long to wait before the lock is asked for again, in milliseconds. SQLite's own way looks ever more seldom. */
export function pauseMs(): number {
  return 1 + Math.random() * 5;
}
