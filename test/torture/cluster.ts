import { once } from "node:events";
import { type Engine, newDatabase, type TestDatabase } from "../support/database.ts";
import { startProxy, type TcpProxy } from "../support/proxy.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { type ServiceProcess, startProcess } from "../support/service.ts";

/** A time in which a process cannot be held to its duties, on the clock of the history. */
interface Outage {
  readonly why: string;
  readonly from: number;
  to: number;
}

/** An API process that is started again when it was killed. */
export class Member {
  readonly name: string;
  /** Its own way to Redis; undefined for a process that is configured without. */
  readonly way: TcpProxy | undefined;
  readonly #env: Readonly<Record<string, string>>;
  readonly #now: () => number;
  readonly #outages: Outage[] = [];
  readonly #logs: string[] = [];
  #process: ServiceProcess | undefined;
  #starts = 0;
  /** Mutations that were sent to it and are not answered yet, by when they were sent. */
  readonly mutating = new Map<object, number>();

  constructor(name: string, way: TcpProxy | undefined, env: Readonly<Record<string, string>>, now: () => number) {
    this.name = name;
    this.way = way;
    this.#env = env;
    this.#now = now;
  }

  get url(): string {
    return this.#process?.url ?? "http://127.0.0.1:1/graphql";
  }

  /** Its name and which start of it this is. */
  get incarnation(): string {
    return `${this.name}#${this.#starts}`;
  }

  /** What the nemesis is doing to it, if anything. */
  get outage(): string | undefined {
    return this.#outages.find(({ to }) => to === Number.POSITIVE_INFINITY)?.why;
  }

  /** What the nemesis did to it at any time since `from`. */
  outageSince(from: number): string | undefined {
    return this.#outages.findLast(({ to }) => to >= from)?.why;
  }

  /** What all its incarnations logged. */
  get log(): string {
    return [...this.#logs, this.#process?.log ?? ""].join("\n--- killed ---\n");
  }

  async start(): Promise<void> {
    this.#process = await startProcess(this.#env);
    this.#starts++;
  }

  /** SIGKILL, without waiting for anything. The returned function starts it again. */
  kill(): () => Promise<void> {
    const end = this.#suffer("killed");
    const child = this.#process?.child;
    const exited = child && once(child, "exit");
    child?.kill("SIGKILL");
    return async () => {
      await exited;
      this.#logs.push(this.#process?.log ?? "");
      await this.start();
      end();
    };
  }

  /** SIGSTOP. The returned function lets it go on. */
  stop(): () => void {
    const end = this.#suffer("stopped");
    this.#process?.child.kill("SIGSTOP");
    return () => {
      this.#process?.child.kill("SIGCONT");
      end();
    };
  }

  #suffer(why: string): () => void {
    const outage: Outage = { why, from: this.#now(), to: Number.POSITIVE_INFINITY };
    this.#outages.push(outage);
    return () => {
      outage.to = this.#now();
    };
  }
}

/** Everything that a run is about. */
export interface Cluster {
  readonly database: TestDatabase;
  readonly redis: RedisServer;
  readonly members: readonly Member[];
}

export interface ClusterOptions {
  readonly engine: Engine;
  /** Processes with Redis, each with a way of its own to it. */
  readonly processes: number;
  /** Processes that are configured without Redis. */
  readonly bare: number;
  /** `READ_LEASE_MS` of all of them. */
  readonly leaseMs: number;
}

/** Starts the processes on one database and one Redis. They end with the test. */
export async function startCluster(options: ClusterOptions, now: () => number): Promise<Cluster> {
  const database = await newDatabase(options.engine);
  const redis = await startRedis("--maxmemory-policy", "allkeys-lru");
  const members: Member[] = [];
  for (let index = 0; index < options.processes + options.bare; index++) {
    const way = index < options.processes ? await startProxy(redis.port) : undefined;
    const env = { DATABASE_URL: database.url, READ_LEASE_MS: `${options.leaseMs}`, ...(way && { REDIS_URL: way.url }) };
    members.push(new Member(String.fromCharCode("a".charCodeAt(0) + index), way, env, now));
  }
  await Promise.all(members.map((member) => member.start()));
  return { database, redis, members };
}
