import type { Options } from "@mikro-orm/core";
import { PostgreSqlDriver } from "@mikro-orm/postgresql";
import {
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresDialect,
  type PostgresDialectConfig,
  PostgresDriver,
  type PostgresPoolClient,
  type TransactionSettings,
} from "kysely";
import { type ClientBase, DatabaseError, Pool, type PoolClient, type PoolConfig } from "pg";
import type { DatabaseEngine, Sql } from "./database-engine.ts";

/** Connections for commands, and as many again for reads, which no open transaction holds up. */
const POOL_SIZE = 10;
/** Connections for look-ups and for the one snapshot that a rebuild needs: slow reads do not hold these up. */
const BACKGROUND_POOL_SIZE = 5;

const limits: PoolConfig = {
  /** How long a command or read waits for a connection before the database counts as unavailable. */
  connectionTimeoutMillis: 3000,
  /** A server that is silent for longer is given up, with the connection. */
  query_timeout: 6000,
  /** How long a command waits for the row that another process holds. */
  lock_timeout: 4000,
  /** A process that is stopped in mid-command must not hold the row for longer than this. */
  idle_in_transaction_session_timeout: 10_000,
  keepAlive: true,
  options: "-c default_transaction_isolation=read\\ committed",
};

/** SQLSTATE classes and codes of a server that cannot work now, and what Node says of one that is out of reach. */
const UNAVAILABLE = /^(08|3D000|53|57|58|XX|25006|25P03|55P03)|^E(CONN|PIPE|HOST|NET|TIMEDOUT|AI_AGAIN|NOTFOUND)/;
/** SQLSTATEs of a transaction that the server ended to let another one through: it is rolled back, even at its commit. */
const ROLLED_BACK = /^(40001|40P01)$/;
/** The connection was lost, so the server rolls back what was not yet committed. */
const CONNECTION_LOST = /^(08|57P0[123])|^E(CONN|PIPE)/;
/** What `pg` says, without a code, of a connection that it lost or could not get. */
const TERMINATED = /^(Connection terminated|Connection ended|Client (has encountered|was closed))/;
const NO_ANSWER = /^(timeout exceeded when trying to connect|Query read timeout|the server is a standby)/;

/**
 * A pooled connection that goes back to the pool only while its state is known. After a time-out or a loss nothing more
 * is sent over it, and it is closed when it is released.
 */
class SafeClient implements PostgresPoolClient {
  readonly #client: PoolClient;
  #broken: Error | undefined;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  /** Kysely's signature stands for cursors as well, which nothing here uses. */
  readonly query = ((sql: string, parameters: readonly unknown[]) => this.#query(sql, parameters)) as never;

  async #query(sql: string, parameters: readonly unknown[]) {
    if (this.#broken) throw this.#broken;
    try {
      const result = await this.#client.query(sql, parameters as unknown[]);
      // the server's way to say that it could not commit
      if (sql === "commit" && result.command !== "COMMIT") throw new Error("the transaction was rolled back");
      return result;
    } catch (error) {
      const alive = error instanceof DatabaseError && error.severity !== "FATAL";
      if (!alive || /^(begin|start)\b/.test(sql)) this.#broken = error as Error;
      throw error;
    }
  }

  release(): void {
    this.#client.release(this.#broken);
  }
}

/** Kysely's driver, but one that gives connections back when `BEGIN` or `ROLLBACK` fails, which Kysely's does not. */
class ReleasingDriver extends PostgresDriver {
  override async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    // the first statement of the transaction throws the reason: SafeClient sends nothing more
    await super.beginTransaction(connection as never, settings).catch(() => {});
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await super.rollbackTransaction(connection as never).catch(() => {});
  }
}

class ReleasingDialect extends PostgresDialect {
  readonly #config: PostgresDialectConfig;

  constructor(config: PostgresDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new ReleasingDriver(this.#config);
  }
}

/** PostgreSQL at `url`. Commands run at READ COMMITTED: the row lock of their first statement orders them. */
export function postgresDatabase(url: string): DatabaseEngine {
  const dialect = (max: number) => () => {
    const pool = new Pool({ ...limits, connectionString: url, max, verify: refuseStandby } as PoolConfig);
    // a query in flight fails by itself, and an idle connection that breaks is no event here; unheard, both end the process
    pool.on("error", () => {}).on("connect", (client) => client.on("error", () => {}));
    const connect = async () => new SafeClient(await pool.connect());
    return new ReleasingDialect({ pool: { options: pool.options, connect, end: () => pool.end() } });
  };
  const background: Sql = new Kysely({ dialect: dialect(BACKGROUND_POOL_SIZE)() });
  return {
    options: {
      driver: PostgreSqlDriver,
      clientUrl: url,
      driverOptions: dialect(POOL_SIZE),
      // the same server: a pool for reads that no command's transaction holds up
      replicas: [{ name: "reads", driverOptions: dialect(POOL_SIZE) }],
    } as unknown as Options,
    ddl: {
      identity: "integer generated by default as identity primary key",
      text: 'text collate "C"',
      youngestIndexFirst: false,
    },
    lookUp: (_, work) => work(background),
    snapshot: (work) =>
      background.transaction().setIsolationLevel("repeatable read").setAccessMode("read only").execute(work),
    violatedColumn: ({ code, constraint = "" }) =>
      code === "23505" ? /^[a-z]+_(\w+)_unique$/.exec(constraint)?.[1] : undefined,
    isUnavailable: ({ code, message }) =>
      code ? UNAVAILABLE.test(code) : TERMINATED.test(message) || NO_ANSWER.test(message),
    isRetryable: ({ code = "", message }, committing) =>
      ROLLED_BACK.test(code) || (!committing && (CONNECTION_LOST.test(code) || TERMINATED.test(message))),
    dispose: () => background.destroy(),
  };
}

/** A standby answers with the past. It cannot become one while a connection lasts, so asking once is enough. */
function refuseStandby(client: ClientBase, done: (error?: Error) => void): void {
  client
    .query("select pg_is_in_recovery() as standby")
    .then(
      ({ rows }) =>
        done(rows[0].standby ? new Error("the server is a standby, which answers with the past") : undefined),
      done,
    );
}
