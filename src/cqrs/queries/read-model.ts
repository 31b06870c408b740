import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Change, Commit } from "../change.ts";
import type { Counts, Fallback } from "../counts.ts";
import { waitUntil } from "../deadline.ts";
import type { Mark } from "../mark.ts";
import { ON_CLUSTER, samePlace } from "../redis/read-model-name.ts";
import { isReplyError, RedisUnavailable } from "../redis/redis-fault.ts";
import type { RedisService } from "../redis/redis-service.ts";
import type { Stream } from "../stream.ts";
import { type ReadTrace, type RefreshTrace, traced, traces } from "../tracing.ts";
import { CatchUp } from "./catch-up.ts";
import type { Head } from "./head.ts";
import type { Lists } from "./large-lists.ts";
import type { Answer, Question } from "./reads.ts";
import type { RedisReads } from "./redis-reads.ts";
import { RedisSource } from "./redis-source.ts";
import type { TableReads } from "./table-reads.ts";
import { Garbled, Unsound } from "./unsound.ts";
import { Upkeep } from "./upkeep.ts";

/** How often a rebuild that somebody waits for is tried: another process may be at it, or Redis out of reach. */
const RENEWALS = { most: 40, pauseMs: 250 };

/** What a read of Redis must prove to count: where it is asked, what that must hold, and how new the answer must be. */
interface Fence<T extends object> {
  readonly source: RedisReads<T>;
  readonly mark: Mark;
  readonly revision: number;
}

/**
 * The copy of a stream's instances in Redis: fenced reads (rules 1 to 3 of docs/promise.md) and refresh by the command
 * side (rule 4). `Upkeep` looks after it.
 *
 * Its reads answer `undefined` whenever Redis cannot answer honestly. They change nothing in Redis.
 */
export class ReadModel<T extends object> {
  readonly #stream: Stream<T>;
  readonly #head: Head<T>;
  readonly #redis: RedisService;
  readonly #log: Logger;
  readonly #counts: Counts;
  readonly #source: RedisSource<T>;
  readonly #catchUp: CatchUp<T>;
  readonly #upkeep: Upkeep<T>;
  #stopLookUps: (() => void) | undefined;

  constructor(
    stream: Stream<T>,
    table: TableReads<T>,
    head: Head<T>,
    redis: RedisService,
    log: Logger,
    counts: Counts,
  ) {
    this.#counts = counts;
    this.#stream = stream;
    this.#head = head;
    this.#redis = redis;
    this.#log = log;
    this.#source = new RedisSource(stream.definition, table.isInstance, head, redis);
    this.#catchUp = new CatchUp(stream, table, head, redis, counts);
    this.#upkeep = new Upkeep(stream, table, head, redis, this.#source, this.#catchUp, log, counts);
    redis.willHold(stream.definition.name);
  }

  /**
   * Starts the look-ups and the upkeep, and waits a moment for the first round, so that the first requests already
   * find the read model. Without Redis there is nothing to start; a read model of others is then reported.
   */
  async start(): Promise<void> {
    if (!this.#redis.configured) return this.#reportOthers();
    this.#stopLookUps = this.#head.keepLookingUp();
    await this.#upkeep.start();
  }

  /** By how many revisions it was behind this process when it was last seen; undefined while it is not read. */
  get lag(): number | undefined {
    const revision = this.#source.trusted?.chain.revision;
    return revision === undefined ? undefined : Math.max(0, this.#head.mark.revision - revision);
  }

  /** Whether Redis refuses what upkeep needs, though it may answer. */
  get refused(): boolean {
    return this.#upkeep.refused;
  }

  /** Has the read model with this name rebuilt, unless another is in force by now. Says whether another is then. */
  async renew(name: string): Promise<boolean> {
    for (let attempt = 0; attempt < RENEWALS.most; attempt++) {
      await this.#upkeep.condemn(name);
      if ((await this.#head.lookUp()).readModel !== name) return true;
      await sleep(RENEWALS.pauseMs);
    }
    return false;
  }

  /** Stops the look-ups and the upkeep, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopLookUps?.();
    await this.#upkeep.stop();
  }

  /**
   * Asks under the fence of rule 3, for an answer at least as new as this process's head and `atLeast`.
   *
   * @returns undefined when Redis cannot give one; upkeep is then under way if that can help
   */
  read<V>(
    atLeast: number,
    question: Question<T, V>,
    large: Lists,
    trace: ReadTrace | undefined,
  ): Promise<Answer<V> | undefined> {
    return this.#read(atLeast, question, large, true, trace);
  }

  /** Asks as `read` does, but for an answer without its value. */
  replay<V>(
    atLeast: number,
    question: Question<T, V>,
    large: Lists,
    trace: ReadTrace | undefined,
  ): Promise<Answer<V> | undefined> {
    return this.#read(atLeast, question, large, false, trace);
  }

  async #read<V>(
    atLeast: number,
    question: Question<T, V>,
    large: Lists,
    withValue: boolean,
    trace: ReadTrace | undefined,
  ): Promise<Answer<V> | undefined> {
    const fence = this.#fence(atLeast);
    if (typeof fence === "string") {
      if (this.#redis.configured) this.#fallBack(fence, trace);
      return undefined;
    }
    try {
      const { source } = fence;
      const answer = await question(withValue ? source : source.forReplay, large);
      source.chain.see(answer);
      // a newer revision alone may be that of another history, which has none of what was acknowledged in this one
      if (answer.revision >= fence.revision && source.chain.holds(fence.mark)) {
        // made here, where it is noticed if it cannot be
        if (withValue) answer.value;
        return answer;
      }
      this.#fallBack("behind", trace);
      if (answer.revision < this.#head.revision) this.#upkeep.tend();
    } catch (error) {
      // whatever is wrong, the database answers; a lost connection is reported by RedisService, the rest is found here
      this.#fallBack(fallbackFor(error), trace);
      if (error instanceof Garbled) this.#upkeep.reject(fence.source);
      else if (error instanceof Unsound || isReplyError(error)) this.#upkeep.tend();
    }
    return undefined;
  }

  #fallBack(reason: Fallback, trace: ReadTrace | undefined): void {
    this.#counts.fallbacks[reason]++;
    if (trace) trace.fallback = reason;
  }

  /**
   * Brings the read model up to a commit and returns when the commit may be acknowledged: at once if the refresh is
   * confirmed and every process reads under this name, else when every process knows of the new revision.
   */
  async refresh(commit: Commit<T>): Promise<void> {
    // what a repeat tells of is acknowledged as if it had been committed here: whoever did may have died before
    const last = commit.outcomes.findLast(({ change, repeats }) => change ?? repeats);
    for (const outcome of commit.outcomes) this.#head.learn(outcome);
    if (!last || commit.readModel === null) return;

    const { readModel, changes } = commit;
    await traced(
      traces.refresh,
      () => ({ stream: this.#stream.definition.name, changes: changes.length, commit }),
      (trace) => this.#refresh({ ...commit, readModel }, last, trace),
    );
  }

  async #refresh(
    commit: Commit<T> & { readonly readModel: string },
    last: Mark,
    trace: RefreshTrace | undefined,
  ): Promise<void> {
    const latest = waitUntil(this.#head.acknowledgeAt(commit, false));
    const refreshed = await Promise.race([this.#apply(commit.readModel, commit.changes, last), latest.over]);
    this.#counts.acknowledgements[refreshed ? "refresh" : "lease"]++;
    if (trace) trace.isConfirmed = refreshed === true;
    await (refreshed ? waitUntil(this.#head.acknowledgeAt(commit, true)) : latest).over;
    latest.end();
  }

  #fence(atLeast: number): Fence<T> | Fallback {
    const { lookup, mark, revision } = this.#head;
    const connection = this.#redis.connection;
    if (!connection) return "no connection";
    if (!lookup?.readModel) return "no look-up";
    const source = this.#source.at(lookup.readModel, connection);
    if (lookup.beganAt <= connection.readyAt || !source.isThere) return "not in force here";
    // what is newer than all that the database told of, the database alone can vouch for
    if (atLeast > mark.revision) return "asked for more";
    if (!source.chain.isTrusted) {
      this.#upkeep.tend();
      return "not verified";
    }
    return { source, mark, revision };
  }

  /**
   * Applies a commit's changes under `name`. Says whether every process that reads Redis under this name will find them
   * there, which on a cluster nobody can know.
   */
  async #apply(name: string, changes: readonly Change<T>[], last: Mark): Promise<boolean> {
    const source = this.#source.trusted;
    if (source?.name !== name) return false;
    try {
      await this.#catchUp.apply(source, changes, last);
      return !samePlace(source.connection, ON_CLUSTER);
    } catch (error) {
      if (error instanceof Unsound) this.#source.giveUp(source, error);
      this.#upkeep.tend();
      return false;
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
}

/** @throws what is no fault of Redis */
function fallbackFor(error: unknown): Fallback {
  if (error instanceof Unsound) return "unsound";
  if (isReplyError(error)) return "refused";
  if (error instanceof RedisUnavailable) return "no answer";
  throw error;
}
