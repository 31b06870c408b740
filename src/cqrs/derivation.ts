import { setImmediate as nextTurn } from "node:timers/promises";
import type { Logger } from "pino";
import type { DerivedColumns } from "./database/derived-columns.ts";
import type { Sql } from "./database/engine.ts";
import { lockStreams } from "./database/lock-streams.ts";
import type { OrmService } from "./database/orm-service.ts";
import { FOLDED_VERSION } from "./derived.ts";
import { ServiceError } from "./errors.ts";
import type { StreamDefinition } from "./stream.ts";

/** Rows made anew in one transaction: commands and, on SQLite, all else wait so long. */
const PORTION = 250;

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

  /**
   * Makes stale those of the rows with these keys that do not have what they are to be sorted by, for somebody has changed
   * them by hand; says whether there were any.
   */
  async distrust(keys: readonly string[]): Promise<boolean> {
    const { entity, key, order } = this.#definition;
    if (!order) return false;
    const { name, mapper } = this.#orm.table<T>(entity);
    return this.#orm.transaction((tx) =>
      tx.sql(async (sql) => {
        await lockStreams(sql, [this.#definition.name]);
        let wrong = 0n;
        for (const one of keys) {
          const row = sql.updateTable(name).set({ [FOLDED_VERSION]: null });
          const found = row.where(mapper.columns[key] as string, "=", one);
          const changed = found.where(order.column, "is distinct from", order.of(one));
          wrong += (await changed.executeTakeFirstOrThrow()).numUpdatedRows;
        }
        return wrong > 0n;
      }),
    );
  }

  /** Makes stale those rows, for what is derived of them is wrong. */
  async forget(ids: readonly number[]): Promise<void> {
    const { name } = this.#orm.table<T>(this.#definition.entity);
    for (let at = 0; at < ids.length; at += PORTION) {
      await this.#orm.transaction((tx) =>
        tx.sql(async (sql) => {
          await lockStreams(sql, [this.#definition.name]);
          const some = sql.updateTable(name).where("id", "in", ids.slice(at, at + PORTION));
          await some.set({ [FOLDED_VERSION]: null }).execute();
        }),
      );
    }
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
    await lockStreams(sql, [this.#definition.name]);
    const stale = await columns.stale(sql, PORTION);
    await columns.write(sql, stale);
    return stale.length;
  }

  get #columns(): DerivedColumns<T> | undefined {
    return this.#orm.table<T>(this.#definition.entity).derived;
  }
}
