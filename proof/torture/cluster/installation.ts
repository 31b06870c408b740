import type { TestDatabase } from "../../../test/support/database/test-database.ts";
import { startProxy, type TcpProxy } from "../../../test/support/network/proxy.ts";
import type { RedisServer } from "../../../test/support/redis/server.ts";
import { Namespace } from "../../clients/namespace.ts";
import type { Branch, Origin } from "../../history/branch.ts";
import type { Change } from "../../history/change.ts";
import type { History } from "../../history/history.ts";
import { readChanges, readGroundTruth, readMark } from "../change-log.ts";
import { Lock } from "./lock.ts";
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

/** Nobody else writes to these databases. */
const WHOLE = new Namespace();

/** One database and the processes that serve it. */
export class Installation {
  readonly name: string;
  readonly database: TestDatabase;
  readonly members: readonly Member[];
  /** What stands before all its keys in Redis. */
  readonly prefix: string;
  /** The history that the database is at. */
  branch: Branch;
  /** Held by whoever must be alone with the database. */
  readonly lock = new Lock();
  readonly #history: History;
  readonly names = WHOLE;
  /** What clients may do at its processes: all, only read, or nothing. */
  clients: "all" | "readers" | "none" = "all";

  private constructor(
    name: string,
    prefix: string,
    database: TestDatabase,
    members: Member[],
    history: History,
    origin?: Origin,
  ) {
    this.name = name;
    this.prefix = prefix;
    this.database = database;
    this.members = members;
    this.#history = history;
    this.branch = this.#grow(name, origin);
  }

  /** Starts the processes. They end with the test, or with `end`. */
  static async start(
    name: string,
    database: TestDatabase,
    redis: RedisServer,
    { processes, bare, leaseMs, apart }: InstallationOptions,
    history: History,
    origin?: Origin,
  ): Promise<Installation> {
    const members: Member[] = [];
    const prefix = apart ? `${name.replaceAll(" ", "-")}:` : "";
    const installation = new Installation(name, prefix, database, members, history, origin);
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
    const { revision } = await readMark(database.url);
    return Installation.start(name, database, redis, options, history, { branch: origin, revision });
  }

  /** The keys of a read model of its. */
  keysOf(readModel: string | null): { rows: string; order: string } {
    const key = `${this.prefix}{books:${readModel}}`;
    return { rows: `${key}:rows`, order: `${key}:order` };
  }

  /** Ends the processes and the database; what that held at the end stays with its branch. */
  async end(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end()));
    await this.lock.run(async () => {
      await this.endBranch();
      await this.database.drop();
    });
  }

  /** Keeps what the database holds at the end of its history. The lock must be held. */
  async endBranch(): Promise<void> {
    this.branch.truth = await readGroundTruth(this.database.url, this.branch.seen ?? 0);
  }

  /** Begins the history that the database goes on with. The lock must be held. */
  beginBranch(name: string, origin: Origin | undefined): void {
    this.branch = this.#grow(name, origin);
  }

  #grow(name: string, origin: Origin | undefined): Branch {
    const read = async (branch: Branch, since: number): Promise<readonly Change[]> =>
      this.lock.run(async () => (branch.truth ? [] : readChanges(this.database.url, since)));
    return this.#history.grow(name, read, origin);
  }
}

/** The database as one process reaches it. */
async function ownWayTo({ url }: TestDatabase): Promise<{ url: string; way: TcpProxy | undefined }> {
  if (url.startsWith("sqlite:")) return { url, way: undefined };
  const way = await startProxy(Number(new URL(url).port));
  return { url: Object.assign(new URL(url), { port: `${way.port}` }).href, way };
}
