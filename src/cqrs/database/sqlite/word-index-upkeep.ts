import { rmSync } from "node:fs";
import Database from "better-sqlite3";
import type { WordColumns, WordDifference } from "../word-index.ts";
import { wordIndexOf } from "../word-index-name.ts";
import { BUSY_TIMEOUT_MS, openSqlite } from "./connection.ts";

/**
 * Rows that the index of the file does not have as the table has them. It looks at a copy, which it makes beside the file for
 * as long: FTS5's own check takes the lock for as long as it runs, and commands would wait for it.
 */
export function wordDifferences(file: string, index: WordColumns): WordDifference[] {
  const copy = `${file}.${process.pid}.check`;
  // not one that may only ask: SQLite takes this for writing
  const original = openSqlite(file, "write");
  try {
    original.prepare("vacuum into ?").run(copy);
    const database = new Database(copy);
    try {
      return isSound(database, index) ? [] : differencesIn(database, index);
    } finally {
      database.close();
    }
  } finally {
    original.close();
    rmSync(copy, { force: true });
  }
}

/** Makes the content of the index anew, in one transaction. */
export function rebuildWords(file: string, { table }: WordColumns): void {
  const database = openSqlite(file, "write");
  database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  try {
    const name = wordIndexOf(table);
    database.exec(`insert into ${name} (${name}) values ('rebuild')`);
  } finally {
    database.close();
  }
}

/** FTS5's own check, which reads the table as well. */
function isSound(database: Database.Database, { table }: WordColumns): boolean {
  const name = wordIndexOf(table);
  try {
    database.exec(`insert into ${name} (${name}, rank) values ('integrity-check', 1)`);
    return true;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_CORRUPT")) return false;
    throw error;
  }
}

/** Which rows those are. Of each row a number is kept, which its words make whatever their order is. */
function differencesIn(database: Database.Database, { table, columns }: WordColumns): WordDifference[] {
  const sums = new Map<number, number>();
  const add = (id: number, column: string, word: string, sign: 1 | -1) =>
    sums.set(id, (sums.get(id) ?? 0) + sign * numberOf(`${column} ${word}`));
  const rows = database.prepare(`select id, ${columns} from ${table} where ${columns[0]} is not null`).iterate();
  for (const row of rows as IterableIterator<Record<string, unknown> & { id: number }>) {
    for (const column of columns) {
      for (const word of String(row[column]).split(" ")) if (word !== "") add(row.id, column, word, 1);
    }
  }
  database.exec(`create virtual table temp.entry using fts5vocab(main, ${wordIndexOf(table)}, instance)`);
  const entries = database.prepare("select doc, col, term from temp.entry").iterate();
  try {
    for (const { doc, col, term } of entries as IterableIterator<{ doc: number; col: string; term: string }>)
      add(doc, col, term, -1);
  } catch (error) {
    return [{ id: undefined, what: `cannot be read: ${(error as Error).message}` }];
  }
  const ids = [...sums].flatMap(([id, sum]) => (sum === 0 ? [] : id));
  if (ids.length === 0) return [{ id: undefined, what: "is damaged, though it has every word" }];
  return ids.sort((a, b) => a - b).map((id) => ({ id, what: "does not have the words of the row" }));
}

/** 48 bits of a text, so that sums of many stay exact. */
function numberOf(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ text.charCodeAt(i), 0x85ebca6b) + i;
  }
  return (low >>> 8) * 0x1000000 + (high >>> 8);
}
