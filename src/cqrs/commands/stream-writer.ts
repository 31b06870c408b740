import type { CompiledQuery } from "kysely";
import type { Change, Commit, Effect, Outcome } from "../change.ts";
import type { OrmService } from "../database/orm-service.ts";
import { Refusal } from "../errors.ts";
import { newToken } from "../mark.ts";
import { type StreamDefinition, type StreamRow, streamRow } from "../stream.ts";

/**
 * A command's own part: it reads and writes through `tx`, and throws a `Refusal` when its rules say no. `revision` is
 * the one that it makes unless it throws.
 */
export type Command<T> = (tx: OrmService, revision: number) => Promise<Effect<T>>;

interface Claim extends StreamRow {
  readonly previousToken: string;
}

/**
 * Commits the commands of a stream. The row's lock orders them all, whichever process they run in: revisions have no gaps
 * and are in commit order.
 */
export class StreamWriter<T extends object> {
  readonly #orm: OrmService;
  readonly #definition: StreamDefinition<T>;
  #claiming: CompiledQuery | undefined;
  #appending: CompiledQuery | undefined;

  constructor(orm: OrmService, definition: StreamDefinition<T>) {
    this.#orm = orm;
    this.#definition = definition;
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

  /** The first statement of every command: it takes the row's lock and the next revision. */
  async #claim(tx: OrmService): Promise<Claim> {
    const { name } = this.#definition;
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
      this.#appending ??= sql.insertInto(this.#definition.changes).values(row).compile();
      return sql.executeQuery({ ...this.#appending, parameters: Object.values(row) });
    });
    return { revision, token, previousToken, kind, before, after };
  }
}
