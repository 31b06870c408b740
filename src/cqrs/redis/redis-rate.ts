import { rateKey } from "./keys.ts";
import type { RedisService } from "./redis-service.ts";

/** What was given of what a client may do. */
export interface Grant {
  readonly given: number;
  readonly left: number;
  /** In how many milliseconds all is there again. */
  readonly fullInMs: number;
}

/** What clients may do in a window, as all processes know it. */
export class SharedRate {
  readonly #redis: RedisService;
  readonly #stream: string;

  /** `stream` is one of those that Redis holds. */
  constructor(redis: RedisService, stream: string) {
    this.#redis = redis;
    this.#stream = stream;
  }

  /**
   * At least `wanted`, while there are so many, and one of `parts` of what is left if that is more.
   *
   * @returns undefined when Redis cannot say
   */
  async take(
    client: string,
    limit: number,
    windowMs: number,
    wanted: number,
    parts: number,
  ): Promise<Grant | undefined> {
    const { connection } = this.#redis;
    if (!connection) return undefined;
    const windowUs = windowMs * 1000;
    try {
      const [given, left, fullInUs] = await this.#redis.call(connection, (redis) =>
        redis.takeRate(rateKey(this.#stream, client), windowUs / limit, windowUs, wanted, parts),
      );
      return { given, left, fullInMs: Number(fullInUs) / 1000 };
    } catch {
      // it is counted and told where the connection is looked after
      return undefined;
    }
  }
}
