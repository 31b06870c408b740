import { sql as expression } from "kysely";
import type { Change } from "./change.ts";
import type { Sql } from "./database/engine.ts";
import type { AnyEntity } from "./database/orm-options.ts";
import type { OrmService } from "./database/orm-service.ts";
import type { Decisions } from "./decisions.ts";
import type { Derived } from "./derived.ts";
import type { Format } from "./format.ts";
import type { Mark } from "./mark.ts";

/** What makes an aggregate a stream: its name, its entity, its change log, its format and the property that it is read by. */
export interface StreamDefinition<T extends object> {
  /** The row's name in the table `stream`, and the first part of the stream's Redis keys. */
  readonly name: string;
  readonly entity: AnyEntity;
  /** The unique, never empty string property that is the hash field of the read model. */
  readonly key: keyof T & string;
  /**
   * What instances are sorted by before their keys: a function of the key, such as its folded form, and the derived column
   * that has it. Without it they go by their keys alone. It is a part of the format.
   */
  readonly order?: { readonly column: string; readonly of: (key: string) => string };
  /** The table of the change log. */
  readonly changes: string;
  readonly format: Format<T>;
  /** How its commands are decided. */
  // biome-ignore lint/suspicious/noExplicitAny: only its command side knows the commands
  readonly decisions: Decisions<T, any, any>;
  /** What the table stores of an instance beside it, if anything. */
  readonly derived?: Derived<T>;
  /** For a column of the table, those that its index has beside, where `Ddl.readsIndexAlone`: lists count by it alone. */
  readonly carried?: Readonly<Record<string, readonly string[]>>;
}

/** The one row of a stream. */
export interface StreamRow extends Mark {
  readonly name: string;
  /** The read model in force; null until the first process with Redis has joined. */
  readonly readModel: string | null;
  /** How long a look-up of this row counts, in milliseconds. */
  readonly leaseMs: number;
}

/** The row that carries the promise, and the log of every change. `StreamWriter` adds to both. */
export class Stream<T extends object> {
  readonly definition: StreamDefinition<T>;
  readonly #orm: OrmService;

  constructor(orm: OrmService, definition: StreamDefinition<T>) {
    this.#orm = orm;
    this.definition = definition;
  }

  /** Raises the lease of the row to `leaseMs` where it is shorter; only `reset` lowers it. */
  async raiseLease(leaseMs: number): Promise<void> {
    const { name } = this.definition;
    if ((await this.row()).leaseMs >= leaseMs) return;
    await this.#orm.transaction((tx) =>
      tx.sql((sql) =>
        sql
          .updateTable("stream")
          .set({ lease_ms: leaseMs })
          .where("name", "=", name)
          .where("lease_ms", "<", leaseMs)
          .execute(),
      ),
    );
  }

  /** The row as it is now. */
  async row(): Promise<StreamRow> {
    return this.#orm.sql((sql) => this.rowIn(sql));
  }

  /**
   * The row as it is now, and whether `mark` is a state of this database's history if one is asked for. Over a connection
   * that other reads do not keep busy.
   */
  async lookUp(mark?: Mark): Promise<StreamRow & { readonly isKnown: boolean }> {
    return this.#orm.lookUp(async (sql) => {
      const row = await sql
        .selectFrom("stream")
        .selectAll()
        .$if(mark !== undefined, (query) => query.select(this.#isKnown(mark as Mark).as("is_known")))
        .where("name", "=", this.definition.name)
        .executeTakeFirstOrThrow();
      return { ...streamRow(row), isKnown: Boolean(row.is_known) };
    });
  }

  /** The row in a snapshot or transaction. */
  async rowIn(sql: Sql): Promise<StreamRow> {
    return streamRow(
      await sql.selectFrom("stream").selectAll().where("name", "=", this.definition.name).executeTakeFirstOrThrow(),
    );
  }

  /** Up to `limit` changes after `revision`, in order. Other versions may have logged more properties, or fewer. */
  async changesAfter(revision: number, limit: number): Promise<Change<Partial<T>>[]> {
    const rows = await this.#orm.sql((sql) =>
      sql
        .selectFrom(this.definition.changes)
        .selectAll()
        .where("revision", ">", revision)
        .orderBy("revision")
        .limit(limit)
        .execute(),
    );
    return rows.map((change) => ({
      revision: Number(change.revision),
      token: change.token,
      previousToken: change.previous_token,
      kind: change.kind,
      before: change.before === null ? null : JSON.parse(change.before),
      after: change.after === null ? null : JSON.parse(change.after),
      who: change.who,
    }));
  }

  /** Whether the log leads to or from this state, or it is the row's. */
  #isKnown({ revision, token }: Mark) {
    const changes = expression.table(this.definition.changes);
    return expression<boolean>`(stream.revision = ${revision} and stream.token = ${token})
      or exists (select 1 from ${changes} where revision = ${revision} and token = ${token})
      or exists (select 1 from ${changes} where revision = ${revision + 1} and previous_token = ${token})`;
  }

  /** Puts the read model `next` in force if `current` still is; says whether it did. */
  async replaceReadModel(current: string | null, next: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#orm.transaction((tx) =>
      tx.sql((sql) =>
        sql
          .updateTable("stream")
          .set({ read_model: next })
          .where("name", "=", this.definition.name)
          .where("read_model", current === null ? "is" : "=", current)
          .executeTakeFirstOrThrow(),
      ),
    );
    return Number(numUpdatedRows) === 1;
  }

  /**
   * Takes the read model out of force, for when its Redis is gone for good, and sets the lease to `leaseMs` even where
   * it was longer. Only while no process runs: those that know the name or the longer lease would go on with it.
   *
   * @returns the row as it was
   */
  async reset(leaseMs: number): Promise<StreamRow> {
    return this.#orm.transaction((tx) =>
      tx.sql(async (sql) => {
        const row = await this.rowIn(sql);
        await sql
          .updateTable("stream")
          .set({ read_model: null, lease_ms: leaseMs })
          .where("name", "=", row.name)
          .execute();
        return row;
      }),
    );
  }
}

/** A row of the table `stream`, as it is selected. */
// biome-ignore lint/suspicious/noExplicitAny: a row of a table that is named at run time
function streamRow(row: any): StreamRow {
  return {
    name: row.name,
    revision: Number(row.revision),
    token: row.token,
    readModel: row.read_model,
    leaseMs: row.lease_ms,
  };
}
