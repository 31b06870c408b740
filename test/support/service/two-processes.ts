import { newDatabase } from "../database/database.ts";
import { type Balancer, startBalancer } from "../network/balancer.ts";
import { startRedis } from "../redis/server.ts";
import type { Environment } from "./program.ts";
import { type ServiceProcess, startProcess } from "./service-process.ts";
import { servedByRedis } from "./witness.ts";

/** Two processes of one service over one database and Redis, behind one address that asks them in turn. */
export interface TwoProcesses {
  readonly processes: readonly [ServiceProcess, ServiceProcess];
  readonly balancer: Balancer;
  readonly url: string;
  /** What another process of the service is started with. */
  readonly env: Environment;
}

/** Starts them, and waits until both answer from Redis. They end with the test. */
export async function startTwoProcesses(env: Environment = {}): Promise<TwoProcesses> {
  const [redis, database] = await Promise.all([startRedis(), newDatabase()]);
  const settings = { DATABASE_URL: database.url, REDIS_URL: redis.url, LOG_LEVEL: "silent", ...env };
  const processes = await Promise.all([startProcess(settings), startProcess(settings)]);
  const [{ url: first }, { url: second }] = processes;
  await servedByRedis(...processes);
  const balancer = await startBalancer(first, second);
  return { processes, balancer, url: balancer.url, env: settings };
}
