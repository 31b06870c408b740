import type { TestDatabase } from "../../../test/support/database/test-database.ts";
import { startProxy, type TcpProxy } from "../../../test/support/network/proxy.ts";
import type { RedisServer } from "../../../test/support/redis/server.ts";
import { readGroundTruth, readMark } from "../change-log.ts";
import type { Branch, History } from "../history.ts";
import { Member } from "./member.ts";

/** How the processes of an installation are set up. */
export interface InstallationOptions {
  /** Processes with Redis, each with a way of its own to it. */
  readonly processes: number;
  /** Processes that are configured without Redis. */
  readonly bare: number;
  /** `READ_LEASE_MS` of all of them. */
  readonly leaseMs: number;
  /** Whether each installation has a key prefix of its own, so that none meets another's keys. */
  readonly apart: boolean;
}

/** One database and the processes that serve it. */
export class Installation {
  readonly name: string;
  readonly database: TestDatabase;
  readonly members: readonly Member[];
  /** What stands before all its keys in Redis. */
  readonly prefix: string;
  /** The history that the database is at. */
  branch: Branch;
  /** What clients may do at its processes: all, only read, or nothing. */
  clients: "all" | "readers" | "none" = "all";

  private constructor(name: string, prefix: string, database: TestDatabase, branch: Branch, members: Member[]) {
    this.name = name;
    this.prefix = prefix;
    this.database = database;
    this.branch = branch;
    this.members = members;
  }

  /** Starts the processes. They end with the test, or with `end`. */
  static async start(
    name: string,
    database: TestDatabase,
    branch: Branch,
    redis: RedisServer,
    { processes, bare, leaseMs, apart }: InstallationOptions,
    history: History,
  ): Promise<Installation> {
    const members: Member[] = [];
    const prefix = apart ? `${name.replaceAll(" ", "-")}:` : "";
    const installation = new Installation(name, prefix, database, branch, members);
    for (let index = 0; index < processes + bare; index++) {
      const way = index < processes ? await startProxy(redis.port) : undefined;
      const { url: DATABASE_URL, way: databaseWay } = await ownWayTo(database);
      const env = {
        DATABASE_URL,
        READ_LEASE_MS: `${leaseMs}`,
        ...(way && { REDIS_URL: `${way.url}?prefix=${prefix}` }),
      };
      const letter = String.fromCharCode("a".charCodeAt(0) + index);
      const ways = { redis: way, database: databaseWay };
      members.push(new Member(`${name} ${letter}`, installation, ways, env, () => history.now));
    }
    await Promise.all(members.map((member) => member.start()));
    return installation;
  }

  /** Copies the database while it is in use, and starts processes on the copy. */
  async copy(name: string, redis: RedisServer, options: InstallationOptions, history: History): Promise<Installation> {
    const origin = this.branch;
    const database = await this.database.copy();
    const { order } = history;
    const { revision } = await readMark(database.url);
    const branch = history.grow(name, { branch: origin, revision, order });
    return Installation.start(name, database, branch, redis, options, history);
  }

  /** The keys of a read model of its. */
  keysOf(readModel: string | null): { rows: string; order: string } {
    const key = `${this.prefix}{books:${readModel}}`;
    return { rows: `${key}:rows`, order: `${key}:order` };
  }

  /** Ends the processes and the database; what that held at the end stays with its branch. */
  async end(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end()));
    this.branch.truth = await readGroundTruth(this.database.url);
    await this.database.drop();
  }
}

/** The database as one process reaches it. */
async function ownWayTo({ url }: TestDatabase): Promise<{ url: string; way: TcpProxy | undefined }> {
  if (url.startsWith("sqlite:")) return { url, way: undefined };
  const way = await startProxy(Number(new URL(url).port));
  return { url: Object.assign(new URL(url), { port: `${way.port}` }).href, way };
}
