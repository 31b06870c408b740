import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { temporaryDirectory } from "../temporary-directory.ts";
import type { TestDatabase } from "./test-database.ts";

/** A database in this file, which nothing need be in yet. */
export function sqliteAt(file: string): TestDatabase {
  const copy = join(temporaryDirectory(), "copy.db");
  const drop = async () => {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
  };
  return {
    url: `sqlite:${file}`,
    renew: drop,
    backUp: async () => {
      rmSync(copy, { force: true });
      vacuumInto(file, copy);
    },
    restore: async () => {
      await drop();
      copyFileSync(copy, file);
    },
    copy: async () => {
      const other = join(temporaryDirectory(), "books.db");
      vacuumInto(file, other);
      return sqliteAt(other);
    },
    drop,
  };
}

/** Not a copy of the file: what a process that was killed had committed may be in the write-ahead log alone. */
function vacuumInto(file: string, other: string): void {
  const connection = new Database(file);
  try {
    connection.prepare("vacuum into ?").run(other);
  } finally {
    connection.close();
  }
}
