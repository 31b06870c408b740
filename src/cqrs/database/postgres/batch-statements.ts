import { KEPT_SECONDS } from "../kept-keys.ts";
import { LOG_COLUMNS, type StreamTable, selectionOf, writtenColumns } from "../stream-table.ts";

/**
 * The statements of a stream's batches, each of as many rows as it is given: as JSON, whose values the server takes for
 * what the columns are. Those that must find every row of theirs fail by a division by zero when they do not.
 */
export function batchStatements(stream: StreamTable) {
  const { table, changes, columns, unique, nullable } = stream;
  const names = writtenColumns(stream).map((column) => `"${column}"`);
  const selected = selectionOf(stream);
  const parked = unique
    .filter((property) => property !== "id")
    .map((property) => {
      // no row has a random text of its own
      const value = nullable.includes(property) ? "null" : "'parked ' || gen_random_uuid()";
      return `"${columns[property]}" = ${value}`;
    });
  const rows = (of: string) => `json_populate_recordset(null::"${of}", $1::json)`;
  const all = (statement: string, expected: string) =>
    `with done as (${statement} returning 1) select 1 / (count(*) = ${expected})::int from done`;
  const now = "extract(epoch from statement_timestamp())::bigint";
  return {
    // a statement of its own: one that also looks for rows would see them as they were before the lock was had
    lock: "select revision, token, read_model, lease_ms from stream where name = $1 for update",
    /** The values are arrays, one for each of these properties. */
    find: (properties: readonly string[]) =>
      `select ${selected} from "${table}" where ${properties
        .map((property, i) => `"${columns[property]}" = any($${i + 1})`)
        .join(" or ")} for update`,
    ids: "select nextval(pg_get_serial_sequence($1, 'id'))::int as id from generate_series(1, $2)",
    move: all("update stream set revision = $2, token = $3, previous_token = $4 where name = $1", "1"),
    delete: all(`delete from "${table}" where id = any($1)`, "cardinality($1)"),
    park: `update "${table}" set ${parked} where id = any($1)`,
    update: all(
      `update "${table}" as was set ${names.map((name) => `${name} = will.${name}`)} from ${rows(table)} as will
        where was.id = will.id`,
      "json_array_length($1)",
    ),
    insert: `insert into "${table}" (${names}) select ${names} from ${rows(table)}`,
    log: `insert into "${changes}" (${LOG_COLUMNS}) select ${LOG_COLUMNS} from ${rows(changes)}`,
    done: `select subject, key, kept.digest, log.kind, log.before, log.after
      from unnest($2::text[], $3::text[]) as asked (subject, key)
      join idempotency_key as kept using (subject, key) left join "${changes}" as log using (revision)
      where kept.stream = $1 and kept.at > ${now} - ${KEPT_SECONDS}`,
    /** Keeps the keys in $2, and removes at most $3 of those whose time is over. One that is kept anew may be among them. */
    keep: `with new as (
        select * from json_to_recordset($2) as new (subject text, key text, digest text, revision bigint)
      ), due as (
        select subject, key from idempotency_key where stream = $1 and at <= ${now} - ${KEPT_SECONDS} order by at limit $3
      ), pruned as (
        delete from idempotency_key as old using due
          where old.stream = $1 and (old.subject, old.key) = (due.subject, due.key)
            and (old.subject, old.key) not in (select subject, key from new)
      )
      insert into idempotency_key (stream, subject, key, digest, revision, at, repeats)
        select $1, subject, key, digest, revision, ${now}, 0 from new
        on conflict (stream, subject, key) do update
          set digest = excluded.digest, revision = excluded.revision, at = excluded.at, repeats = 0`,
    touch: all("update idempotency_key set repeats = repeats + 1 where stream = $1 and subject = $2 and key = $3", "1"),
  };
}
