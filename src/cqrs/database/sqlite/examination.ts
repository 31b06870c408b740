import Database from "better-sqlite3";
import type { Examined, UniqueColumn } from "../engine.ts";

/** Faults that SQLite names at most: it does not count the others. */
const MOST_FAULTS = 100;

/** What SQLite itself finds wrong in the file. It reads all of it, in one transaction that no writer waits for. */
export function examineSqlite(file: string, unique: readonly UniqueColumn[]): Examined {
  const database = new Database(file, { readonly: true });
  try {
    const faults = [...damages(database), ...danglingReferences(database)];
    return { faults, unusable: [], notUnique: unique.filter((one) => !isKeptUnique(database, one)), notes: [] };
  } finally {
    database.close();
  }
}

function damages(database: Database.Database): string[] {
  let lines: string[];
  try {
    const checked = database.pragma(`integrity_check(${MOST_FAULTS})`) as { integrity_check: string }[];
    lines = checked.flatMap(({ integrity_check }) => integrity_check.split("\n"));
  } catch (error) {
    // what is worse than the check is made for
    if (!(error instanceof Database.SqliteError && error.code.startsWith("SQLITE_CORRUPT"))) throw error;
    lines = [error.message];
  }
  // of an index of words, whoever compares it with its table knows more
  return lines.filter((line) => line !== "ok" && !/FTS5/.test(line)).map((line) => `the file is damaged: ${line}`);
}

function danglingReferences(database: Database.Database): string[] {
  const rows = database.pragma("foreign_key_check") as { table: string; rowid: number; parent: string }[];
  return rows.map(({ table, rowid, parent }) => `${table} ${rowid} refers to what is not in ${parent}`);
}

function isKeptUnique(database: Database.Database, { table, column }: UniqueColumn): boolean {
  const indexes = database.prepare(`select 1 from pragma_index_list(?) as own join pragma_index_info(own.name) as part
    where own."unique" and not own.partial group by own.name having count(*) = 1 and max(part.name) = ?`);
  return indexes.get(table, column) !== undefined;
}
