import { type CompiledQuery, sql as expression } from "kysely";
import type { Sql } from "./database-engine.ts";
import { Refusal } from "./errors.ts";
import { type Mark, newToken } from "./mark.ts";
import type { AnyEntity, OrmService } from "./orm-service.ts";

/** What makes an aggregate a stream: its name, its entity, its change log and the property that it is read by. */
export interface StreamDefinition<T extends object> {
  /** The row's name in the table `stream`, and the first part of the stream's Redis keys. */
  readonly name: string;
  readonly entity: AnyEntity;
  /** The unique, never empty string property that is the hash field and the sort key of the read model. */
  readonly key: keyof T & string;
  /** The table of the change log. */
  readonly changes: string;
}

/** The one row of a stream. */
export interface StreamRow extends Mark {
  readonly name: string;
  /** The read model in force; null until the first process with Redis has joined. */
  readonly readModel: string | null;
  /** How long a look-up of this row counts, in milliseconds. */
  readonly leaseMs: number;
}

/** What a command did to one instance. `before` is null for one that was added, `after` for one that was deleted. */
export interface Effect<T> {
  readonly kind: "add" | "update" | "delete";
  readonly before: T | null;
  readonly after: T | null;
}

/** One entry of the change log: an effect, the mark that it led to, and the token of the state that it started from. */
export interface Change<T> extends Effect<T>, Mark {
  readonly previousToken: string;
}

/**
 * A command's own part: it reads and writes through `tx`, and throws a `Refusal` when its rules say no. `revision` is
 * the one that it makes unless it throws.
 */
export type Command<T> = (tx: OrmService, revision: number) => Promise<Effect<T>>;

/**
 * What became of one command: a change, a refusal, or a failure, which is whatever else it threw. The mark is the one that
 * it made, or at which it made none.
 */
export type Outcome<T> = Mark &
  (
    | { readonly change: Change<T>; readonly refusal?: undefined; readonly failure?: undefined }
    | { readonly refusal: Refusal; readonly change?: undefined; readonly failure?: undefined }
    | { readonly failure: Error; readonly change?: undefined; readonly refusal?: undefined }
  );

/** What became of one transaction's commands, and what the transaction itself saw in the row. */
export interface Commit<T> {
  readonly outcomes: readonly Outcome<T>[];
  readonly changes: readonly Change<T>[];
  readonly readModel: string | null;
  readonly leaseMs: number;
  /** `performance.now()` after the commit had returned. */
  readonly committedAt: number;
}

interface Claim extends StreamRow {
  readonly previousToken: string;
}

/**
 * The row that carries the promise, and the log of every change. All commands of a stream are ordered by the row's
 * lock: revisions have no gaps and are in commit order.
 */
export class Stream<T extends object> {
  readonly definition: StreamDefinition<T>;
  readonly #orm: OrmService;
  #claiming: CompiledQuery | undefined;
  #appending: CompiledQuery | undefined;

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

  /**
   * Runs the commands in order in one transaction. One command alone is that transaction; of several, each has a
   * savepoint, so that one that is refused or fails takes no revision and does not fail its neighbours.
   *
   * @throws OutcomeUnknown, DatabaseUnavailable, and what a command alone throws that is no `Refusal`; nothing is then
   *   known of any of them, refused ones included
   */
  async commit(commands: readonly Command<T>[]): Promise<Commit<T>> {
    let row: StreamRow | undefined;
    const run = async (orm: OrmService, command: Command<T>): Promise<Outcome<T>> => {
      let claim: Claim | undefined;
      try {
        const change = await orm.transaction(async (tx) => {
          row = claim = await this.#claim(tx);
          return this.#append(tx, claim, await command(tx, claim.revision));
        });
        return { change, revision: change.revision, token: change.token };
      } catch (error) {
        if (!claim) throw error;
        const before = { revision: claim.revision - 1, token: claim.previousToken };
        if (error instanceof Refusal) return { refusal: error, ...before };
        if (orm === this.#orm) throw error;
        return { failure: error as Error, ...before };
      }
    };
    const [only] = commands;
    const outcomes =
      only && commands.length === 1
        ? [await run(this.#orm, only)]
        : await this.#orm.transaction(async (tx) => {
            const done: Outcome<T>[] = [];
            for (const command of commands) done.push(await run(tx, command));
            return done;
          });
    const committedAt = performance.now();
    if (!row) throw new RangeError("a commit needs at least one command");
    const { readModel, leaseMs } = row;
    return { outcomes, changes: outcomes.flatMap(({ change }) => change ?? []), readModel, leaseMs, committedAt };
  }

  /** Up to `limit` changes after `revision`, in order. */
  async changesAfter(revision: number, limit: number): Promise<Change<T>[]> {
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

  /** The first statement of every command: it takes the row's lock and the next revision. */
  async #claim(tx: OrmService): Promise<Claim> {
    const { name } = this.definition;
    const token = newToken();
    const [row] = await tx.sql(async (sql) => {
      // compiled once, as below: compiling costs more than running
      this.#claiming ??= sql
        .updateTable("stream")
        .set((column) => ({
          revision: column("revision", "+", column.lit(1)),
          previous_token: column.ref("token"),
          token,
        }))
        .where("name", "=", name)
        .returningAll()
        .compile();
      // biome-ignore lint/suspicious/noExplicitAny: a row of a table that is named at run time
      return (await sql.executeQuery<any>({ ...this.#claiming, parameters: [token, name] })).rows;
    });
    if (!row) throw new Error(`the table stream has no row for ${name}`);
    return { ...streamRow(row), previousToken: row.previous_token };
  }

  async #append(tx: OrmService, claim: Claim, effect: Effect<T>): Promise<Change<T>> {
    const { kind, before, after } = effect;
    const { revision, token, previousToken } = claim;
    const instance = (after ?? before) as { id?: number } | null;
    const row = {
      revision,
      token,
      previous_token: previousToken,
      at: new Date().toISOString(),
      kind,
      entity_id: instance?.id ?? null,
      before: before && JSON.stringify(before),
      after: after && JSON.stringify(after),
    };
    await tx.sql((sql) => {
      this.#appending ??= sql.insertInto(this.definition.changes).values(row).compile();
      return sql.executeQuery({ ...this.#appending, parameters: Object.values(row) });
    });
    return { revision, token, previousToken, kind, before, after };
  }
}

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
