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

/** A database in the server of the run: an empty one, or a copy of the one that is named, to which nothing is connected. */
export async function newPostgres(template?: string): Promise<TestDatabase> {
  const left = template === undefined ? empty.pop() : undefined;
  const name = left ?? `test_${process.pid}_${databases++}`;
  const copy = `${name}_copy`;
  const direct = `${process.env.TEST_POSTGRES_URL}/${name}`;
  const url = `${process.env.TEST_POSTGRES_POOLER_URL ?? process.env.TEST_POSTGRES_URL}/${name}`;
  // by files, for nothing that is small is copied sooner through the log
  const copied = template === undefined ? "" : `template ${template} strategy file_copy`;
  if (!left) await administer(`create database ${name} ${copied}`);
  let hasCopy = false;
  const drop = () => administer(`drop database if exists ${name} with (force)`);
  onFinished(async () => {
    if (hasCopy) await administer(`drop database if exists ${copy}`);
    if (template === undefined) await administer(EMPTY, name).then(() => empty.push(name), drop);
    else await drop();
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

/** Makes a database that others can be copies of, with what `fill` puts into it. It stays as long as the server. */
export async function postgresTemplate(fill: (url: string) => Promise<unknown>): Promise<string> {
  const name = `template_${process.pid}`;
  await administer(`create database ${name}`);
  await fill(`${process.env.TEST_POSTGRES_URL}/${name}`);
  return name;
}

async function administer(statement: string, database = "postgres"): Promise<void> {
  await onPostgres(`${process.env.TEST_POSTGRES_URL}/${database}`, (client) => client.query(statement));
}
