import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Counts } from "../counts.ts";
import { readModelKeys, TIME_TO_LIVE_MS } from "../redis/keys.ts";
import {
  ageOf,
  livesAt,
  ON_CLUSTER,
  parseReadModelName,
  type RedisPlace,
  samePlace,
} from "../redis/read-model-name.ts";
import type { RedisConnection } from "../redis/redis-connection.ts";
import { ElsewhereError, isReplyError } from "../redis/redis-fault.ts";
import type { RedisService } from "../redis/redis-service.ts";
import type { Stream, StreamRow } from "../stream.ts";
import type { CatchUp } from "./catch-up.ts";
import type { Head } from "./head.ts";
import { rebuild } from "./rebuild.ts";
import { RebuildBackoff } from "./rebuild-backoff.ts";
import { type RedisReads, soundMark } from "./redis-reads.ts";
import type { RedisSource } from "./redis-source.ts";
import { Scrub } from "./scrub.ts";
import type { TableReads } from "./table-reads.ts";
import { Garbled, Unsound } from "./unsound.ts";

/** How often the read model is looked after when nothing else gives cause to. Milliseconds. */
const TEND_INTERVAL_MS = 1000;
/** How long a read model on a cluster may be out of reach before it is given up. Milliseconds. */
const LOST_AFTER_MS = 5000;
/** Between two rounds of upkeep, so that a problem that stays does not keep the process busy. Milliseconds. */
const TEND_PAUSE_MS = 20;

/** Finds the read model unsound, behind or missing, and mends that (rule 5 of docs/promise.md). */
export class Upkeep<T extends object> {
  readonly #stream: Stream<T>;
  readonly #table: TableReads<T>;
  readonly #head: Head<T>;
  readonly #redis: RedisService;
  readonly #source: RedisSource<T>;
  readonly #catchUp: CatchUp<T>;
  readonly #log: Logger;
  readonly #counts: Counts;
  readonly #backoff = new RebuildBackoff();
  readonly #scrub: Scrub<T>;

  /** Where the named server run was missed: if a new connection leads there again, the run is gone. */
  #missedAt: RedisPlace | undefined;
  #unreachableSince: number | undefined;
  /** The name of a read model in which a row was found that is not what was written there. */
  #garbled: string | undefined;
  #tending: Promise<void> | undefined;
  #tendAgain = false;
  #scrubbing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #reported: string | undefined;
  #refused = false;

  constructor(
    stream: Stream<T>,
    table: TableReads<T>,
    head: Head<T>,
    redis: RedisService,
    source: RedisSource<T>,
    catchUp: CatchUp<T>,
    log: Logger,
    counts: Counts,
  ) {
    this.#counts = counts;
    this.#stream = stream;
    this.#table = table;
    this.#head = head;
    this.#redis = redis;
    this.#source = source;
    this.#catchUp = catchUp;
    this.#log = log;
    this.#scrub = new Scrub(stream, table);
  }

  /** Starts, and waits a moment for the first round. */
  async start(): Promise<void> {
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

  /** Stops, and waits for what is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped = true;
    await Promise.all([this.#tending, this.#scrubbing]);
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

  /** Has the read model of `source` rebuilt, whose mark and sizes say that it is sound. */
  reject(source: RedisReads<T>): void {
    this.#garbled = source.name;
    source.chain.condemn();
    this.tend();
  }

  /** The same for the read model with this name; returns when that was tried once. */
  condemn(name: string): Promise<void> {
    this.#garbled = name;
    return this.tend();
  }

  async #scrubOn(): Promise<void> {
    const source = this.#source.trusted;
    if (!source) return;
    try {
      await this.#scrub.next(source);
    } catch (error) {
      // what else may be wrong with either store, those who look after it find out
      if (error instanceof Garbled) this.reject(source);
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
      const { version: format } = this.#stream.definition.format;
      const parsed = parseReadModelName(name);
      const age = parsed ? ageOf(parsed, format) : "newer";
      if (age === "newer") {
        this.#report("is of a newer version of this program, which alone may replace it; the database answers");
        return false;
      }
      if (livesAt(name, connection, format)) {
        this.#missedAt = undefined;
        const source = this.#source.at(name, connection);
        try {
          if (name === this.#garbled) throw new Garbled("a row is not what was written there");
          return await this.#keep(source, row);
        } catch (error) {
          if (isReplyError(error, "READONLY")) {
            this.#report("is on a server that has become read-only");
            this.#redis.reconnect();
            return false;
          }
          if (error instanceof Unsound) this.#source.giveUp(source, error);
          else if (!this.#isLost(connection)) throw error;
        }
      } else if (age === "same" && !samePlace(this.#missedAt, connection)) {
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
    await this.#catchUp.verify(source, mark);
    if (timeToLiveMs < TIME_TO_LIVE_MS / 2) {
      await this.#redis.call(connection, (redis) => redis.extend(rows, order, TIME_TO_LIVE_MS));
    }
    if (mark.revision < row.revision) await this.#catchUp.to(source, row.revision);
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
    this.#counts.rebuilds++;
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

  /** One line for each change of state; `""` is the good one. */
  #report(state: string): void {
    if (state === this.#reported) return;
    this.#reported = state;
    const { name } = this.#stream.definition;
    if (state) this.#log.warn(`the read model of ${name} ${state}`);
    else this.#log.info(`the read model of ${name} is in force`);
  }
}
