import { sql as expression } from "kysely";
import type { ClientBase } from "pg";
import type { Sql, TableUse } from "../engine.ts";
import type { Inspect } from "./connections.ts";
import { WrongServer } from "./errors.ts";

/**
 * Asks each new connection whether it leads to where the others do. A standby answers with the past; it cannot become
 * one while a connection lasts, so asking once is enough.
 *
 * @param options the session's options; a pooler may drop them in silence
 */
export function inspection(options: string | undefined): Inspect {
  // as PostgreSQL reads them: `-c name=value`, `--name=value`, with - for _
  const names = [...(options ?? "").matchAll(/(?:-c\s*|--)([\w.-]+)\s*=/g)].map(([, name = ""]) =>
    name.toLowerCase().replaceAll("-", "_"),
  );
  const dropped = `select string_agg(name, ', ') from pg_settings
    where lower(name) = any($1::text[]) and source not in ('client', 'session')`;
  let schema: string | null | undefined;
  return async (client: ClientBase) => {
    const { rows } = await client.query("select pg_is_in_recovery() as standby, current_schema() as schema");
    if (rows[0].standby) throw new WrongServer("the server is a standby, which answers with the past");
    if (names.length > 0) {
      const ignored = (await client.query(dropped, [names])).rows[0].string_agg;
      if (ignored) throw new WrongServer(`the server, or a pooler before it, has ignored the options for ${ignored}`);
    }
    schema ??= rows[0].schema;
    // what two schemas hold are two catalogues
    if (rows[0].schema !== schema) throw new WrongServer("the current schema is not the one that it was at the start");
  };
}

/** What makes a database one that the service cannot use at all, a line for each fault. */
export async function unfitness(sql: Sql): Promise<readonly string[]> {
  const { rows } = await expression<{ encoding: string; schema: string | null; path: string; role: string }>`
    select current_setting('server_encoding') as encoding, current_schema() as schema,
      current_setting('search_path') as path, current_user as role`.execute(sql);
  const [{ encoding, schema, path, role } = { encoding: "", schema: "", path: "", role: "" }] = rows;
  return [
    ...(["UTF8", "SQL_ASCII"].includes(encoding)
      ? []
      : [`the database has the encoding ${encoding}, which cannot hold all titles; make one with encoding UTF8.`]),
    ...(schema === null
      ? [
          `there is no schema that the role ${role} may use: the search_path is ${path}. Create one, or grant usage on it.`,
        ]
      : []),
    ...(await readOnlyFault(sql)),
  ];
}

/** What keeps the role from doing what the service does to its tables, a line for each fault. */
export async function missingRights(sql: Sql, uses: readonly TableUse[]): Promise<readonly string[]> {
  const needs = uses.flatMap(({ table, rights }) => rights.map((right) => ({ table, right })));
  const { rows } = await expression<{ name: string; right: string; granted: boolean | null; role: string }>`
    select name, needed as right, current_user as role, has_table_privilege(
        to_regclass(quote_ident(current_schema()) || '.' || quote_ident(name)), needed) as granted
      from unnest(${needs.map(({ table }) => table)}::text[], ${needs.map(({ right }) => right)}::text[])
        as needs (name, needed)`.execute(sql);
  const absent = new Set(rows.filter(({ granted }) => granted === null).map(({ name }) => name));
  const [first] = rows;
  const lacking = uses.flatMap(({ table }) => {
    const rights = rows.filter(({ name, granted }) => name === table && granted === false).map(({ right }) => right);
    if (rights.length === 0) return [];
    return [
      `the role ${first?.role} lacks rights: grant ${rights.join(", ")} on ${table} to ${quoted(first?.role ?? "")}.`,
    ];
  });
  const numbered = uses.filter(({ table, drawsIds }) => drawsIds && !absent.has(table));
  return [
    ...[...absent].map((table) => `the table ${table} is not there, or the role may not use its schema.`),
    ...lacking,
    ...(await missingSequences(sql, numbered)),
    ...(await readOnlyFault(sql)),
  ];
}

/** Ids are drawn before rows are inserted, which an identity column does by itself and without that right. */
async function missingSequences(sql: Sql, uses: readonly TableUse[]): Promise<readonly string[]> {
  const { rows } = await expression<{ sequence: string; role: string }>`
    select sequence, current_user as role
      from unnest(${uses.map(({ table }) => table)}::text[]) as tables (name)
      cross join pg_get_serial_sequence(quote_ident(current_schema()) || '.' || quote_ident(name), 'id') as sequence
      where not has_sequence_privilege(sequence, 'usage')`.execute(sql);
  return rows.map(
    ({ sequence, role }) => `the role ${role} lacks rights: grant usage on sequence ${sequence} to ${quoted(role)}.`,
  );
}

async function readOnlyFault(sql: Sql): Promise<readonly string[]> {
  const { rows } = await expression<{ read_only: string }>`
    select current_setting('default_transaction_read_only') as read_only`.execute(sql);
  if (rows[0]?.read_only !== "on") return [];
  return ["the database or the role is read-only by default (default_transaction_read_only is on)."];
}

function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
