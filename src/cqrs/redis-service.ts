import type { Cluster, Redis } from "ioredis";
import type { Logger } from "pino";
import { TimedOut, within } from "./deadline.ts";
import { StartupError } from "./errors.ts";
import { createClient, createOwnClient, parseRedisUrl, REDIS_URL_FORMS, type RedisTarget } from "./redis-client.ts";
import { ON_CLUSTER, type RedisPlace, type ScriptedRedis, samePlace } from "./scripts.ts";

/** How long the server may take to greet a new connection, or to answer a probe, in milliseconds. */
const PROBE_TIMEOUT_MS = 1000;
const MAX_RECONNECT_DELAY_MS = 1000;

export interface RedisServiceOptions {
  /** See {@link REDIS_URL_FORMS}; undefined means that there is no Redis. */
  readonly url: string | undefined;
  /** Whether the process is of no use without Redis. */
  readonly critical: boolean;
  /** One command's time, in milliseconds. */
  readonly timeoutMs: number;
  readonly log: Logger;
}

/**
 * One connection to one run of one server, at the place that it reported itself; or to a cluster, where no one server
 * can be held to. Answers over different connections never mix.
 */
export interface RedisConnection extends RedisPlace {
  readonly client: ScriptedRedis;
  /** Monotonic, after the server had greeted. */
  readonly readyAt: number;
}

/** Redis cannot be asked now, or did not answer in time. */
export class RedisUnavailable extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = "RedisUnavailable";
  }
}

/** A new connection leads to another server than the one in use. */
export class ElsewhereError extends RedisUnavailable {}

/**
 * The connection to Redis, or the knowledge that there is none. Nothing is queued while it is down, nothing is sent
 * again after a reconnect, and a server that hangs costs one time-out: from then on nobody waits for it until it
 * has answered a probe.
 */
export class RedisService {
  readonly critical: boolean;
  readonly #options: RedisServiceOptions;
  readonly #target: RedisTarget | undefined;
  readonly #client: ScriptedRedis | undefined;
  #connection: RedisConnection | undefined;
  #hung = false;
  #closing = false;
  #attempt = 0;
  /** Connections that ended since one was good. It is not reset by one that is merely made: that may go on for ever. */
  #failures = 0;
  /** Whether the connection is given up for another by this process's own wish, which is no change of Redis's state. */
  #leading = false;
  #lastError: string | undefined;
  #reported: "up" | "down" | undefined;
  readonly #readyListeners: (() => void)[] = [];

  constructor(options: RedisServiceOptions) {
    this.critical = options.critical;
    this.#options = options;
    if (options.url === undefined) return;
    const target = parseRedisUrl(options.url);
    if (!target) throw new StartupError([`REDIS_URL must be ${REDIS_URL_FORMS}.`]);
    this.#target = target;
    const client = createClient(target, {
      connectTimeout: PROBE_TIMEOUT_MS,
      retryStrategy: () => Math.min(25 * 2 ** this.#failures, MAX_RECONNECT_DELAY_MS) * (0.75 + Math.random() / 2),
    });
    client.on("connect", () => this.#greetWithin(++this.#attempt));
    client.on("ready", () => this.#greet(client, this.#attempt));
    client.on("error", (error) => {
      this.#lastError = error.message;
    });
    client.on("close", () => {
      this.#attempt++;
      this.#failures++;
      this.#connection = undefined;
      if (!this.#leading) this.#report("down");
      this.#leading = false;
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
    const client = this.#client;
    if (!client) return;
    const settled = new Promise<void>((resolve) => {
      this.#readyListeners.push(resolve);
      client.once("close", resolve);
    });
    client.connect().catch(() => {});
    await within(2 * PROBE_TIMEOUT_MS, settled).catch(() => {});
    if (this.critical && !this.connection) {
      throw new StartupError([
        `REDIS_URL: Redis does not answer (${this.#lastError ?? "no reply"}) and REDIS_CRITICAL is true.`,
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
      if (isReplyError(error) || error instanceof RedisUnavailable) throw error;
      throw new RedisUnavailable((error as Error).message, { cause: error });
    }
  }

  /** Drops the connection and makes a new one, which may lead to another server. */
  reconnect(): void {
    this.#leading = this.#connection !== undefined;
    this.#connection = undefined;
    this.#client?.disconnect(true);
  }

  /** Says that the connection serves its purpose: should it be lost, the next attempt need not wait. */
  approve(): void {
    this.#failures = 0;
  }

  /**
   * A second connection for `work` alone, which ends with it: to the same server run, or to the cluster node that holds
   * `key`. A command whose outcome is unknown is not sent again but fails.
   */
  async withOwnConnection<R>(
    connection: RedisConnection,
    key: string,
    work: (own: ScriptedRedis) => Promise<R>,
  ): Promise<R> {
    const own = await createOwnClient(this.#target as RedisTarget, connection.client, key, {
      connectTimeout: PROBE_TIMEOUT_MS,
      commandTimeout: Math.max(10 * this.#options.timeoutMs, PROBE_TIMEOUT_MS),
    });
    own.on("error", () => {});
    try {
      await within(2 * PROBE_TIMEOUT_MS, own.connect());
      if (connection.runId !== ON_CLUSTER.runId && !samePlace(connection, await identify(own))) {
        throw new ElsewhereError("a second connection led to another server");
      }
      return await work(own);
    } finally {
      own.disconnect();
    }
  }

  close(): void {
    this.#closing = true;
    this.#connection = undefined;
    this.#client?.disconnect();
  }

  /** ioredis waits without end for a server that accepts a connection and says nothing. */
  #greetWithin(attempt: number): void {
    setTimeout(() => {
      if (attempt !== this.#attempt || this.#connection || this.#closing) return;
      this.#lastError ??= "the server does not answer";
      this.#client?.disconnect(true);
    }, 2 * PROBE_TIMEOUT_MS).unref();
  }

  async #greet(client: ScriptedRedis, attempt: number): Promise<void> {
    try {
      const identity = await within(PROBE_TIMEOUT_MS, identify(client));
      if (attempt !== this.#attempt || this.#closing) return;
      this.#connection = { client, ...identity, readyAt: performance.now() };
      this.#hung = false;
      this.#lastError = undefined;
      this.#report("up");
      for (const listener of this.#readyListeners) listener();
    } catch (error) {
      this.#lastError = (error as Error).message;
      if (attempt === this.#attempt) client.disconnect(true);
    }
  }

  /** Stops waiting for a server that was too slow, until it has answered a probe or is reached anew. */
  #suspect(connection: RedisConnection): void {
    if (this.#hung || connection !== this.#connection) return;
    this.#hung = true;
    this.#lastError = `no answer within ${this.#options.timeoutMs} ms`;
    within(PROBE_TIMEOUT_MS, ping(connection.client)).then(
      () => {
        if (connection !== this.#connection) return;
        this.#hung = false;
        this.#report("up");
      },
      () => {
        if (connection !== this.#connection) return;
        this.#report("down");
        this.reconnect();
      },
    );
  }

  #report(state: "up" | "down"): void {
    if (state === this.#reported || this.#closing) return;
    this.#reported = state;
    if (state === "up") this.#options.log.info("Redis is up");
    else this.#options.log.warn({ reason: this.#lastError ?? "the connection was closed" }, "Redis is down");
  }
}

/** Whether the server answered with an error (so it lives), and with this one if `code` is given. */
export function isReplyError(error: unknown, code = ""): boolean {
  return error instanceof Error && error.name === "ReplyError" && error.message.startsWith(code);
}

async function identify(client: Redis | Cluster): Promise<RedisPlace> {
  if (isCluster(client)) return ON_CLUSTER;
  const [server, self] = await Promise.all([client.info("server"), client.client("INFO")]);
  const runId = /^run_id:(\w+)/m.exec(server)?.[1];
  const database = /\bdb=(\d+)/.exec(String(self))?.[1];
  if (!runId || database === undefined) throw new Error("the server does not say which run and database it is");
  return { runId, database: Number(database) };
}

/** Asks every server that reads and writes may go to. */
function ping(client: Redis | Cluster): Promise<unknown> {
  const nodes: readonly Pick<Redis, "ping">[] = isCluster(client) ? client.nodes("master") : [client];
  return Promise.all(nodes.map((node) => node.ping()));
}

/** How many bytes the server has sent. Those of one node of a cluster would say nothing of another: none are counted. */
function bytesFrom({ client }: RedisConnection): number {
  return isCluster(client) ? 0 : client.stream.bytesRead;
}

function isCluster(client: Redis | Cluster): client is Cluster {
  return (client as { isCluster?: boolean }).isCluster === true;
}
