import { type ClientBase, Client as PgClient, Pool, type PoolClient, type PoolConfig } from "pg";
import type { Host, PostgresSettings } from "./connection-url.ts";
import { NoConnection, needsAnotherHost, needsOtherEncryption } from "./errors.ts";
import { passwordFromFile } from "./password-file.ts";
import { encryptionsOf, tlsOptions } from "./tls.ts";

/** How long a command or read waits for a connection before the database counts as unavailable, in milliseconds. */
const CONNECT_TIMEOUT_MS = 3000;
/** A server that is silent for longer is given up, with the connection. */
const QUERY_TIMEOUT_MS = 6000;

/** Finds out, once for each new connection, whether it leads where it must. It throws when it does not. */
export type Inspect = (client: ClientBase) => Promise<void>;

/** One way to connect: to a host, encrypted or not. Its connections are a pool. */
interface Route {
  readonly host: Host;
  readonly pool: Pool;
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

  constructor(settings: PostgresSettings, max: number, inspect: Inspect, last: LastHost) {
    this.#settings = settings;
    this.#last = last;
    this.#max = max;
    this.#hosts = settings.hosts.map((host) =>
      encryptionsOf(settings.tls, host).map((encrypted) => ({ host, pool: this.#pool(host, encrypted, inspect) })),
    );
  }

  /** @throws NoConnection */
  async connect(): Promise<PoolClient> {
    const pools = this.#hosts.flat().map(({ pool }) => pool);
    const inUse = pools.find(({ idleCount, totalCount }) => idleCount > 0 || totalCount >= this.#max);
    if (inUse) {
      return inUse.connect().catch((error: Error) => {
        throw new NoConnection([error]);
      });
    }
    const failures: Error[] = [];
    for (let tried = 0; tried < this.#hosts.length; tried++) {
      const first = this.#last.index;
      const client = await this.#connectTo(this.#hosts[first] as readonly Route[], failures);
      if (client) return client;
      if (!needsAnotherHost(failures.at(-1) as Error)) break;
      // others may have gone on to the next already
      if (this.#last.index === first) this.#last.index = (first + 1) % this.#hosts.length;
    }
    throw new NoConnection(failures);
  }

  async end(): Promise<void> {
    await Promise.all(this.#hosts.flat().map(({ pool }) => pool.end()));
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
      max: this.#max,
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
    const pool = new Pool({ ...config, Client: Client as unknown as NonNullable<PoolConfig["Client"]> });
    // an idle connection that breaks is no event here; unheard, it ends the process
    return pool.on("error", () => {});
  }
}

/** What of node-postgres is not in its types. */
interface Internals {
  readonly connection: NodeJS.EventEmitter & { readonly stream: { destroy(): void } };
}

/** A client that closes its socket when it could not connect: a server that waits for a password keeps it for a minute. */
class PostgresClient extends PgClient {
  readonly #fault: Error | undefined;

  constructor(config: PoolConfig, encryption: () => PoolConfig["ssl"], bindChannel: boolean) {
    let ssl: PoolConfig["ssl"] = false;
    let fault: Error | undefined;
    try {
      ssl = encryption();
    } catch (error) {
      // the pool constructs at times when nobody would catch this
      fault = error as Error;
    }
    super({ ...config, password: config.password, ssl });
    this.#fault = fault;
    // a query in flight fails by itself
    this.on("error", () => {});
    if (bindChannel) this.#requireBinding();
  }

  override connect(): Promise<PgClient>;
  override connect(callback: ((error: Error) => void) | ((error: null, client: PgClient) => void)): void;
  override connect(callback?: (error: never, client: never) => void): Promise<PgClient> | undefined {
    const connected = this.#fault ? Promise.reject(this.#fault) : super.connect();
    const done = connected.catch((error) => {
      this.#internals.connection.stream.destroy();
      throw error;
    });
    if (!callback) return done;
    done.then(
      (client) => callback(null as never, client as never),
      (error) => callback(error as never, undefined as never),
    );
    return undefined;
  }

  get #internals(): Internals {
    return this as unknown as Internals;
  }

  #requireBinding(): void {
    const { connection } = this.#internals;
    let offered = false;
    const refuse = () =>
      connection.emit("error", new Error("the server does not bind the password to its certificate"));
    connection.on("authenticationSASL", ({ mechanisms }: { mechanisms: readonly string[] }) => {
      offered = mechanisms.includes("SCRAM-SHA-256-PLUS");
      if (!offered) refuse();
    });
    connection.on("authenticationOk", () => offered || refuse());
  }
}

function missingPassword(): never {
  throw new Error("the server asks for a password, and none is given");
}
