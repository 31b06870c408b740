import { type ClientBase, Pool, type PoolClient, type PoolConfig } from "pg";
import type { PoolUsage } from "../engine.ts";
import { PostgresClient } from "./client.ts";
import type { Host, PostgresSettings } from "./connection-url.ts";
import { NoConnection, needsAnotherHost, needsOtherEncryption } from "./errors.ts";
import { passwordFromFile } from "./password-file.ts";
import { timesOfServer } from "./times.ts";
import { encryptionsOf, tlsOptions } from "./tls.ts";

/** How long a command or read waits for a connection before the database counts as unavailable, in milliseconds. */
const CONNECT_TIMEOUT_MS = 3000;
/** A server that is silent for longer is given up, with the connection. */
const QUERY_TIMEOUT_MS = 6000;

/** Finds out, once for each new connection, whether it leads where it must. It throws when it does not. */
export type Inspect = (client: ClientBase) => Promise<void>;

/** One way to connect: to a host, encrypted or not. Its connections are a pool. */
interface Route {
  readonly pool: Pool;
  /** Whether it has led to the server and connections are still open. */
  readonly isOpen: () => boolean;
}

/** The host that answered last, for all pools of a database: what one of them has found the others need not look for. */
export interface LastHost {
  index: number;
}

/**
 * A pool of connections to the first of several hosts that is a primary, encrypted as the settings say. node-postgres
 * knows one host, and encrypts or does not; so each combination is a pool of its own, of which one is in use.
 */
export class Connections {
  readonly #settings: PostgresSettings;
  /** The routes of each host, in the order in which they are tried. */
  readonly #hosts: readonly (readonly Route[])[];
  readonly #last: LastHost;
  readonly #max: number;
  #finding: Promise<PoolClient> | undefined;

  constructor(settings: PostgresSettings, max: number, inspect: Inspect, last: LastHost) {
    this.#settings = settings;
    this.#last = last;
    this.#max = max;
    this.#hosts = settings.hosts.map((host) =>
      encryptionsOf(settings.tls, host).map((encrypted) => this.#route(host, encrypted, inspect)),
    );
  }

  get usage(): PoolUsage {
    const pools = this.#hosts.flatMap((routes) => routes.map(({ pool }) => pool));
    const sum = (count: (pool: Pool) => number) => pools.reduce((all, pool) => all + count(pool), 0);
    return {
      open: sum((pool) => pool.totalCount),
      idle: sum((pool) => pool.idleCount),
      waiting: sum((pool) => pool.waitingCount),
    };
  }

  /** @throws NoConnection */
  async connect(): Promise<PoolClient> {
    for (let attempt = 1; ; attempt++) {
      const inUse = this.#inUse();
      if (inUse) {
        try {
          return await inUse.pool.connect();
        } catch (error) {
          // others are still open, or were until now: then there may be another way
          if (inUse.isOpen() || attempt > 1) throw new NoConnection([error as Error]);
        }
      }
      // one looks for the way, and whoever comes meanwhile takes the way that it finds
      if (this.#finding) await this.#finding;
      else return await this.#find();
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#hosts.flat().map(({ pool }) => pool.end()));
  }

  #inUse(): Route | undefined {
    const open = this.#hosts.flat().filter((route) => route.isOpen());
    return open.find(({ pool }) => pool.idleCount > 0) ?? open[0];
  }

  #find(): Promise<PoolClient> {
    this.#finding = this.#findWay().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  async #findWay(): Promise<PoolClient> {
    const failures: Error[] = [];
    for (let tried = 0; tried < this.#hosts.length; tried++) {
      const { index } = this.#last;
      const client = await this.#connectTo(this.#hosts[index] as readonly Route[], failures);
      if (client) return client;
      if (!needsAnotherHost(failures.at(-1) as Error)) break;
      // another pool may have gone on already
      if (this.#last.index === index) this.#last.index = (index + 1) % this.#hosts.length;
    }
    throw new NoConnection(failures);
  }

  async #connectTo(routes: readonly Route[], failures: Error[]): Promise<PoolClient | undefined> {
    for (const { pool } of routes) {
      try {
        return await pool.connect();
      } catch (error) {
        failures.push(error as Error);
        if (!needsOtherEncryption(error as Error)) return undefined;
      }
    }
    return undefined;
  }

  #route(host: Host, encrypted: boolean, inspect: Inspect): Route {
    const clients = new Set<ClientBase>();
    const pool = this.#pool(host, encrypted, async (client) => {
      await inspect(client);
      clients.add(client);
    });
    // an idle connection that breaks is no event here; unheard, it ends the process
    pool.on("error", () => {}).on("remove", (client) => void clients.delete(client));
    return { pool, isOpen: () => [...clients].some((client) => !(client as PostgresClient).ending) };
  }

  #pool(host: Host, encrypted: boolean, inspect: Inspect): Pool {
    const { user, database, applicationName, options, keepAlive, keepAliveIdleMs, tls, password } = this.#settings;
    const { bindChannel, direct } = tls;
    const config: PoolConfig = {
      host: host.address,
      port: host.port,
      user,
      database,
      password: () => password ?? passwordFromFile(this.#settings, host) ?? missingPassword(),
      application_name: applicationName,
      ...(options !== undefined && { options }),
      keepAlive,
      ...(keepAliveIdleMs !== undefined && { keepAliveInitialDelayMillis: keepAliveIdleMs }),
      connectionTimeoutMillis: this.#settings.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      // whoever waits for each answer is not concerned
      pipeline: true,
      max: this.#max,
      types: timesOfServer(),
      enableChannelBinding: encrypted && bindChannel,
      ...(encrypted && direct && { sslnegotiation: "direct" }),
      verify: (client, done) => void inspect(client).then(() => done(), done),
    };
    const encryption = encrypted ? () => tlsOptions(tls, host) : () => false as const;
    const Client = class extends PostgresClient {
      constructor(given: PoolConfig) {
        super(given, encryption, encrypted && bindChannel);
      }
    };
    return new Pool({ ...config, Client: Client as unknown as NonNullable<PoolConfig["Client"]> });
  }
}

function missingPassword(): never {
  throw new Error("the server asks for a password, and none is given");
}
