import { LOG_COLUMNS, type StreamTable, selectionOf } from "../stream-table.ts";

/**
 * The statements of a stream's batches, each of as many rows as it is given: as JSON, whose values the server takes for
 * what the columns are. Those that must find every row of theirs fail by a division by zero when they do not.
 */
export function batchStatements(stream: StreamTable) {
  const { table, changes, columns, unique, nullable } = stream;
  const names = Object.values(columns).map((column) => `"${column}"`);
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
  };
}
