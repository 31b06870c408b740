import { sql as expression } from "kysely";
import type { Examined, Sql, UniqueColumn } from "../engine.ts";
import type { Connections } from "./connections.ts";

/** How long an index may take to be made anew, in milliseconds. */
const REINDEX_MS = 24 * 60 * 60 * 1000;

/** What PostgreSQL itself says of these tables, and of how it was set up. */
export async function examinePostgres(
  sql: Sql,
  tables: readonly string[],
  unique: readonly UniqueColumn[],
): Promise<Examined> {
  const { rows: indexes } = await expression<{ name: string }>`
    select of_index.relname as name from pg_index
      join pg_class as of_index on of_index.oid = indexrelid
      join pg_class as of_table on of_table.oid = indrelid
      where of_table.relnamespace = current_schema()::regnamespace and of_table.relname = any(${tables}::text[])
        and not (indisvalid and indisready and indislive) order by 1`.execute(sql);
  const { rows: kept } = await expression<UniqueColumn>`
    select of_table.relname as "table", attname as "column" from pg_index
      join pg_class as of_table on of_table.oid = indrelid
      join pg_attribute on attrelid = indrelid and attnum = indkey[0]
      where of_table.relnamespace = current_schema()::regnamespace and of_table.relname = any(${tables}::text[])
        and indisunique and indisvalid and indpred is null and indnkeyatts = 1`.execute(sql);
  const { rows: settings } = await expression<{ name: string }>`
    select name from pg_settings where name in ('fsync', 'full_page_writes') and setting = 'off' order by 1`.execute(
    sql,
  );
  return {
    faults: [],
    unusable: indexes.map(({ name }) => name),
    notUnique: unique.filter(
      ({ table, column }) => !kept.some((index) => index.table === table && index.column === column),
    ),
    notes: settings.map(({ name }) => `${name} is off: a crash of the server's machine may lose what was acknowledged`),
  };
}

/** Makes an index anew, or removes one that an attempt to do so has left. Whoever reads or writes does not wait. */
export async function mendIndex(connections: Connections, index: string): Promise<void> {
  const client = await connections.connect();
  let failure: Error | undefined;
  try {
    const how = /_ccnew\d*$/.test(index) ? "drop index concurrently" : "reindex index concurrently";
    await client.query({ text: `${how} "${index.replaceAll('"', '""')}"`, query_timeout: REINDEX_MS } as never);
  } catch (error) {
    failure = error as Error;
    throw error;
  } finally {
    client.release(failure);
  }
}
