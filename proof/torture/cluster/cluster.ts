import { type Engine, newDatabase } from "../../../test/support/database/database.ts";
import { type RedisServer, startRedis } from "../../../test/support/redis/server.ts";
import type { History } from "../../history/history.ts";
import { Installation, type InstallationOptions } from "./installation.ts";
import type { Member } from "./member.ts";

/** Everything that a run is about: one Redis, and the installations that share it. */
export class Cluster {
  readonly redis: RedisServer;
  /** The first is the original, the others are copies. */
  installations: readonly Installation[];

  constructor(redis: RedisServer, original: Installation) {
    this.redis = redis;
    this.installations = [original];
  }

  get original(): Installation {
    return this.installations[0] as Installation;
  }

  get members(): readonly Member[] {
    return this.installations.flatMap(({ members }) => members);
  }
}

export interface ClusterOptions extends InstallationOptions {
  readonly engine: Engine;
}

/** Starts the processes on one database and one Redis. They end with the test. */
export async function startCluster(options: ClusterOptions, history: History): Promise<Cluster> {
  const database = await newDatabase(options.engine);
  // a replica need not wait for others that may want a copy as well
  const redis = await startRedis("--maxmemory-policy", "allkeys-lru", "--repl-diskless-sync", "no");
  return new Cluster(redis, await Installation.start("original", database, redis, options, history));
}
