import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
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
  /** Makes a copy that is a database of its own. Nothing may be connected. */
  clone(): Promise<TestDatabase>;
}

export type Engine = "sqlite" | "postgresql";

/** The engine that the run is for. */
export const engine: Engine = process.env.TEST_ENGINE === "postgresql" ? "postgresql" : "sqlite";

/** Makes an empty database that goes with the test. */
export async function newDatabase(on: Engine = engine): Promise<TestDatabase> {
  return on === "sqlite" ? newSqlite() : newPostgres();
}

function newSqlite(original?: string): TestDatabase {
  const file = join(temporaryDirectory(), "books.db");
  const copy = join(temporaryDirectory(), "copy.db");
  const drop = async () => {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
  };
  if (original) copyFileSync(original, file);
  return {
    url: `sqlite:${file}`,
    clone: async () => newSqlite(file),
    renew: drop,
    // the last connection that closed has moved the write-ahead log into the file
    backUp: async () => copyFileSync(file, copy),
    restore: async () => {
      await drop();
      copyFileSync(copy, file);
    },
  };
}

let databases = 0;

async function newPostgres(original = "template1"): Promise<TestDatabase> {
  const name = `test_${process.pid}_${databases++}`;
  const copy = `${name}_copy`;
  await administer(`create database ${name} template ${original}`);
  const drop = () => administer(`drop database if exists ${name} with (force)`);
  onFinished(async () => {
    await drop();
    await administer(`drop database if exists ${copy}`);
  });
  return {
    url: `${process.env.TEST_POSTGRES_URL}/${name}`,
    clone: () => newPostgres(name),
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
