import type { Logger } from "pino";
import { TimedOut, within } from "../deadline.ts";
import { StartupError } from "../errors.ts";
import { createClient } from "./redis-client.ts";
import { type RedisConnection, withOwnConnection } from "./redis-connection.ts";
import { isReplyError, RedisUnavailable, reasonOf } from "./redis-fault.ts";
import { identify, isCluster, ping, Trial } from "./redis-greeting.ts";
import { RedisReport } from "./redis-report.ts";
import { parseRedisUrl, type RedisTarget } from "./redis-url.ts";
import type { ScriptedRedis } from "./scripts.ts";

/** How long the server may take to greet a new connection, or to answer a probe, in milliseconds. */
const PROBE_TIMEOUT_MS = 1000;
const MAX_RECONNECT_DELAY_MS = 1000;

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
  readonly #target: RedisTarget | undefined;
  readonly #report: RedisReport | undefined;
  readonly #client: ScriptedRedis | undefined;
  #connection: RedisConnection | undefined;
  #hung = false;
  #closing = false;
  #attempt = 0;
  /** Connections that ended since one was good. It is not reset by one that is merely made: that may go on for ever. */
  #failures = 0;
  /** Whether the connection is given up for another by this process's own wish, which is no change of Redis's state. */
  #leading = false;
  /** Why the attempt to connect that is under way fails, or the connection in use is of no use. */
  #fault: Error | undefined;
  #doubtedAt = Number.NEGATIVE_INFINITY;
  readonly #trial = new Trial();
  readonly #readyListeners: (() => void)[] = [];
  readonly #failureListeners: (() => void)[] = [];

  constructor(options: RedisServiceOptions) {
    this.critical = options.critical;
    this.#options = options;
    if (options.url === undefined) return;
    const target = parseRedisUrl(options.url);
    this.#target = target;
    this.#report = new RedisReport(target, options.log);
    const delay = () => Math.min(25 * 2 ** this.#failures, MAX_RECONNECT_DELAY_MS) * (0.75 + Math.random() / 2);
    const client = createClient(target, {
      connectTimeout: PROBE_TIMEOUT_MS,
      retryStrategy: delay,
      sentinelRetryStrategy: () => {
        // it also comes when the list of sentinels is at its end and all is well
        if (this.#fault) this.#failed();
        return delay();
      },
    });
    client.on("connect", () => this.#greetWithin());
    client.on("ready", () => this.#greet(client, this.#attempt));
    const note = (error: Error) => {
      // of sentinels, each has said more
      if (!/^All sentinels/.test(error.message)) this.#fault = error;
    };
    client.on("sentinelError", note).on("error", note);
    client.on("close", () => {
      this.#attempt++;
      this.#connection = undefined;
      this.#failed();
    });
    client.on("end", () => {
      if (this.#closing) return;
      // a sentinel named what is no address, and ioredis has given up
      this.#failed();
      setTimeout(() => client.connect().catch(() => {}), delay()).unref();
    });
    this.#client = client;
  }

  /** Whether a Redis is configured at all. */
  get configured(): boolean {
    return this.#client !== undefined;
  }

  /** The connection, while there is one that answers. */
  get connection(): RedisConnection | undefined {
    return this.#hung ? undefined : this.#connection;
  }

  /** Asks whether Redis can be read and written now. If it refuses, it counts as down from then on. */
  async isUsable(): Promise<boolean> {
    const connection = this.connection;
    if (!connection) return false;
    try {
      await within(PROBE_TIMEOUT_MS, this.#trial.of(connection.client));
    } catch (error) {
      if (error instanceof TimedOut) this.#suspect(connection);
      else if (connection === this.#connection) this.#drop(error as Error);
    }
    return connection === this.connection;
  }

  /** Says that read models of `stream` are kept in Redis: a server that refuses what that takes is of no use. */
  willHold(stream: string): void {
    this.#trial.add(stream);
  }

  /** Why Redis cannot do what it was asked, in words that repeat nothing of `REDIS_URL`. */
  explain(error: Error): string {
    return this.#target ? reasonOf(error, this.#target) : error.message;
  }

  /** Calls `listener` each time that a connection has become ready. */
  onReady(listener: () => void): void {
    this.#readyListeners.push(listener);
  }

  /**
   * Makes the first attempt to connect; later ones follow by themselves.
   *
   * @throws StartupError when it fails and Redis is critical
   */
  async start(): Promise<void> {
    if (!this.#client) return;
    const settled = new Promise<void>((resolve) => {
      this.#readyListeners.push(resolve);
      this.#failureListeners.push(resolve);
    });
    this.#client.connect().catch(() => {});
    await within(3 * PROBE_TIMEOUT_MS, settled).catch(() => {});
    if (this.critical && !this.connection) {
      throw new StartupError([
        `REDIS_URL: Redis cannot be used (${this.#report?.reason ?? "no reply"}) and REDIS_CRITICAL is true.`,
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
      if (connection !== this.#connection) throw new RedisUnavailable("the connection was lost");
      return reply;
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
    if (!this.#connection) return;
    this.#leading = true;
    this.#connection = undefined;
    this.#client?.disconnect(true);
  }

  /** Says that the connection serves its purpose: should it be lost, the next attempt need not wait. */
  approve(): void {
    this.#failures = 0;
  }

  /** A second connection to the same server for `work` alone. See {@link withOwnConnection}. */
  async withOwnConnection<R>(
    connection: RedisConnection,
    key: string,
    work: (own: ScriptedRedis) => Promise<R>,
  ): Promise<R> {
    const commandTimeout = Math.max(10 * this.#options.timeoutMs, PROBE_TIMEOUT_MS);
    return withOwnConnection(this.#target as RedisTarget, connection, key, commandTimeout, work);
  }

  close(): void {
    this.#closing = true;
    this.#connection = undefined;
    this.#client?.disconnect();
  }

  /** ioredis waits without end for a server that accepts a connection and says nothing. */
  #greetWithin(): void {
    const attempt = ++this.#attempt;
    this.#fault = undefined;
    setTimeout(() => {
      if (attempt !== this.#attempt || this.#connection || this.#closing) return;
      this.#drop(this.#fault ?? new Error("the server does not answer"));
    }, 2 * PROBE_TIMEOUT_MS).unref();
  }

  async #greet(client: ScriptedRedis, attempt: number): Promise<void> {
    try {
      const identity = await within(PROBE_TIMEOUT_MS, identify(client, (this.#target as RedisTarget).database));
      await within(PROBE_TIMEOUT_MS, this.#trial.of(client));
      if (attempt !== this.#attempt || this.#closing) return;
      this.#connection = { client, ...identity, readyAt: performance.now() };
      this.#hung = false;
      this.#report?.up();
      for (const listener of this.#readyListeners) listener();
    } catch (error) {
      if (attempt === this.#attempt) this.#drop(error as Error);
    }
  }

  #drop(fault: Error): void {
    this.#fault = fault;
    this.#connection = undefined;
    this.#client?.disconnect(true);
  }

  /** Stops waiting for a server that was too slow, until it has answered a probe or is reached anew. */
  #suspect(connection: RedisConnection): void {
    if (this.#hung || connection !== this.#connection) return;
    this.#hung = true;
    within(PROBE_TIMEOUT_MS, ping(connection.client)).then(
      () => {
        if (connection !== this.#connection) return;
        this.#hung = false;
        this.#report?.up();
      },
      () => {
        if (connection !== this.#connection) return;
        this.#report?.down(new Error(`no answer within ${this.#options.timeoutMs} ms`));
        this.reconnect();
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

  #failed(): void {
    if (!this.#leading && !this.#closing) this.#report?.failed(this.#fault);
    this.#leading = false;
    this.#fault = undefined;
    this.#failures++;
    for (const listener of this.#failureListeners.splice(0)) listener();
  }
}

/** How many bytes the server has sent. Those of one node of a cluster would say nothing of another: none are counted. */
function bytesFrom({ client }: RedisConnection): number {
  return isCluster(client) ? 0 : client.stream.bytesRead;
}
