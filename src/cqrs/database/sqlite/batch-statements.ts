import type Database from "better-sqlite3";
import { LOG_COLUMNS, type StreamTable, selectionOf } from "../stream-table.ts";

/** The statements of a stream's batches, prepared. Each is of one row, which it finds by the whole of an index. */
export function batchStatements(database: Database.Database, stream: StreamTable) {
  const { table, changes, columns, unique, nullable } = stream;
  const names = Object.values(columns).map((column) => `"${column}"`);
  const selected = selectionOf(stream);
  const places = (values: readonly unknown[]) => values.map(() => "?");
  const parked = unique
    .filter((property) => property !== "id")
    .map((property) => {
      // no row has a random text of its own
      const value = nullable.includes(property) ? "null" : "'parked ' || lower(hex(randomblob(16)))";
      return `"${columns[property]}" = ${value}`;
    });
  return {
    row: database.prepare("select revision, token, read_model, lease_ms from stream where name = ?"),
    lastId: database.prepare("select seq from sqlite_sequence where name = ?").pluck(),
    find: new Map(
      unique.map((property) => [
        property,
        database.prepare(`select ${selected} from "${table}" where "${columns[property]}" = ?`),
      ]),
    ),
    move: database.prepare("update stream set revision = ?, token = ?, previous_token = ? where name = ?"),
    delete: database.prepare(`delete from "${table}" where id = ?`),
    park: parked.length > 0 ? database.prepare(`update "${table}" set ${parked} where id = ?`) : undefined,
    update: database.prepare(`update "${table}" set ${names.map((name) => `${name} = ?`)} where id = ?`),
    insert: database.prepare(`insert into "${table}" (${names}) values (${places(names)})`),
    raiseId: database.prepare("update sqlite_sequence set seq = ? where name = ?"),
    firstId: database.prepare("insert into sqlite_sequence (seq, name) values (?, ?)"),
    log: database.prepare(`insert into "${changes}" (${LOG_COLUMNS}) values (${places(LOG_COLUMNS)})`),
  };
}
