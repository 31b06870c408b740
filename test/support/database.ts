import { execFile } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import Database from "better-sqlite3";
import pg from "pg";
import { onFinished, temporaryDirectory } from "./cleanup.ts";

/** A database of the test's own, on the engine that the run is for. */
export interface TestDatabase {
  readonly url: string;
  /** Deletes it and makes an empty one in its place. Nothing may be connected. */
  renew(): Promise<void>;
  /** Keeps a copy of it for `restore`, in place of an earlier one. Nothing may be connected. */
  backUp(): Promise<void>;
  /** Puts the copy in its place. Nothing may be connected. */
  restore(): Promise<void>;
  /** Another database with the same content, as it is at one moment. It may be in use. */
  copy(): Promise<TestDatabase>;
  /** Deletes it. Nothing may be connected. */
  drop(): Promise<void>;
}

export type Engine = "sqlite" | "postgresql";

/** The engine that the run is for. */
export const engine: Engine = process.env.TEST_ENGINE === "postgresql" ? "postgresql" : "sqlite";

/** Makes an empty database that goes with the test. */
export async function newDatabase(on: Engine = engine): Promise<TestDatabase> {
  return on === "sqlite" ? sqliteAt(join(temporaryDirectory(), "books.db")) : newPostgres();
}

function sqliteAt(file: string): TestDatabase {
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

let databases = 0;

async function newPostgres(): Promise<TestDatabase> {
  const name = `test_${process.pid}_${databases++}`;
  const copy = `${name}_copy`;
  const url = `${process.env.TEST_POSTGRES_URL}/${name}`;
  await administer(`create database ${name}`);
  const drop = () => administer(`drop database if exists ${name} with (force)`);
  onFinished(async () => {
    await drop();
    await administer(`drop database if exists ${copy}`);
  });
  return {
    url,
    renew: async () => {
      await drop();
      await administer(`create database ${name}`);
    },
    backUp: async () => {
      await administer(`drop database if exists ${copy}`);
      await administer(`create database ${copy} template ${name}`);
    },
    restore: async () => {
      await drop();
      await administer(`create database ${name} template ${copy}`);
    },
    copy: async () => {
      const other = await newPostgres();
      // as an operator does it: one snapshot, and nobody is held up
      const pipe = 'pg_dump --dbname "$0" | psql --quiet --set ON_ERROR_STOP=1 --dbname "$1"';
      await promisify(execFile)("bash", ["-o", "pipefail", "-c", pipe, url, other.url]);
      return other;
    },
    drop,
  };
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${process.env.TEST_POSTGRES_URL}/postgres` });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
