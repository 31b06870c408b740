import { adoptionOf } from "../adoption.ts";
import type { Aggregate } from "../aggregate.ts";
import { lockStreams } from "../database/lock-streams.ts";
import type { OrmService } from "../database/orm-service.ts";
import { Derivation } from "../derivation.ts";
import { derivedColumns } from "../derived.ts";
import type { RedisService } from "../redis/redis-service.ts";
import type { StreamDefinition } from "../stream.ts";
import { examinedRow } from "./chain-check.ts";
import { Findings } from "./findings.ts";
import { forgetKeysBeyond } from "./kept-keys-check.ts";
import { leftoverKeys } from "./leftover-keys.ts";
import { LogCheck, type Unlogged } from "./log-check.ts";
import { RowCheck } from "./row-check.ts";
import { TableAndLog } from "./table-and-log.ts";

/** Who stands in the change log for what somebody has done to the table by hand. */
const DOCTOR = "doctor";

/** Rows that are made a change of in one transaction. */
const BATCH = 64;

/** Puts right what an examination has found of a stream. All of it is safe beside processes that run. */
export class Repair<T extends object> {
  readonly #orm: OrmService;
  readonly #definition: StreamDefinition<T>;
  readonly #found: Findings;
  readonly #say: (line: string) => void;

  constructor(orm: OrmService, definition: StreamDefinition<T>, found: Findings, say: (line: string) => void) {
    this.#orm = orm;
    this.#definition = definition;
    this.#found = found;
    this.#say = say;
  }

  /** Makes anew what is derived of rows, where it is wrong. */
  async derived(): Promise<void> {
    if (!this.#found.has("derived")) return;
    const ids: number[] = [];
    const source = new TableAndLog(this.#orm, this.#definition, derivedColumns(this.#definition.derived as never));
    await this.#orm.snapshot(async (sql) => {
      const check = new RowCheck(source, new Findings(""), undefined, (id) => ids.push(id));
      for await (const _ of check.through(sql, source.rows(sql)));
    });
    const derivation = new Derivation(this.#orm, this.#definition);
    await derivation.forget(ids);
    await derivation.renew();
    this.#say(`what is derived of ${ids.length} rows was made anew`);
  }

  /** Forgets idempotency keys that stand for what was never done. */
  async keys(): Promise<void> {
    if (!this.#found.has("keys")) return;
    const { name } = this.#definition;
    const forgotten = await this.#orm.transaction((tx) =>
      tx.sql(async (sql) => {
        await lockStreams(sql, [name]);
        return forgetKeysBeyond(sql, name);
      }),
    );
    if (forgotten > 0) this.#say(`${forgotten} keys that stood for nothing were forgotten`);
  }

  /**
   * Has the log tell of what was done to rows by hand, as changes of today: what the table has counts, and what the log says
   * of before stays. They are commands like others, which read models and subscribers learn of.
   */
  async table({ commands }: Aggregate<T>): Promise<void> {
    if (!this.#found.has("table")) return;
    const ids: number[] = [];
    await this.#unlogged(undefined, ({ id }) => ids.push(id));
    let adopted = 0;
    for (let at = 0; at < ids.length; at += BATCH) {
      try {
        adopted += await this.#adopt(commands, ids.slice(at, at + BATCH));
      } catch (error) {
        // the others of the batch may have been done
        this.#say(`not done: ${(error as Error).message}`);
      }
    }
    this.#say(`${adopted} changes that were made by hand are in the log now, by ${DOCTOR}`);
  }

  async #adopt(commands: Aggregate<T>["commands"], ids: readonly number[]): Promise<number> {
    const { key } = this.#definition;
    const revisions = new Map<number, number>();
    const batch: ReturnType<typeof adoptionOf<T>>[] = [];
    await this.#unlogged(ids, ({ id, revision = 0, logged, row }) => {
      // as a field of the read model it would be the mark
      if (row?.[key] === "") return this.#say(`not done: ${id} has an empty ${key}; give it one by hand first`);
      revisions.set(id, revision);
      batch.push(adoptionOf(id, logged, row));
    });
    if (batch.length === 0) return 0;
    // another doctor may be at it: what it has done is not done again
    const onceOf = (id: number) => ({ subject: DOCTOR, key: `${DOCTOR} ${id} ${revisions.get(id)}`, digest: "adopt" });
    const done = await commands.executeAll(batch, ({ id }) => ({ who: DOCTOR, once: onceOf(id) }));
    return done.filter(({ change }) => change).length;
  }

  /** Has the read model that was found wrong rebuilt under another name, if it is still in force. */
  async readModel(aggregate: Aggregate<T>): Promise<void> {
    const { readModel } = this.#found;
    if (!this.#found.has("read model") || readModel === undefined) return;
    if (await aggregate.renewReadModel(readModel)) this.#say("the read model was rebuilt");
    else this.#say("the read model could not be rebuilt yet; run this again");
  }

  /** Removes keys of read models that nobody reads and that would stay for ever. */
  async leftOver(redis: RedisService): Promise<void> {
    const { connection } = redis;
    if (!this.#found.has("left over", "read model") || !connection) return;
    const { readModel } = await new TableAndLog(this.#orm, this.#definition).stream.row();
    const { forEver } = await leftoverKeys(redis, connection, this.#definition.name, readModel);
    for (const key of forEver) await redis.call(connection, (shared) => shared.unlink(key));
    if (forEver.length > 0) this.#say(`${forEver.length} keys that nobody reads were removed from Redis`);
  }

  /** What the log does not tell of, of all rows or of those with these ids. */
  async #unlogged(ids: readonly number[] | undefined, take: (unlogged: Unlogged<T>) => void): Promise<void> {
    const source = new TableAndLog(this.#orm, this.#definition, [], ids);
    await this.#orm.snapshot(async (sql) => {
      const { trimmedTo } = await examinedRow(sql, this.#definition.name);
      await new LogCheck(source, trimmedTo, new Findings(""), take).run(sql, source.rows(sql));
    });
  }
}
