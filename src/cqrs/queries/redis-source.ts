import type { RedisConnection } from "../redis/redis-connection.ts";
import type { RedisService } from "../redis/redis-service.ts";
import type { StreamDefinition } from "../stream.ts";
import type { Head } from "./head.ts";
import { RedisReads } from "./redis-reads.ts";
import { ForeignHistory, type Unsound } from "./unsound.ts";

/** Where a stream is read in Redis now: under one name, over one connection. The same for thousands of reads. */
export class RedisSource<T extends object> {
  readonly #definition: StreamDefinition<T>;
  readonly #isInstance: (value: unknown) => value is T;
  readonly #head: Head<T>;
  readonly #redis: RedisService;
  #reads: RedisReads<T> | undefined;

  constructor(
    definition: StreamDefinition<T>,
    isInstance: (value: unknown) => value is T,
    head: Head<T>,
    redis: RedisService,
  ) {
    this.#definition = definition;
    this.#isInstance = isInstance;
    this.#head = head;
    this.#redis = redis;
  }

  /** The reads under `name` over `connection`. */
  at(name: string, connection: RedisConnection): RedisReads<T> {
    const reads = this.#reads;
    if (reads?.name === name && reads.connection === connection && !reads.chain.isCondemned) return reads;
    this.#reads = new RedisReads(this.#definition, this.#isInstance, name, connection, this.#redis);
    this.#head.watch(this.#reads.chain);
    return this.#reads;
  }

  /** The reads in use, if they can be believed and their connection still is the one in use. */
  get trusted(): RedisReads<T> | undefined {
    const reads = this.#reads;
    return reads?.isThere && reads.chain.isTrusted && reads.connection === this.#redis.connection ? reads : undefined;
  }

  /** Believes `reads` no more. */
  giveUp({ chain }: RedisReads<T>, reason: Unsound): void {
    if (reason instanceof ForeignHistory) this.#head.disown(chain);
    else chain.condemn();
  }
}
