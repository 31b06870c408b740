import type { LoggedChange } from "../change.ts";
import type { Consistency } from "../consistency.ts";
import { TimedOut } from "../deadline.ts";
import { DatabaseUnavailable, RevisionNotReached, ServiceError } from "../errors.ts";
import type { RedisService } from "../redis/redis-service.ts";
import type { StreamRow } from "../stream.ts";
import { Turns } from "../turns.ts";
import type { ChangeLog } from "./change-log.ts";
import { type Checkpoint, type Followed, Follower, type LiveEvent } from "./follower.ts";
import type { Head } from "./head.ts";
import { LiveTail } from "./live-tail.ts";
import { LogChunks } from "./log-chunks.ts";

/** How often it is looked for followers that have been told of nothing for long. Milliseconds. */
const LOOK_AROUND_MS = 1000;
/** So many followers go on before the event loop has its turn: each takes some 20 µs for one change. */
const AT_ONCE = 25;

/** What is told of a stream's changes as they come. */
export type LiveEvents<T> = AsyncIterableIterator<LiveEvent<T>>;

/**
 * Tells subscribers of every change of a stream, whichever process has made it: each once, in order, without a gap. The
 * change log is the source, and the row says when there is more in it: it is looked up while anybody subscribes.
 */
export class LiveChanges<T extends object> {
  readonly #stream: string;
  readonly #head: Head<T>;
  readonly #redis: RedisService;
  readonly #followers = new Set<Follower<T>>();
  readonly #followed: Followed<T>;
  #lookUp: Promise<unknown> = Promise.resolve();
  /** Shared by all who ask before it begins. */
  #nextLookUp: Promise<StreamRow> | undefined;
  #stopLookUps: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #checkpoint: Checkpoint | undefined;

  constructor(stream: string, log: ChangeLog<T>, head: Head<T>, redis: RedisService) {
    this.#stream = stream;
    this.#head = head;
    this.#redis = redis;
    this.#followed = {
      tail: new LiveTail(log, head, () => this.#lookAround()),
      chunks: new LogChunks(log),
      turns: new Turns(AT_ONCE),
      checkpointAt: (revision) => this.#checkpointAt(revision),
      left: (follower) => this.#leave(follower),
    };
  }

  /**
   * Follows the log from after `since`; without it, from a state that is no older than what was acknowledged, by any
   * process, before this was asked for.
   *
   * @param passes which changes are told of
   * @throws ServiceError `REVISION_NOT_REACHED`, `REVISION_TRIMMED`, `DATABASE_UNAVAILABLE`, `SERVICE_UNAVAILABLE`
   */
  async follow(
    consistency: Consistency,
    since: number | undefined,
    passes: (change: LoggedChange<T>) => boolean,
  ): Promise<LiveEvents<T>> {
    consistency.requireTime();
    if (this.#redis.critical && !this.#redis.connection) {
      throw new ServiceError(
        "SERVICE_UNAVAILABLE",
        "Redis does not answer, and without it no query does. Try again later.",
      );
    }
    const { revision } = await this.#row();
    consistency.require(this.#stream, revision);
    if (since !== undefined && since > revision) {
      throw new RevisionNotReached(
        revision,
        consistency.streams.length > 1 ? this.#stream : undefined,
        `what comes after ${since}`,
      );
    }
    // it may have gone away meanwhile
    consistency.requireTime();
    const follower = new Follower(this.#followed, since ?? revision, passes);
    this.#followers.add(follower);
    if (!this.#followed.tail.isRunning) this.#start(revision);
    return follower;
  }

  /** Notes in `consistency` what an event is true at, which is about to be told. */
  show({ revision }: LiveEvent<T>, consistency: Consistency): void {
    consistency.read(this.#stream, revision, "database");
  }

  /** Ends all that follow. */
  stop(): void {
    for (const follower of this.#followers) follower.end();
  }

  /** The row by a look-up that begins after this: one that is under way may be older than what was acknowledged. */
  #row(): Promise<StreamRow> {
    this.#nextLookUp ??= this.#lookUp
      .catch(() => {})
      .then(() => {
        this.#nextLookUp = undefined;
        const lookUp = this.#head.lookUp();
        this.#lookUp = lookUp;
        return lookUp;
      })
      .catch((error) => {
        throw error instanceof TimedOut ? new DatabaseUnavailable(error) : error;
      });
    return this.#nextLookUp;
  }

  #start(revision: number): void {
    this.#stopLookUps = this.#head.keepLookingUp();
    this.#timer = setInterval(() => {
      this.#checkpoint = undefined;
      this.#lookAround();
    }, LOOK_AROUND_MS).unref();
    this.#followed.tail.start(revision);
  }

  #leave(follower: Follower<T>): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0) return;
    clearInterval(this.#timer);
    this.#stopLookUps?.();
    this.#followed.tail.stop();
    this.#followed.chunks.clear();
  }

  /** The same for all who are there between two times that it is looked around. */
  #checkpointAt(revision: number): Checkpoint {
    if (this.#checkpoint?.revision !== revision) {
      const at = new Date().toISOString();
      this.#checkpoint = { revision, kind: "checkpoint", before: null, after: null, at, who: null };
    }
    return this.#checkpoint;
  }

  #lookAround(): void {
    for (const follower of this.#followers) follower.look();
  }
}
