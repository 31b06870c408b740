import { randomUUID } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import { readModelKeys } from "./keys.ts";
import { ON_CLUSTER, type RedisPlace } from "./read-model-name.ts";
import { isReplyError } from "./redis-fault.ts";
import type { ScriptedRedis } from "./scripted-redis.ts";

/**
 * Where a new connection leads, as the server itself reports it.
 *
 * @throws Error which says why the connection is of no use
 */
export async function identify(client: ScriptedRedis, database: number): Promise<RedisPlace> {
  if (isCluster(client)) return ON_CLUSTER;
  const [info, , self] = await Promise.all([
    // all sections that there are by default: some servers know no others
    client.info(),
    // ioredis has asked for it already, but goes on in database 0 where that is refused
    database === 0 ? "OK" : client.select(database).catch(cannotSelect),
    client.client("INFO").catch(unknownToServer),
  ]);
  const field = (name: string) => new RegExp(`^${name}:(\\w+)`, "m").exec(info)?.[1];
  const mode = field("redis_mode");
  if (mode === "cluster" || field("cluster_enabled") === "1") {
    throw new Error("the server is a node of a Redis Cluster, which is reached by redis+cluster://");
  }
  if (mode === "sentinel") throw new Error("the server is a sentinel, which is reached by redis+sentinel://");
  const runId = field("run_id");
  if (!runId) throw new Error("the server does not say which run it is: its INFO holds no run_id");

  // servers before 6.2 cannot tell the database, but refuse one that is not there
  const reported = /\bdb=(\d+)/.exec(String(self))?.[1] ?? (await confirmed(client, database));
  if (Number(reported) !== database) throw new Error("the server did not select the database that REDIS_URL names");
  return { runId, database };
}

/** Everything that is done to the read models of some streams, tried out with keys that nobody else has. */
export class Trial {
  readonly #streams = new Set<string>();
  #running: Promise<void> | undefined;

  add(stream: string): void {
    this.#streams.add(stream);
  }

  /**
   * Tries it out over `client`, once for all who ask meanwhile.
   *
   * @throws Error which says what the server refuses
   */
  of(client: ScriptedRedis): Promise<void> {
    this.#running ??= this.#run(client).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(client: ScriptedRedis): Promise<void> {
    for (const stream of this.#streams) {
      const { rows, order } = readModelKeys(stream, `probe-${randomUUID()}`);
      const refused = await client.probe(rows, order).catch((error: Error) => {
        // on a cluster the keys are on any one node: one that is lost is no reason to do without the others
        if (isCluster(client) && (!isReplyError(error) || /^CLUSTERDOWN Hash slot/.test(error.message))) return [];
        throw error;
      });
      const commands = new Set(refused.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()));
      if (commands.size > 0) {
        throw new Error(`NOPERM the server or the user's rights refuse ${[...commands].join(", ")}: ${refused[1]}`);
      }
    }
  }
}

/** Asks every server that reads and writes may go to. */
export function ping(client: Redis | Cluster): Promise<unknown> {
  return Promise.all(serversOf(client).map((node) => node.ping()));
}

/** Each server that keys may be on. */
export function serversOf(client: Redis | Cluster): readonly Pick<Redis, "ping" | "scan">[] {
  return isCluster(client) ? client.nodes("master") : [client];
}

export function isCluster(client: Redis | Cluster): client is Cluster {
  return (client as { isCluster?: boolean }).isCluster === true;
}

function cannotSelect(error: Error): never {
  throw new Error(`the database that REDIS_URL names cannot be selected: ${error.message}`, { cause: error });
}

function unknownToServer(error: unknown): undefined {
  if (!isReplyError(error)) throw error;
}

async function confirmed(client: ScriptedRedis, database: number): Promise<number> {
  if (database === 0) await client.select(0).catch(cannotSelect);
  return database;
}
