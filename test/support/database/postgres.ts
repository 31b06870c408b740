import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { onFinished } from "../cleanup.ts";
import { onPostgres } from "./on-postgres.ts";
import type { TestDatabase } from "./test-database.ts";

let databases = 0;

/** Names of databases that tests have left empty: to empty one takes the server a fraction of what to make one does. */
const empty: string[] = [];

/** What a new database has, and nothing else. What needs more than that to be undone makes it fail. */
const EMPTY = `
  do $$ begin
    if exists (select 1 from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'public'))
      or exists (select 1 from pg_database left join pg_db_role_setting on pg_database.oid = setdatabase
        where datname = current_database() and (setdatabase is not null or datacl is not null or datconnlimit <> -1))
    then raise 'more than tables';
    end if;
  end $$;
  select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid();
  drop schema public cascade;
  create schema public authorization pg_database_owner;
  grant usage on schema public to public`;

/** An empty database in the server of the run. */
export async function newPostgres(): Promise<TestDatabase> {
  const left = empty.pop();
  const name = left ?? `test_${process.pid}_${databases++}`;
  const copy = `${name}_copy`;
  const direct = `${process.env.TEST_POSTGRES_URL}/${name}`;
  const url = `${process.env.TEST_POSTGRES_POOLER_URL ?? process.env.TEST_POSTGRES_URL}/${name}`;
  if (!left) await administer(`create database ${name}`);
  let hasCopy = false;
  const drop = () => administer(`drop database if exists ${name} with (force)`);
  onFinished(async () => {
    if (hasCopy) await administer(`drop database if exists ${copy}`);
    await administer(EMPTY, name).then(() => empty.push(name), drop);
  });
  return {
    url,
    renew: async () => {
      await drop();
      await administer(`create database ${name}`);
    },
    backUp: async () => {
      hasCopy = true;
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
      const target = `${process.env.TEST_POSTGRES_URL}${new URL(other.url).pathname}`;
      await promisify(execFile)("bash", ["-o", "pipefail", "-c", pipe, direct, target]);
      return other;
    },
    drop,
  };
}

async function administer(statement: string, database = "postgres"): Promise<void> {
  await onPostgres(`${process.env.TEST_POSTGRES_URL}/${database}`, (client) => client.query(statement));
}
