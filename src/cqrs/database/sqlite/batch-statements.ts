import type Database from "better-sqlite3";
import { KEPT_SECONDS } from "../kept-keys.ts";
import { LOG_COLUMNS, type StreamTable, selectionOf, writtenColumns } from "../stream-table.ts";
import { wordIndexOf } from "../word-index-name.ts";

/** The statements of a stream's batches, prepared. Each is of one row, which it finds by the whole of an index. */
export function batchStatements(database: Database.Database, stream: StreamTable) {
  const { table, changes, columns, unique, nullable, derived } = stream;
  const names = writtenColumns(stream).map((column) => `"${column}"`);
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
    // as SQLite itself draws them: whoever has copied or changed rows by hand may have left the sequence behind
    lastId: database
      .prepare(
        `select max(coalesce((select seq from sqlite_sequence where name = ?), 0), coalesce((select max(id) from "${table}"), 0))`,
      )
      .pluck(),
    find: new Map(
      unique.map((property) => [
        property,
        database.prepare(`select ${selected} from "${table}" where "${columns[property]}" = ?`),
      ]),
    ),
    move: database.prepare("update stream set revision = ?, token = ?, previous_token = ? where name = ?"),
    merge: derived?.hasWords ? database.prepare(mergeStatement(table)) : undefined,
    delete: database.prepare(`delete from "${table}" where id = ?`),
    park: parked.length > 0 ? database.prepare(`update "${table}" set ${parked} where id = ?`) : undefined,
    update: database.prepare(`update "${table}" set ${names.map((name) => `${name} = ?`)} where id = ?`),
    insert: database.prepare(`insert into "${table}" (${names}) values (${places(names)})`),
    raiseId: database.prepare("update sqlite_sequence set seq = ? where name = ?"),
    firstId: database.prepare("insert into sqlite_sequence (seq, name) values (?, ?)"),
    log: database.prepare(`insert into "${changes}" (${LOG_COLUMNS}) values (${places(LOG_COLUMNS)})`),
    done: database.prepare(
      `select kept.subject, kept.key, kept.digest, log.kind, log.before, log.after
        from idempotency_key as kept left join "${changes}" as log on log.revision = kept.revision
        where kept.stream = ? and kept.subject = ? and kept.key = ? and kept.at > unixepoch() - ${KEPT_SECONDS}`,
    ),
    // one whose time is over may still be there
    keep: database.prepare(
      `insert or replace into idempotency_key (stream, subject, key, digest, revision, at, repeats)
        values (?, ?, ?, ?, ?, unixepoch(), 0)`,
    ),
    touch: database.prepare(
      "update idempotency_key set repeats = repeats + 1 where stream = ? and subject = ? and key = ?",
    ),
    prune: database.prepare(
      `delete from idempotency_key where rowid in (select rowid from idempotency_key
        where stream = ? and at <= unixepoch() - ${KEPT_SECONDS} order by at limit ?)`,
    ),
  };
}

/** Steps of the merging that FTS5 needs, so that none of them takes long: pages that are written at most. */
function mergeStatement(table: string): string {
  const index = wordIndexOf(table);
  return `insert into ${index} (${index}, rank) values ('merge', ?)`;
}
