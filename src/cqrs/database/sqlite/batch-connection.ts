import type Database from "better-sqlite3";
import { type Batch, decideBatch, type KeyMap, keysBeside, keysOf, type Writes } from "../../batch.ts";
import { type Derived, derivedValues } from "../../derived.ts";
import type { Keyed } from "../../instances.ts";
import type { Done } from "../../repeats.ts";
import { type DoneRow, doneOf, PRUNED_PER_KEY } from "../kept-keys.ts";
import {
  type AnyDecisions,
  BatchFailure,
  type BatchStream,
  type Committed,
  logRow,
  type RowMapper,
  type StreamTable,
} from "../stream-table.ts";
import { batchStatements } from "./batch-statements.ts";
import { isBusy } from "./connection.ts";

/** How much of the index of words a batch merges: about as much as will have to be merged because of it. */
const MERGED_PAGES = 8;
const ROWS_PER_MERGED_PAGE = 4;

interface Row {
  readonly revision: number;
  readonly token: string;
  readonly read_model: string | null;
  readonly lease_ms: number;
}

/** A stream whose values SQLite's rows hold. */
export interface SqliteStream extends Pick<BatchStream, "table" | "decisions" | "derived"> {
  readonly mapper: Pick<RowMapper, "instance" | "toRow">;
}

/**
 * Commits the batches of one stream over a connection: each is loaded, decided and written in one transaction, by a handful
 * of statements that are prepared once. It blocks the thread that it is used in.
 */
export class BatchConnection {
  readonly #database: Database.Database;
  readonly #table: StreamTable;
  readonly #mapper: Pick<RowMapper, "instance" | "toRow">;
  readonly #shape: { readonly properties: readonly string[]; readonly unique: readonly string[] };
  readonly #decisions: AnyDecisions;
  readonly #derived: Derived<never> | undefined;
  #statements: ReturnType<typeof batchStatements> | undefined;

  constructor(database: Database.Database, { table, decisions, derived, mapper }: SqliteStream) {
    this.#database = database;
    this.#mapper = mapper;
    this.#table = table;
    this.#shape = { properties: Object.keys(table.columns), unique: table.unique };
    this.#decisions = decisions;
    this.#derived = derived;
  }

  /**
   * Takes the lock and says whether it was to be had: another process may have it, or another connection of this one.
   *
   * @throws BatchFailure
   */
  begin(): boolean {
    try {
      this.#database.exec("begin immediate");
      return true;
    } catch (error) {
      if (isBusy(error)) return false;
      throw new BatchFailure(error, false);
    }
  }

  /** Commits a batch in the transaction that has begun. @throws BatchFailure */
  commit(batch: Batch<never>): Committed {
    let committing = false;
    try {
      const row = this.#row();
      const ids = this.#ids();
      const loaded = this.#load(batch);
      const done = this.#done(batch);
      const at = new Date().toISOString();
      const { outcomes, writes } = decideBatch(this.#decisions, batch, row, this.#shape, loaded, ids.next, at, done);
      if (writes.changes.length > 0 || writes.repeated) {
        if (writes.changes.length > 0) this.#write(writes, at);
        this.#writeKeys(writes);
        ids.keep();
        committing = true;
        this.#database.exec("commit");
      } else this.#database.exec("rollback");
      return { outcomes, readModel: row.read_model, leaseMs: row.lease_ms };
    } catch (error) {
      // SQLite rolls some failures back by itself
      if (this.#database.inTransaction) this.#database.exec("rollback");
      throw new BatchFailure(error, committing);
    }
  }

  #row(): Row {
    const { stream } = this.#table;
    const row = this.#prepared.row.get(stream) as Row | undefined;
    if (!row) throw new Error(`the table stream has no row for ${stream}`);
    return row;
  }

  #load(batch: Batch<never>): Keyed[] {
    const loaded = new Map<number, Keyed>();
    this.#loadUnder(keysOf(this.#decisions, batch), loaded);
    this.#loadUnder(keysBeside(this.#decisions, [...loaded.values()]), loaded);
    return [...loaded.values()];
  }

  #loadUnder(keys: KeyMap, loaded: Map<number, Keyed>): void {
    for (const [property, values] of keys) {
      const find = this.#prepared.find.get(property);
      for (const value of find ? values : []) {
        const row = find?.get(this.#mapper.toRow(property, value));
        const instance: Keyed | undefined = row && this.#mapper.instance(row);
        // one under two keys is one
        if (instance && !loaded.has(instance.id)) loaded.set(instance.id, instance);
      }
    }
  }

  #done({ asked }: Batch<never>): Done<Keyed>[] {
    return asked.flatMap(({ once }) => {
      const row = once && (this.#prepared.done.get(this.#table.stream, once.subject, once.key) as DoneRow | undefined);
      return row ? [doneOf<Keyed>(row)] : [];
    });
  }

  #writeKeys({ changes, kept, repeated }: Writes<Keyed>): void {
    const { stream } = this.#table;
    const { keep, touch, prune } = this.#prepared;
    for (const { subject, key, digest, revision } of kept) keep.run(stream, subject, key, digest, revision);
    if (repeated && changes.length === 0) one(touch.run(stream, repeated.subject, repeated.key));
    if (kept.length > 0) prune.run(stream, kept.length * PRUNED_PER_KEY);
  }

  /** Ids that were never given out. */
  #ids() {
    const { table } = this.#table;
    const { lastId, raiseId, firstId } = this.#prepared;
    let drawn = 0;
    return {
      next: () => {
        if (drawn === 0) drawn = lastId.get(table) as number;
        return ++drawn;
      },
      /** Notes what was drawn: one that was added and deleted again leaves no row, but has had its id. */
      keep: () => {
        if (drawn === 0 || lastId.get(table) === drawn) return;
        if (raiseId.run(drawn, table).changes === 0) firstId.run(drawn, table);
      },
    };
  }

  #write({ deleted, parked, updated, added, changes }: Writes<Keyed>, at: string): void {
    const { move, delete: remove, park, update, insert, log, merge } = this.#prepared;
    const last = changes.at(-1);
    one(move.run(last?.revision, last?.token, last?.previousToken, this.#table.stream));
    for (const id of deleted) one(remove.run(id));
    for (const id of parked) if (park) one(park.run(id));
    for (const instance of updated) one(update.run(...this.#values(instance), instance.id));
    for (const instance of added) one(insert.run(...this.#values(instance)));
    for (const change of changes) log.run(...Object.values(logRow(change, at)));
    merge?.run(MERGED_PAGES + Math.ceil((deleted.length + updated.length + added.length) / ROWS_PER_MERGED_PAGE));
  }

  #values(instance: object): unknown[] {
    const own = this.#shape.properties.map((property) => {
      const value = this.#mapper.toRow(property, (instance as Record<string, unknown>)[property]);
      // SQLite has no booleans
      return typeof value === "boolean" ? Number(value) : value;
    });
    return this.#derived ? [...own, ...derivedValues(this.#derived, instance as never)] : own;
  }

  /** Prepared when they are first needed: the tables are there by then. */
  get #prepared() {
    this.#statements ??= batchStatements(this.#database, this.#table);
    return this.#statements;
  }
}

/** Rows that are written were loaded under the same lock. */
function one({ changes }: Database.RunResult): void {
  if (changes !== 1) throw new Error("a row vanished inside a transaction");
}
