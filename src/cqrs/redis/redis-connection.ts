import { within } from "../deadline.ts";
import { ON_CLUSTER, type RedisPlace, samePlace } from "./read-model-name.ts";
import { createOwnClient } from "./redis-client.ts";
import { ElsewhereError } from "./redis-fault.ts";
import { identify } from "./redis-greeting.ts";
import type { RedisTarget } from "./redis-url.ts";
import type { ScriptedRedis } from "./scripted-redis.ts";

/**
 * One connection to one run of one server, at the place that it reported itself; or to a cluster, where no one server
 * can be held to. Answers over different connections never mix.
 */
export interface RedisConnection extends RedisPlace {
  readonly client: ScriptedRedis;
  /** Monotonic, after the server had greeted. */
  readonly readyAt: number;
}

const CONNECT_TIMEOUT_MS = 1000;

/**
 * A second connection for `work` alone, which ends with it: to the same server run as `connection`, or to the cluster
 * node that holds `key`. A command whose outcome is unknown after `commandTimeout` milliseconds is not sent again but fails.
 *
 * @throws ElsewhereError when it leads to another server; what connecting and `work` throw
 */
export async function withOwnConnection<R>(
  target: RedisTarget,
  connection: RedisConnection,
  key: string,
  commandTimeout: number,
  work: (own: ScriptedRedis) => Promise<R>,
): Promise<R> {
  const own = await createOwnClient(target, connection.client, key, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout,
  });
  own.on("error", () => {});
  try {
    await within(2 * CONNECT_TIMEOUT_MS, own.connect());
    if (connection.runId !== ON_CLUSTER.runId && !samePlace(connection, await identify(own, connection.database))) {
      throw new ElsewhereError("a second connection led to another server");
    }
    return await work(own);
  } finally {
    own.disconnect();
  }
}
