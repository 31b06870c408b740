import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SqliteDriver as MikroSqliteDriver } from "@mikro-orm/sqlite";
import Database from "better-sqlite3";
import { Kysely, sql as statement } from "kysely";
import type { DatabaseEngine, Sql } from "./engine.ts";
import { sqliteBatches } from "./sqlite/batch-writer.ts";
import { isBusy, openSqlite } from "./sqlite/connection.ts";
import { examineSqlite } from "./sqlite/examination.ts";
import { readByThreads } from "./sqlite/threads-dialect.ts";
import { sqliteWordIndex } from "./sqlite/word-index.ts";
import { rebuildWords, wordDifferences } from "./sqlite/word-index-upkeep.ts";
import { WRITER_LOST } from "./sqlite/writer.ts";
import { Dialect } from "./sqlite-dialect.ts";

/**
 * What a commit fails with that has surely changed nothing. A frame of the write-ahead log that does not fit on the disk
 * is not whole, so neither readers nor a recovery take it or what follows for written; nothing is written after the last
 * one, which makes it a commit. (An error of input or output may come after that, when the log is being synchronised.)
 */
const ROLLED_BACK = /^SQLITE_(FULL|BUSY)/;

/** Until a thread is there to read a file of up to so many bytes, the file has been read. */
const SMALL_BYTES = 1_000_000;

/** Step by step: Node's own recursion does not end where the file system refuses without saying why, as /proc does. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path);
}

/**
 * Changes the schema and takes it back: a transaction alone begins on a file as well that may only be read. While another
 * process writes, as one that migrates does for long, nothing is found out.
 *
 * @throws SqliteError
 */
async function tryWriting(sql: Sql): Promise<void> {
  const enough = new Error("rolled back");
  const attempt = sql.transaction().execute(async (tx) => {
    await statement`create table "write probe" (id integer)`.execute(tx);
    throw enough;
  });
  await attempt.catch((error) => {
    if (error !== enough && !isBusy(error)) throw error;
  });
}

function isSmall(file: string): boolean {
  const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return sizeOf(file) + sizeOf(`${file}-wal`) <= SMALL_BYTES;
}

/**
 * The SQLite file at `path`. Commands have a thread with a connection of its own, what else is written has one, and reads
 * another, so that a read neither waits for an open transaction nor sees into it; what may take long is read by threads.
 *
 * `:memory:` is a temporary file: a database in memory belongs to one connection and could not be read beside a write.
 */
export function sqliteDatabase(path: string): DatabaseEngine {
  const temporary = path === ":memory:" ? mkdtempSync(join(tmpdir(), "catalogue-")) : undefined;
  const file = temporary ? join(temporary, "catalogue.db") : path;
  makeDirectory(dirname(file));

  const dialect = (access: "write" | "read") => () => new Dialect(() => openSqlite(file, access));
  const threads = readByThreads(file);
  const readHere: DatabaseEngine["snapshot"] = async (work) => {
    const reads = new Kysely({ dialect: dialect("read")() });
    try {
      return await reads.transaction().setAccessMode("read only").execute(work);
    } finally {
      await reads.destroy();
    }
  };
  return {
    batches: sqliteBatches(file),
    options: {
      driver: MikroSqliteDriver,
      dbName: file,
      driverOptions: dialect("write"),
      replicas: [{ name: "reads", driverOptions: dialect("read") }],
    },
    ddl: {
      identity: "integer primary key autoincrement",
      text: "text",
      toCodePointOrder: () => [],
      // its integers have 64 bits
      double: "integer",
      toDouble: () => [],
      // it follows the only index there is for them
      knowRanges: () => [],
      member: (column, property) => `(${column} ->> '${property}')`,
      now: "(unixepoch('subsec') * 1000)",
      isAmong: (column, numbers) =>
        statement<boolean>`${statement.ref(column)} in (select value from json_each(${JSON.stringify(numbers)}))`,
      readsIndexAlone: true,
      words: {
        ...sqliteWordIndex,
        differences: async (index) => wordDifferences(file, index),
        rebuild: async (index) => rebuildWords(file, index),
      },
      youngestIndexFirst: true,
    },
    migrationTable: {
      columns: "select name from pragma_table_info('mikro_orm_migrations')",
      create: `create table mikro_orm_migrations (
        id integer not null primary key autoincrement,
        name text null,
        executed_at datetime not null default current_timestamp,
        compatible integer not null default 0
      )`,
    },
    // reads run one at a time and at once, so none keeps the connection busy
    lookUp: (reads, work) => work(reads),
    longRead: (_, work) => work(threads),
    // over a connection of its own: the shared one must never hold an old state
    snapshot: (work) => (isSmall(file) ? readHere(work) : threads.transaction().execute(work)),
    question: (_, work) => threads.transaction().execute(work),
    unfitness: async (sql) => {
      await tryWriting(sql);
      return [];
    },
    missingRights: async (sql, uses) => {
      const names = uses.map(({ table }) => table);
      const rows = await sql.selectFrom("sqlite_schema").select("name").where("name", "in", names).execute();
      const there = new Set(rows.map(({ name }) => name));
      return names.filter((name) => !there.has(name)).map((name) => `the table ${name} is not there.`);
    },
    upkeep: { examine: async (_, unique) => examineSqlite(file, unique) },
    violatedColumn: ({ code, message }) =>
      code === "SQLITE_CONSTRAINT_UNIQUE" ? /: \w+\.(\w+)/.exec(message)?.[1] : undefined,
    isUnavailable: ({ code = "" }) =>
      code === WRITER_LOST ||
      /^SQLITE_(BUSY|LOCKED|IOERR|FULL|READONLY|CANTOPEN|CORRUPT|NOTADB|PROTOCOL|NOMEM|PERM|AUTH)/.test(code),
    isRetryable: () => false,
    isRolledBack: ({ code = "" }) => ROLLED_BACK.test(code),
    explain: ({ message }) => message.replaceAll(/\s*\n\s*/g, " "),
    dispose: async () => {
      await threads.destroy();
      if (temporary) rmSync(temporary, { recursive: true, force: true });
    },
  };
}

/** Whether another program has the file at `path` open: in WAL mode each holds a lock for as long as it does. */
export function isSqliteInUse(path: string): boolean {
  if (!existsSync(path)) return false;
  const database = new Database(path, { timeout: 0 });
  try {
    database.pragma("locking_mode = exclusive");
    database.exec("begin exclusive");
    database.exec("rollback");
    return false;
  } catch (error) {
    return isBusy(error);
  } finally {
    database.close();
  }
}
