import type { Logger } from "pino";
import { TimedOut, within } from "../deadline.ts";
import { StartupError } from "../errors.ts";
import { type RedisConnection, withOwnConnection } from "./redis-connection.ts";
import { isReplyError, RedisUnavailable, reasonOf } from "./redis-fault.ts";
import { isCluster, ping } from "./redis-greeting.ts";
import { PROBE_TIMEOUT_MS, RedisLink } from "./redis-link.ts";
import { parseRedisUrl, type RedisTarget } from "./redis-url.ts";
import type { ScriptedRedis } from "./scripted-redis.ts";

export interface RedisServiceOptions {
  /** One that `parseRedisUrl` takes; undefined means that there is no Redis. */
  readonly url: string | undefined;
  /** Whether the process is of no use without Redis. */
  readonly critical: boolean;
  /** One command's time, in milliseconds. */
  readonly timeoutMs: number;
  readonly log: Logger;
}

/**
 * The connection to Redis, or the knowledge that there is none. Nothing is queued while it is down, nothing is sent
 * again after a reconnect, and a server that hangs costs one time-out: from then on nobody waits for it until it
 * has answered a probe.
 */
export class RedisService {
  readonly critical: boolean;
  readonly #options: RedisServiceOptions;
  readonly #link: RedisLink | undefined;
  /** The connection over which the server was too slow. */
  #hung: RedisConnection | undefined;
  #doubtedAt = Number.NEGATIVE_INFINITY;

  constructor(options: RedisServiceOptions) {
    this.critical = options.critical;
    this.#options = options;
    if (options.url !== undefined) this.#link = new RedisLink(parseRedisUrl(options.url), options.log);
  }

  /** Whether a Redis is configured at all. */
  get configured(): boolean {
    return this.#link !== undefined;
  }

  /** The connection, while there is one that answers. */
  get connection(): RedisConnection | undefined {
    const connection = this.#link?.connection;
    return connection === this.#hung ? undefined : connection;
  }

  /** Why the last attempt to reach Redis failed. */
  get reason(): string | undefined {
    return this.#link?.report.reason;
  }

  /** What stands before every key, which commands are given without. */
  get prefix(): string {
    return this.#link?.target.prefix ?? "";
  }

  /** Asks whether Redis can be read and written now. If it refuses, it counts as down from then on. */
  async isUsable(): Promise<boolean> {
    const { connection } = this;
    const link = this.#link;
    if (!connection || !link) return false;
    try {
      await within(PROBE_TIMEOUT_MS, link.trial.of(connection.client));
    } catch (error) {
      if (error instanceof TimedOut) this.#suspect(connection);
      else if (connection === link.connection) link.drop(error as Error);
    }
    return connection === this.connection;
  }

  /** Says that read models of `stream` are kept in Redis: a server that refuses what that takes is of no use. */
  willHold(stream: string): void {
    this.#link?.trial.add(stream);
  }

  /** Why Redis cannot do what it was asked, in words that repeat nothing of `REDIS_URL`. */
  explain(error: Error): string {
    return this.#link ? reasonOf(error, this.#link.target) : error.message;
  }

  /** Calls `listener` each time that a connection has become ready. */
  onReady(listener: () => void): void {
    this.#link?.onReady(listener);
  }

  /**
   * Makes the first attempt to connect; later ones follow by themselves.
   *
   * @throws StartupError when it fails and Redis is critical
   */
  async start(): Promise<void> {
    const link = this.#link;
    if (!link) return;
    await link.start();
    if (this.critical && !this.connection) {
      throw new StartupError([
        `REDIS_URL: Redis cannot be used (${link.report.reason ?? "no reply"}) and REDIS_CRITICAL is true.`,
      ]);
    }
  }

  /**
   * Sends commands over `connection` and returns the reply, if it came over that connection and in time.
   *
   * @throws RedisUnavailable otherwise; the server's own error when it refuses
   */
  async call<R>(connection: RedisConnection, send: (client: ScriptedRedis) => Promise<R>): Promise<R> {
    if (connection !== this.connection) throw new RedisUnavailable("the connection was lost");
    const received = bytesFrom(connection);
    try {
      const reply = await within(this.#options.timeoutMs, send(connection.client));
      // a script that the server did not know is sent a second time, by then perhaps over a new connection
      if (connection !== this.#link?.connection) throw new RedisUnavailable("the connection was lost");
      return takenFrom(reply);
    } catch (error) {
      // a server that has sent anything meanwhile does not hang: it is busy with what was asked before
      if (error instanceof TimedOut && bytesFrom(connection) === received) this.#suspect(connection);
      if (isReplyError(error)) this.#doubt(connection);
      if (isReplyError(error) || error instanceof RedisUnavailable) throw error;
      throw new RedisUnavailable((error as Error).message, { cause: error });
    }
  }

  /** Drops the connection and makes a new one, which may lead to another server. Without one that is under way. */
  reconnect(): void {
    this.#link?.reconnect();
  }

  /** Says that the connection serves its purpose: should it be lost, the next attempt need not wait. */
  approve(): void {
    this.#link?.approve();
  }

  /** A second connection to the same server for `work` alone. See {@link withOwnConnection}. */
  async withOwnConnection<R>(
    connection: RedisConnection,
    key: string,
    work: (own: ScriptedRedis) => Promise<R>,
  ): Promise<R> {
    const commandTimeout = Math.max(10 * this.#options.timeoutMs, PROBE_TIMEOUT_MS);
    return withOwnConnection(this.#link?.target as RedisTarget, connection, key, commandTimeout, work);
  }

  close(): void {
    this.#link?.close();
  }

  /** Stops waiting for a server that was too slow, until it has answered a probe or is reached anew. */
  #suspect(connection: RedisConnection): void {
    const link = this.#link;
    if (this.#hung === connection || connection !== link?.connection) return;
    this.#hung = connection;
    within(PROBE_TIMEOUT_MS, ping(connection.client)).then(
      () => {
        if (connection !== link.connection) return;
        this.#hung = undefined;
        link.report.up();
      },
      () => {
        if (connection !== link.connection) return;
        link.report.down(new Error(`no answer within ${this.#options.timeoutMs} ms`));
        link.reconnect();
      },
    );
  }

  /** A server that refused something may be of no more use. It is not asked more often than that changes. */
  #doubt(connection: RedisConnection): void {
    const now = performance.now();
    if (connection !== this.connection || now - this.#doubtedAt < PROBE_TIMEOUT_MS) return;
    this.#doubtedAt = now;
    this.isUsable();
  }
}

/** How many bytes the server has sent. Those of one node of a cluster would say nothing of another: none are counted. */
function bytesFrom({ client }: RedisConnection): number {
  return isCluster(client) ? 0 : client.stream.bytesRead;
}

/**
 * What a reply holds, which leaves it empty: the client's functions for each command are born among V8's old objects, and whatever
 * can be reached from there stays until all of those are collected, however soon nobody needs it.
 */
function takenFrom<R>(reply: R): R {
  return Array.isArray(reply) ? (reply.splice(0) as R) : reply;
}
