import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { until } from "./deadline.ts";
import type { Head } from "./head.ts";
import { formatMark, type Mark, sameMark } from "./mark.ts";
import type { Answer, Reads } from "./reads.ts";
import { rebuild } from "./rebuild.ts";
import { RebuildBackoff } from "./rebuild-backoff.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { ElsewhereError, isReplyError, RedisUnavailable } from "./redis-fault.ts";
import { RedisReads, soundMark } from "./redis-reads.ts";
import type { RedisService } from "./redis-service.ts";
import {
  KEY_FORMAT,
  livesAt,
  MARK_FIELD,
  ON_CLUSTER,
  parseReadModelName,
  type RedisPlace,
  readModelKeys,
  samePlace,
  TIME_TO_LIVE_MS,
} from "./scripts.ts";
import { Scrub } from "./scrub.ts";
import type { Change, Commit, Stream, StreamRow } from "./stream.ts";
import type { TableReads } from "./table-reads.ts";
import { ForeignHistory, Garbled, Unsound } from "./unsound.ts";

/** How often the read model is looked after when nothing else gives cause to. Milliseconds. */
const TEND_INTERVAL_MS = 1000;
/** How long a read model on a cluster may be out of reach before it is given up. Milliseconds. */
const LOST_AFTER_MS = 5000;
/** Changes applied by one script. */
const CATCH_UP_CHUNK = 200;
/** Between two rounds of upkeep, so that a problem that stays does not keep the process busy. Milliseconds. */
const TEND_PAUSE_MS = 20;

/** What a read of Redis must prove to count: where it is asked, what that must hold, and how new the answer must be. */
interface Fence<T extends object> {
  readonly source: RedisReads<T>;
  readonly mark: Mark;
  readonly revision: number;
}

/**
 * The copy of a stream's instances in Redis: fenced reads (rules 1 to 3 of docs/promise.md), refresh by the command side
 * (rule 4), and the upkeep that finds it unsound, behind or missing (rule 5).
 *
 * Its reads answer `undefined` whenever Redis cannot answer honestly. They change nothing in Redis.
 */
export class ReadModel<T extends object> {
  readonly #stream: Stream<T>;
  readonly #table: TableReads<T>;
  readonly #head: Head<T>;
  readonly #redis: RedisService;
  readonly #log: Logger;

  #source: RedisReads<T> | undefined;
  /** Where the named server run was missed: if a new connection leads there again, the run is gone. */
  #missedAt: RedisPlace | undefined;
  #unreachableSince: number | undefined;
  readonly #backoff = new RebuildBackoff();
  #tending: Promise<void> | undefined;
  #tendAgain = false;
  #catchUps: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #reported: string | undefined;
  #refused = false;
  /** The name of a read model in which a row was found that is not what was written there. */
  #garbled: string | undefined;
  readonly #scrub: Scrub<T>;
  #scrubbing: Promise<void> | undefined;

  constructor(stream: Stream<T>, table: TableReads<T>, head: Head<T>, redis: RedisService, log: Logger) {
    this.#stream = stream;
    this.#table = table;
    this.#head = head;
    this.#redis = redis;
    this.#log = log;
    this.#scrub = new Scrub(stream, table);
    redis.willHold(stream.definition.name);
  }

  /**
   * Starts the look-ups and the upkeep, and waits a moment for the first round, so that the first requests already
   * find the read model. Without Redis there is nothing to start; a read model of others is then reported.
   */
  async start(): Promise<void> {
    if (!this.#redis.configured) return this.#reportOthers();
    this.#head.start();
    this.#redis.onReady(() => this.tend());
    this.#timer = setInterval(() => {
      this.tend();
      this.#scrubbing ??= this.#scrubOn().finally(() => {
        this.#scrubbing = undefined;
      });
    }, TEND_INTERVAL_MS).unref();
    await Promise.race([this.tend(), sleep(TEND_INTERVAL_MS, undefined, { ref: false })]);
  }

  /** Whether Redis refuses what upkeep needs, though it may answer: when it is too full for the whole, for example. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Stops the look-ups and the upkeep, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#head.stop();
    clearInterval(this.#timer);
    this.#stopped = true;
    await Promise.all([this.#tending, this.#scrubbing]);
  }

  /**
   * Reads through `ask` under the fence of rule 3, for an answer at least as new as this process's head and `atLeast`.
   *
   * @returns undefined when Redis cannot give one; upkeep is then under way if that can help
   */
  async read<V>(atLeast: number, ask: (reads: Reads<T>) => Promise<Answer<V>>): Promise<Answer<V> | undefined> {
    // the value is made here, where it is noticed if it cannot be
    return this.#read(atLeast, ask, (answer) => ({ ...answer, value: answer.value }));
  }

  /**
   * Reads as `read` does, but makes no value.
   *
   * @returns the revision at which the answer still is the one that `evidence` stands for; undefined when it is not,
   *   or Redis cannot say
   */
  async recheck<V>(
    atLeast: number,
    ask: (reads: Reads<T>) => Promise<Answer<V>>,
    evidence: Answer<V>["evidence"],
  ): Promise<number | undefined> {
    return this.#read(
      atLeast,
      (source) => ask(source.evidence),
      (answer) => (answer.evidence === evidence ? answer.revision : undefined),
    );
  }

  async #read<V, R>(
    atLeast: number,
    ask: (source: RedisReads<T>) => Promise<Answer<V>>,
    take: (answer: Answer<V>) => R,
  ): Promise<R | undefined> {
    const fence = this.#fence(atLeast);
    if (!fence) return undefined;
    try {
      const answer = await ask(fence.source);
      const { chain } = fence.source;
      chain.see(answer);
      // a newer revision alone may be that of another history, which has none of what was acknowledged in this one
      if (answer.revision >= fence.revision && chain.holds(fence.mark)) return take(answer);
      if (answer.revision < this.#head.revision) this.tend();
    } catch (error) {
      // whatever is wrong, the database answers; a lost connection is reported by RedisService, the rest is found here
      if (error instanceof Garbled) this.#reject(fence.source);
      else if (error instanceof Unsound || isReplyError(error)) this.tend();
      else if (!(error instanceof RedisUnavailable)) throw error;
    }
    return undefined;
  }

  /**
   * Brings the read model up to a commit and returns when the commit may be acknowledged: at once if the refresh is
   * confirmed and every process reads under this name, else when every process knows of the new revision.
   */
  async refresh(commit: Commit<T>): Promise<void> {
    const last = commit.changes.at(-1);
    for (const outcome of commit.outcomes) this.#head.learn(outcome);
    if (!last || commit.readModel === null) return;

    const waiting = new AbortController();
    const latest = until(this.#head.acknowledgeAt(commit, false), waiting.signal);
    const refreshed = await Promise.race([this.#apply(commit.readModel, commit.changes, last), latest]);
    await (refreshed ? until(this.#head.acknowledgeAt(commit, true)) : latest);
    waiting.abort();
  }

  /** Looks after the read model soon: checks it, catches it up, rebuilds it. Calls while it does so become one. */
  tend(): Promise<void> {
    if (this.#tending) {
      this.#tendAgain = true;
      return this.#tending;
    }
    this.#tending = this.#tend()
      .catch((error: Error) => {
        this.#refused = isReplyError(error);
        this.#report(`cannot be looked after (${this.#redis.explain(error)}); the database answers`);
      })
      .then(() => sleep(TEND_PAUSE_MS))
      .then(() => {
        this.#tending = undefined;
        const again = this.#tendAgain && !this.#stopped;
        this.#tendAgain = false;
        if (again) this.tend();
      });
    return this.#tending;
  }

  #fence(atLeast: number): Fence<T> | undefined {
    const { lookup, mark, revision } = this.#head;
    const connection = this.#redis.connection;
    if (!lookup?.readModel || !connection) return undefined;
    const source = this.#sourceOf(lookup.readModel, connection);
    if (lookup.beganAt <= connection.readyAt || !source.isThere) return undefined;
    // what is newer than all that the database told of, the database alone can vouch for
    if (atLeast > mark.revision) return undefined;
    if (!source.chain.isTrusted) {
      this.tend();
      return undefined;
    }
    return { source, mark, revision };
  }

  /** Made once for each name and connection: it is the same for thousands of reads. */
  #sourceOf(name: string, connection: RedisConnection): RedisReads<T> {
    const source = this.#source;
    if (source?.name === name && source.connection === connection && !source.chain.isCondemned) return source;
    this.#source = new RedisReads(this.#stream.definition, this.#table.isInstance, name, connection, this.#redis);
    this.#head.watch(this.#source.chain);
    return this.#source;
  }

  /**
   * Applies a commit's changes under `name`, and what is missing before them. Says whether every process that reads
   * Redis under this name will find them there, which on a cluster nobody can know.
   */
  async #apply(name: string, changes: readonly Change<T>[], last: Mark): Promise<boolean> {
    const source = this.#source;
    const { connection } = this.#redis;
    if (!connection || source?.connection !== connection || source.name !== name) return false;
    if (!source.isThere || !source.chain.isTrusted) return false;
    try {
      const mark = await this.#send(source, changes);
      if (mark.revision < last.revision) await this.#catchUp(source, last.revision);
      else await this.#verify(source, mark, last);
      return !samePlace(connection, ON_CLUSTER);
    } catch (error) {
      if (error instanceof Unsound) this.#giveUp(source, error);
      this.tend();
      return false;
    }
  }

  /**
   * Makes sure that `mark`, at which Redis now is, is a state of this database's history: `known`, or found in the log.
   *
   * @throws ForeignHistory
   */
  async #verify({ chain }: RedisReads<T>, mark: Mark, known?: Mark): Promise<void> {
    // Redis first, then the log: whatever the mark says was committed before it was written
    const isKnown = (known && sameMark(mark, known)) || chain.isVerified(mark) || (await this.#head.knows(mark));
    if (!isKnown) throw new ForeignHistory("the mark is of another history");
    chain.verify(mark);
    this.#head.learn(mark);
  }

  /** Has the read model of `source` rebuilt, whose mark and sizes say that it is sound. */
  #reject(source: RedisReads<T>): void {
    this.#garbled = source.name;
    source.chain.condemn();
    this.tend();
  }

  async #scrubOn(): Promise<void> {
    const source = this.#source;
    if (!source?.chain.isTrusted || source.connection !== this.#redis.connection) return;
    try {
      await this.#scrub.next(source);
    } catch (error) {
      // what else may be wrong with either store, those who look after it find out
      if (error instanceof Garbled) this.#reject(source);
    }
  }

  #giveUp({ chain }: RedisReads<T>, reason: Unsound): void {
    if (reason instanceof ForeignHistory) this.#head.disown(chain);
    else chain.condemn();
  }

  async #send({ name, connection, chain }: RedisReads<T>, changes: readonly Change<T>[]): Promise<Mark> {
    const { rows, order } = readModelKeys(this.#stream.definition.name, name);
    const args = changes.flatMap(({ revision, token, previousToken, before, after }) => [
      revision,
      formatMark({ revision: revision - 1, token: previousToken }),
      formatMark({ revision, token }),
      before ? this.#keyOf(before) : "",
      after ? this.#keyOf(after) : "",
      after ? JSON.stringify(after) : "",
    ]);
    const mark = soundMark(await this.#redis.call(connection, (redis) => redis.applyChanges(rows, order, ...args)));
    chain.see(mark);
    return mark;
  }

  /** One after the other: whoever comes second finds the work done. */
  #catchUp(source: RedisReads<T>, revision: number): Promise<void> {
    const next = this.#catchUps.then(() => this.#catchUpTo(source, revision));
    this.#catchUps = next.catch(() => {});
    return next;
  }

  /** @throws ForeignHistory when the log does not continue from the mark */
  async #catchUpTo(source: RedisReads<T>, revision: number): Promise<void> {
    const { name, connection, chain } = source;
    const { rows } = readModelKeys(this.#stream.definition.name, name);
    let last: Mark | undefined;
    for (;;) {
      const at = soundMark(await this.#redis.call(connection, (redis) => redis.hget(rows, MARK_FIELD)));
      chain.see(at);
      if (at.revision >= revision) return this.#verify(source, at, last);
      // Redis first, then the log: the log is then at least as new as the mark
      const changes = await this.#stream.changesAfter(at.revision, CATCH_UP_CHUNK);
      const reached = await this.#send(source, changes);
      if (reached.revision <= at.revision) throw new ForeignHistory("the change log does not continue from the mark");
      last = changes.at(-1);
    }
  }

  async #tend(): Promise<void> {
    // each round does one thing and looks again; more rounds than there are things to do means that others undo them
    for (let round = 0; round < 5; round++) {
      const connection = this.#redis.connection;
      if (!connection || !(await this.#tendOnce(connection))) return;
    }
  }

  /** @returns whether to look again at once */
  async #tendOnce(connection: RedisConnection): Promise<boolean> {
    const row = await this.#head.lookUp();
    const name = row.readModel;
    if (name !== null) {
      const parsed = parseReadModelName(name);
      if (!parsed || parsed.format > KEY_FORMAT) {
        this.#report("is of a newer version of this program, which alone may replace it; the database answers");
        return false;
      }
      if (livesAt(name, connection)) {
        this.#missedAt = undefined;
        const source = this.#sourceOf(name, connection);
        try {
          if (name === this.#garbled) throw new Garbled("a row is not what was written there");
          return await this.#keep(source, row);
        } catch (error) {
          if (isReplyError(error, "READONLY")) {
            this.#report("is on a server that has become read-only");
            this.#redis.reconnect();
            return false;
          }
          if (error instanceof Unsound) this.#giveUp(source, error);
          else if (!this.#isLost(connection)) throw error;
        }
      } else if (parsed.format === KEY_FORMAT && !samePlace(this.#missedAt, connection)) {
        // a new connection may still lead to the server that the others use
        this.#missedAt = connection;
        this.#redis.reconnect();
        return false;
      }
    }
    return this.#rebuild(connection, name);
  }

  /**
   * Checks the read model in force and catches it up.
   *
   * @throws Unsound
   */
  async #keep(source: RedisReads<T>, row: StreamRow): Promise<boolean> {
    const { name, connection, chain } = source;
    const { rows, order } = readModelKeys(this.#stream.definition.name, name);
    const [text, timeToLiveMs] = await this.#redis
      .call(connection, (redis) => redis.inspect(rows, order))
      .catch((error) => {
        throw isReplyError(error, "WRONGTYPE") ? new Unsound("a key is of another type") : error;
      });
    this.#unreachableSince = undefined;
    const mark = soundMark(text);
    chain.see(mark);
    await this.#verify(source, mark);
    if (timeToLiveMs < TIME_TO_LIVE_MS / 2) {
      await this.#redis.call(connection, (redis) => redis.extend(rows, order, TIME_TO_LIVE_MS));
    }
    if (mark.revision < row.revision) await this.#catchUp(source, row.revision);
    this.#report("");
    this.#refused = false;
    this.#redis.approve();
    this.#backoff.isSound(name);
    return false;
  }

  /** On a cluster one node may be gone while the others live: the read model then moves to another slot. */
  #isLost(connection: RedisConnection): boolean {
    const now = performance.now();
    this.#unreachableSince ??= now;
    return samePlace(connection, ON_CLUSTER) && now - this.#unreachableSince > LOST_AFTER_MS;
  }

  async #rebuild(connection: RedisConnection, current: string | null): Promise<boolean> {
    if (!this.#backoff.begin(connection, current)) return false;
    if (!this.#reported) this.#report("is missing or unsound and is being rebuilt; the database answers");
    let name: string | undefined;
    try {
      name = await rebuild(this.#stream, this.#table, this.#redis, connection, current);
      this.#missedAt = undefined;
      return name !== undefined;
    } catch (error) {
      // a connection that may only read, or leads elsewhere than new ones do, will never do better
      if (isReplyError(error, "READONLY") || error instanceof ElsewhereError) this.#redis.reconnect();
      throw error;
    } finally {
      this.#backoff.end(name);
    }
  }

  /** Other processes may read Redis, so commands wait a lease even where this process has none. */
  async #reportOthers(): Promise<void> {
    const { name, readModel, leaseMs } = await this.#stream.row();
    if (readModel === null) return;
    this.#log.warn(
      `other processes read ${name} from Redis, so each write here waits ${leaseMs} ms for them to learn of it; ` +
        "if that Redis is gone for good, stop every process and run: npm run reset",
    );
  }

  #keyOf(instance: T): string {
    return String(instance[this.#stream.definition.key]);
  }

  /** One line for each change of state; `""` is the good one. */
  #report(state: string): void {
    if (state === this.#reported) return;
    this.#reported = state;
    const { name } = this.#stream.definition;
    if (state) this.#log.warn(`the read model of ${name} ${state}`);
    else this.#log.info(`the read model of ${name} is in force`);
  }
}
