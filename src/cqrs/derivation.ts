import { setImmediate as nextTurn } from "node:timers/promises";
import type { Logger } from "pino";
import type { DerivedColumns } from "./database/derived-columns.ts";
import type { Sql } from "./database/engine.ts";
import type { OrmService } from "./database/orm-service.ts";
import { ServiceError } from "./errors.ts";
import type { StreamDefinition } from "./stream.ts";

/** Rows made anew in one transaction: commands and, on SQLite, all else wait so long. */
const PORTION = 500;

/** How often something is read that other processes go on making stale, and made fresh in between. */
const ATTEMPTS = 50;

/**
 * Makes anew what is derived of rows that a process of the version before has written, or that were there before the
 * columns were. That changes no revision, for it changes no instance. Several processes may do it at once.
 */
export class Derivation<T extends object> {
  readonly #orm: OrmService;
  readonly #definition: StreamDefinition<T>;
  #renewing: Promise<number> | undefined;

  constructor(orm: OrmService, definition: StreamDefinition<T>) {
    this.#orm = orm;
    this.#definition = definition;
  }

  /** The condition to be read with whatever is read by derived columns: a row that is stale, or null. */
  get anyStale() {
    return this.#columns?.anyStale();
  }

  /** Whether any row is stale, in a snapshot or transaction. */
  async isAnyStale(sql: Sql): Promise<boolean> {
    const { anyStale } = this;
    return anyStale !== undefined && (await sql.selectNoFrom(anyStale.as("id")).executeTakeFirst())?.id != null;
  }

  /**
   * Reads what goes by derived columns, and again where `isStale` says that a row was stale in the state that was read: a
   * process of the version before may have changed one at any time.
   *
   * @throws ServiceError `SERVICE_UNAVAILABLE` when that goes on and on; what either of them throws
   */
  async fresh<R>(read: () => Promise<R>, isStale: (found: R) => boolean): Promise<R> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const found = await read();
      if (!isStale(found)) return found;
      await this.renew();
    }
    throw new ServiceError(
      "SERVICE_UNAVAILABLE",
      "An older version of the service changes too much for this one to sort it. Try again later.",
    );
  }

  /** Makes it anew for all rows that are stale now; returns how many those were. Calls meanwhile become one. */
  renew(): Promise<number> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /** The same, at the start: after a migration those may be all rows. */
  async start(log: Logger): Promise<void> {
    const began = performance.now();
    const rows = await this.renew();
    if (rows === 0) return;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    log.info({ rows, seconds: Number(seconds) }, `what is derived of ${this.#definition.name} was made anew`);
  }

  async #renew(): Promise<number> {
    const columns = this.#columns;
    if (!columns || !(await this.#orm.sql((sql) => this.isAnyStale(sql)))) return 0;
    for (let rows = 0; ; await nextTurn()) {
      const made = await this.#orm.transaction((tx) => tx.sql((sql) => this.#portion(sql, columns)));
      rows += made;
      if (made < PORTION) return rows;
    }
  }

  async #portion(sql: Sql, columns: DerivedColumns<T>): Promise<number> {
    // the lock that every command takes: who locks rows without it and one that has it could wait for each other
    const stream = sql.updateTable("stream").set((column) => ({ lease_ms: column.ref("lease_ms") }));
    await stream.where("name", "=", this.#definition.name).execute();
    const stale = await columns.stale(sql, PORTION);
    await columns.write(sql, stale);
    return stale.length;
  }

  get #columns(): DerivedColumns<T> | undefined {
    return this.#orm.table<T>(this.#definition.entity).derived;
  }
}
