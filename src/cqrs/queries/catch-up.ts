import type { Change } from "../change.ts";
import type { Counts } from "../counts.ts";
import { formatMark, type Mark, sameMark } from "../mark.ts";
import { MARK_FIELD, memberOf, readModelKeys } from "../redis/keys.ts";
import type { RedisService } from "../redis/redis-service.ts";
import type { Stream } from "../stream.ts";
import { traced, traces } from "../tracing.ts";
import type { Head } from "./head.ts";
import { type RedisReads, soundMark } from "./redis-reads.ts";
import type { TableReads } from "./table-reads.ts";
import { ForeignHistory } from "./unsound.ts";
import { WholeChanges } from "./whole-changes.ts";

/** Changes applied by one script. */
const CATCH_UP_CHUNK = 200;

/** Brings the read model up to the database: by the changes of a commit, and by those in the log that it lacks. */
export class CatchUp<T extends object> {
  readonly #stream: Stream<T>;
  readonly #head: Head<T>;
  readonly #redis: RedisService;
  readonly #wholeChanges: WholeChanges<T>;
  readonly #counts: Counts;
  #catchUps: Promise<unknown> = Promise.resolve();

  constructor(stream: Stream<T>, table: TableReads<T>, head: Head<T>, redis: RedisService, counts: Counts) {
    this.#counts = counts;
    this.#stream = stream;
    this.#head = head;
    this.#redis = redis;
    this.#wholeChanges = new WholeChanges(stream.definition, table);
  }

  /**
   * Applies a commit's changes, of which `last` is the mark of the last, and what is missing before them.
   *
   * @throws Unsound
   */
  async apply(source: RedisReads<T>, changes: readonly Change<T>[], last: Mark): Promise<void> {
    const mark = await this.#send(source, changes);
    if (mark.revision < last.revision) await this.to(source, last.revision);
    else await this.verify(source, mark, last);
  }

  /**
   * Catches up to `revision` from the change log. One after the other: whoever comes second finds the work done.
   *
   * @throws Unsound
   */
  to(source: RedisReads<T>, revision: number): Promise<void> {
    this.#counts.catchUps++;
    const describe = () => ({ stream: this.#stream.definition.name, revision });
    const next = this.#catchUps.then(() => traced(traces.catchUp, describe, () => this.#catchUpTo(source, revision)));
    this.#catchUps = next.catch(() => {});
    return next;
  }

  /**
   * Makes sure that `mark`, at which Redis now is, is a state of this database's history: `known`, or found in the log.
   *
   * @throws ForeignHistory
   */
  async verify({ chain }: RedisReads<T>, mark: Mark, known?: Mark): Promise<void> {
    // Redis first, then the log: whatever the mark says was committed before it was written
    const isKnown = (known && sameMark(mark, known)) || chain.isVerified(mark) || (await this.#head.knows(mark));
    if (!isKnown) throw new ForeignHistory("the mark is of another history");
    chain.verify(mark);
    this.#head.learn(mark);
  }

  /** @throws ForeignHistory when the log does not continue from the mark */
  async #catchUpTo(source: RedisReads<T>, revision: number): Promise<void> {
    const { name, connection, chain } = source;
    const { rows } = readModelKeys(this.#stream.definition.name, name);
    let last: Mark | undefined;
    for (;;) {
      const at = soundMark(await this.#redis.call(connection, (redis) => redis.hget(rows, MARK_FIELD)));
      chain.see(at);
      if (at.revision >= revision) return this.verify(source, at, last);
      // Redis first, then the log: the log is then at least as new as the mark
      const logged = await this.#stream.changesAfter(at.revision, CATCH_UP_CHUNK);
      const changes = await this.#whole(source, at, logged);
      if (!changes) continue;
      const reached = await this.#send(source, changes);
      if (reached.revision <= at.revision) throw new ForeignHistory("the change log does not continue from the mark");
      last = changes.at(-1);
    }
  }

  /** These changes as this version logs them; undefined when the mark has moved on from `at`, the one before the first. */
  async #whole(
    { name, connection, chain }: RedisReads<T>,
    at: Mark,
    logged: readonly Change<Partial<T>>[],
  ): Promise<Change<T>[] | undefined> {
    const keys = this.#wholeChanges.keysNeeded(logged);
    if (keys.length === 0) return this.#wholeChanges.from(logged, new Map());
    const { rows } = readModelKeys(this.#stream.definition.name, name);
    const reply = await this.#redis.call(connection, (redis) => redis.hmget(rows, MARK_FIELD, ...keys));
    const mark = soundMark(reply[0]);
    chain.see(mark);
    if (!sameMark(mark, at)) return undefined;
    return this.#wholeChanges.from(logged, new Map(keys.map((key, i) => [key, reply[i + 1] ?? null])));
  }

  async #send({ name, connection, chain }: RedisReads<T>, changes: readonly Change<T>[]): Promise<Mark> {
    const { name: stream, key, order: by } = this.#stream.definition;
    const { rows, order } = readModelKeys(stream, name);
    const member = (instance: T) => memberOf(by?.of, String(instance[key]));
    const args = changes.flatMap(({ revision, token, previousToken, before, after }) => [
      revision,
      formatMark({ revision: revision - 1, token: previousToken }),
      formatMark({ revision, token }),
      before ? member(before) : "",
      after ? member(after) : "",
      after ? JSON.stringify(after) : "",
    ]);
    const mark = soundMark(await this.#redis.call(connection, (redis) => redis.applyChanges(rows, order, ...args)));
    chain.see(mark);
    return mark;
  }
}
