import { spawn } from "node:child_process";
import { open } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { ClientBase } from "pg";
import { StartupError } from "../../errors.ts";
import type { Backup, Revisions, Target } from "../backup.ts";
import { parsePostgresUrl } from "./connection-url.ts";
import { Connections } from "./connections.ts";

/** What a file of pg_dump in its custom format begins with. */
const MAGIC = "PGDMP";

/**
 * @param tables - those of the service, which may share a schema with others
 * @throws StartupError
 */
export async function backUpPostgres(url: string, tables: readonly string[], target: string): Promise<Revisions> {
  return connected(url, async (client) => {
    // the dump is of the very state whose revisions are told
    await client.query("begin isolation level repeatable read read only");
    const { rows } = await client.query<{ snapshot: string; schema: string }>(
      "select pg_export_snapshot() as snapshot, current_schema() as schema",
    );
    const [{ snapshot, schema } = { snapshot: "", schema: "" }] = rows;
    const revisions = await revisionsIn(client);
    if (!revisions) throw new StartupError(["DATABASE_URL: the database has no tables of this service."]);
    const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
    await run(
      "pg_dump",
      [
        "--format=custom",
        "--no-owner",
        `--snapshot=${snapshot}`,
        ...tables.map((table) => `--table=${quoted(schema)}.${quoted(table)}`),
        `--file=${target}`,
        ...connectionTo(url).parameters,
      ],
      connectionTo(url).env,
    );
    return revisions;
  });
}

/** @throws StartupError when it is no dump of this program's tables */
export async function postgresBackup(path: string): Promise<Backup> {
  await requireDump(path);
  const rowsOf = async (table: string) => {
    const sql = await run("pg_restore", ["--data-only", `--table=${table}`, "--file=-", path]);
    const [, names = "", data = ""] = /^COPY \S+ \((.*?)\) FROM stdin;\n([\s\S]*?)^\\\.$/m.exec(sql) ?? [];
    const columns = names.split(", ").map((name) => name.replaceAll('"', ""));
    const lines = data.split("\n").filter((line) => line !== "");
    return lines.map((line) => Object.fromEntries(line.split("\t").map((value, at) => [columns[at], value])));
  };
  const [streams, migrations] = [await rowsOf("stream"), await rowsOf("mikro_orm_migrations")];
  return {
    revisions: new Map(streams.map(({ name = "", revision }) => [name, Number(revision)])),
    migrations: migrations.map(({ name = "" }) => name),
  };
}

/** @throws StartupError when the database is out of reach */
export async function postgresTarget(url: string): Promise<Target> {
  const { revisions, schema } = await connected(url, async (client) => ({
    revisions: await revisionsIn(client),
    schema: (await client.query<{ schema: string }>("select current_schema() as schema")).rows[0]?.schema,
  }));
  return {
    revisions,
    restore: async (path) => {
      const list = await run("pg_restore", ["--list", path]);
      const [, dumped] = /^\d+; \d+ \d+ TABLE (.+) stream \S*$/m.exec(list) ?? [];
      if (dumped !== schema)
        throw new StartupError([`${path} is of the schema ${dumped}; the one of DATABASE_URL is ${schema}.`]);
      const { parameters, env } = connectionTo(url);
      const how = ["--single-transaction", "--exit-on-error", "--clean", "--if-exists", "--no-owner"];
      await run("pg_restore", [...how, ...parameters, path], env);
    },
  };
}

/** The migrations that have run in the database. @throws StartupError when there are none to be found */
export async function postgresMigrations(url: string): Promise<readonly string[]> {
  return connected(url, async (client) => {
    const { rows } = await client.query<{ there: boolean }>(
      "select to_regclass(quote_ident(current_schema()) || '.mikro_orm_migrations') is not null as there",
    );
    if (!rows[0]?.there) throw new StartupError(["DATABASE_URL: the database has no tables of this service."]);
    const migrations = await client.query<{ name: string }>("select name from mikro_orm_migrations order by id");
    return migrations.rows.map(({ name }) => name);
  });
}

async function connected<R>(url: string, work: (client: ClientBase) => Promise<R>): Promise<R> {
  const connections = new Connections(parsePostgresUrl(url), 1, async () => {}, { index: 0 });
  try {
    const client = await connections.connect();
    try {
      return await work(client);
    } finally {
      client.release(true);
    }
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw new StartupError([`DATABASE_URL: ${(error as Error).message}`], { cause: error });
  } finally {
    await connections.end();
  }
}

async function revisionsIn(client: ClientBase): Promise<Revisions | undefined> {
  const { rows } = await client.query<{ there: boolean }>("select to_regclass('stream') is not null as there");
  if (!rows[0]?.there) return undefined;
  const streams = await client.query<{ name: string; revision: string }>("select name, revision from stream");
  return new Map(streams.rows.map(({ name, revision }) => [name, Number(revision)]));
}

/** PostgreSQL's programs read a URL as the service does. The password is not for everybody who lists processes. */
function connectionTo(url: string): { readonly parameters: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  const { password } = parsePostgresUrl(url);
  const bare = url
    .trim()
    .replace(/^(postgres(?:ql)?:\/\/[^:@/]*):[^@/]*@/, "$1@")
    .replace(/([?&])password=[^&]*&?/, "$1");
  return {
    parameters: [`--dbname=${bare}`],
    env: password === undefined ? process.env : { ...process.env, PGPASSWORD: password },
  };
}

/** @returns what the program has written to its standard output */
async function run(program: string, parameters: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const child = spawn(program, parameters, { env, stdio: ["ignore", "pipe", "pipe"] });
  const end = () => child.kill();
  process.once("exit", end);
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  try {
    const [output, complaint, status] = await Promise.race([
      Promise.all([text(child.stdout), text(child.stderr), code]),
      failed,
    ]);
    if (status !== 0) throw new StartupError([`${program}: ${complaint.trim() || `it ended with ${status}`}`]);
    return output;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new StartupError([`${program} is not installed; it comes with PostgreSQL's client programs.`]);
  } finally {
    process.off("exit", end);
  }
}

async function requireDump(path: string): Promise<void> {
  let begin = "";
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
      begin = buffer.toString("latin1", 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new StartupError([`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}.`]);
  }
  if (begin !== MAGIC) throw new StartupError([`${path} is no backup of a PostgreSQL database of this service.`]);
}
