import { execFile } from "node:child_process";
import { promisify } from "node:util";
import pg from "pg";
import { onFinished } from "../cleanup.ts";
import type { TestDatabase } from "./test-database.ts";

let databases = 0;

/** An empty database in the server of the run. */
export async function newPostgres(): Promise<TestDatabase> {
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
