import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  PostgresDialect,
  type PostgresDialectConfig,
  PostgresDriver,
  type PostgresPoolClient,
  type TransactionSettings,
} from "kysely";
import { DatabaseError, type PoolClient } from "pg";
import { MIGRATION } from "../migrations.ts";
import type { Connections } from "./connections.ts";

/** How long a command waits for the row that another process holds, in milliseconds. */
const LOCK_TIMEOUT_MS = 4000;
/** A process that is stopped in mid-command must not hold the row for longer than this. */
const IDLE_IN_TRANSACTION_MS = 10_000;

/**
 * What each transaction sets for itself. As parameters of the connection these could be replaced by the URL's options,
 * poolers refuse some of them, and behind one that lends connections for a transaction they would stay with others.
 * A commit that is acknowledged before it is on disk would break the promise.
 */
const SETTINGS = `select set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true),
  set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', true),
  set_config('synchronous_commit', case current_setting('synchronous_commit') when 'off' then 'on'
    else current_setting('synchronous_commit') end, true)`;

/** What a migration's statement may take, for which a server goes through all of a large table. */
const MIGRATION_TIMEOUT_MS = 3_600_000;

/** How a transaction of commands begins: in one text, which cannot fail half way. */
export const BEGIN = `start transaction isolation level read committed; ${SETTINGS}`;

/** Commits that the server has refused, and then shown to be alive: it has rolled them back. */
const rolledBack = new WeakSet<object>();

/** Whether a commit that failed with this error has surely changed nothing. */
export function isRolledBack(error: Error): boolean {
  return rolledBack.has(error);
}

/**
 * A pooled connection that goes back to the pool only when it is known to be idle. After a time-out or a loss nothing
 * more is sent over it, and it is closed when it is released.
 */
class SafeClient implements PostgresPoolClient {
  readonly #client: PoolClient;
  #broken: Error | undefined;
  /** The last statement's failure; the server's account of the transaction is then still on its way. */
  #failed: Error | undefined;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  /** Kysely's signature stands for cursors as well, which nothing here uses. */
  readonly query = ((sql: string, parameters: readonly unknown[]) => this.#query(sql, parameters)) as never;

  async #query(sql: string, parameters: readonly unknown[]) {
    if (this.#broken) throw this.#broken;
    try {
      const time = sql.startsWith(MIGRATION) ? { query_timeout: MIGRATION_TIMEOUT_MS } : {};
      const result = await this.#client.query({ text: sql, values: parameters as unknown[], ...time });
      this.#failed = undefined;
      // the server's way to say that it could not commit
      if (sql === "commit" && result.command !== "COMMIT") throw new Error("the transaction was rolled back");
      return result;
    } catch (error) {
      this.#failed = error as Error;
      // only what the server itself has refused leaves the connection as it was
      const refused = error instanceof DatabaseError || sql === "commit";
      if (!refused || sql.startsWith("start")) this.#broken = error as Error;
      throw error;
    }
  }

  release(): void {
    const idle = this.#client.getTransactionStatus() === "I";
    this.#client.release(this.#broken ?? this.#failed ?? !idle);
  }
}

/** Kysely's driver, but one that gives connections back when `BEGIN` or `ROLLBACK` fails, which Kysely's does not. */
class ReleasingDriver extends PostgresDriver {
  override async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const { isolationLevel = "read committed", accessMode = "" } = settings;
    const begin = `start transaction isolation level ${isolationLevel} ${accessMode}; ${SETTINGS}`;
    // the first statement of the transaction throws the reason: SafeClient sends nothing more
    await connection.executeQuery(CompiledQuery.raw(begin)).catch(() => {});
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.commitTransaction(connection as never);
    } catch (error) {
      // a server that ends the session, or was lost, does not answer this, and may have committed
      await super.rollbackTransaction(connection as never).then(
        () => rolledBack.add(error as Error),
        () => {},
      );
      throw error;
    }
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await super.rollbackTransaction(connection as never).catch(() => {});
  }
}

/** Kysely's PostgreSQL dialect over `connections`. */
export class ReleasingDialect extends PostgresDialect {
  readonly #config: PostgresDialectConfig;

  constructor(connections: Connections) {
    const connect = async () => new SafeClient(await connections.connect());
    const config = { pool: { options: {}, connect, end: () => connections.end() } };
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new ReleasingDriver(this.#config);
  }
}
