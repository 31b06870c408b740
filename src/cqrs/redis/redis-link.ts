import type { Logger } from "pino";
import { within } from "../deadline.ts";
import { createClient } from "./redis-client.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { identify, Trial } from "./redis-greeting.ts";
import { RedisReport } from "./redis-report.ts";
import type { RedisTarget } from "./redis-url.ts";
import type { ScriptedRedis } from "./scripted-redis.ts";

/** How long the server may take to greet a new connection, or to answer a probe, in milliseconds. */
export const PROBE_TIMEOUT_MS = 1000;
const MAX_RECONNECT_DELAY_MS = 1000;

/**
 * The way to Redis: it connects, greets the server, and connects again when the connection is lost. Nothing is queued
 * meanwhile, and nothing is sent again afterwards.
 */
export class RedisLink {
  readonly target: RedisTarget;
  readonly report: RedisReport;
  /** What is done to the read models, tried out over each new connection. */
  readonly trial = new Trial();
  readonly #client: ScriptedRedis;
  #connection: RedisConnection | undefined;
  #closing = false;
  #attempt = 0;
  /** Connections that ended since one was good. It is not reset by one that is merely made: that may go on for ever. */
  #failures = 0;
  /** Whether the connection is given up for another by this process's own wish, which is no change of Redis's state. */
  #leading = false;
  /** Why the attempt to connect that is under way fails, or the connection in use is of no use. */
  #fault: Error | undefined;
  readonly #readyListeners: (() => void)[] = [];
  readonly #failureListeners: (() => void)[] = [];

  constructor(target: RedisTarget, log: Logger) {
    this.target = target;
    this.report = new RedisReport(target, log);
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

  /** The connection, while there is one. */
  get connection(): RedisConnection | undefined {
    return this.#connection;
  }

  /** Calls `listener` each time that a connection has become ready. */
  onReady(listener: () => void): void {
    this.#readyListeners.push(listener);
  }

  /** Makes the first attempt to connect, and waits for what becomes of it; later ones follow by themselves. */
  async start(): Promise<void> {
    const settled = new Promise<void>((resolve) => {
      this.#readyListeners.push(resolve);
      this.#failureListeners.push(resolve);
    });
    this.#client.connect().catch(() => {});
    await within(3 * PROBE_TIMEOUT_MS, settled).catch(() => {});
  }

  /** Drops the connection and makes a new one, which may lead to another server. Without one that is under way. */
  reconnect(): void {
    if (!this.#connection) return;
    this.#leading = true;
    this.#connection = undefined;
    this.#client.disconnect(true);
  }

  /** Says that the connection serves its purpose: should it be lost, the next attempt need not wait. */
  approve(): void {
    this.#failures = 0;
  }

  /** Ends the connection because of `fault`, and makes a new one. */
  drop(fault: Error): void {
    this.#fault = fault;
    this.#connection = undefined;
    this.#client.disconnect(true);
  }

  close(): void {
    this.#closing = true;
    this.#connection = undefined;
    this.#client.disconnect();
  }

  /** ioredis waits without end for a server that accepts a connection and says nothing. */
  #greetWithin(): void {
    const attempt = ++this.#attempt;
    this.#fault = undefined;
    setTimeout(() => {
      if (attempt !== this.#attempt || this.#connection || this.#closing) return;
      this.drop(this.#fault ?? new Error("the server does not answer"));
    }, 2 * PROBE_TIMEOUT_MS).unref();
  }

  async #greet(client: ScriptedRedis, attempt: number): Promise<void> {
    try {
      const identity = await within(PROBE_TIMEOUT_MS, identify(client, this.target.database));
      await within(PROBE_TIMEOUT_MS, this.trial.of(client));
      if (attempt !== this.#attempt || this.#closing) return;
      this.#connection = { client, ...identity, readyAt: performance.now() };
      this.report.up();
      for (const listener of this.#readyListeners) listener();
    } catch (error) {
      if (attempt === this.#attempt) this.drop(error as Error);
    }
  }

  #failed(): void {
    if (!this.#leading && !this.#closing) this.report.failed(this.#fault);
    this.#leading = false;
    this.#fault = undefined;
    this.#failures++;
    for (const listener of this.#failureListeners.splice(0)) listener();
  }
}
