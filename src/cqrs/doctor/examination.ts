import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "../database/engine.ts";
import type { OrmService } from "../database/orm-service.ts";
import { tableUses } from "../database/table-uses.ts";
import { derivedColumns } from "../derived.ts";
import type { RedisConnection } from "../redis/redis-connection.ts";
import type { RedisService } from "../redis/redis-service.ts";
import type { StreamDefinition } from "../stream.ts";
import { checkChain, type ExaminedRow, examinedRow } from "./chain-check.ts";
import { Findings } from "./findings.ts";
import { checkKeptKeys } from "./kept-keys-check.ts";
import { checkLeftoverKeys } from "./leftover-keys.ts";
import { LogCheck } from "./log-check.ts";
import { type Progress, ReadModelCheck } from "./read-model-check.ts";
import { type FaultsOf, RowCheck } from "./row-check.ts";
import { TableAndLog } from "./table-and-log.ts";
import { checkWords } from "./word-check.ts";

/** Keys of rows that were changed by hand that are kept, so that the read model is not blamed for them. */
const MOST_UNLOGGED = 100_000;

/** How often Redis is asked. */
const ATTEMPTS = { most: 4, pauseMs: 500 };

const RESTORE = "Stop every process and restore a backup (npm run restore).";

/** A stream, and what its aggregate says of instances. */
export interface Examinee<T extends object> {
  readonly stream: StreamDefinition<T>;
  readonly faultsOf: FaultsOf<T>;
}

// biome-ignore lint/suspicious/noExplicitAny: one for each stream, whatever it is of
export type AnyExaminee = Examinee<any>;

/**
 * Compares all that is stored of some streams with what it must be, and changes nothing. Table and log are read from one
 * snapshot, the read model beside whoever writes; all in portions.
 */
export class Examination {
  readonly #orm: OrmService;
  readonly #redis: RedisService;
  readonly #progress: Progress;

  constructor(orm: OrmService, redis: RedisService, progress: Progress) {
    this.#orm = orm;
    this.#redis = redis;
    this.#progress = progress;
  }

  /** What the engine says of the database. */
  async database(streams: readonly AnyExaminee[]): Promise<Findings> {
    const findings = new Findings("database");
    await attempt(findings, "the database", async () => {
      const uses = tableUses(
        streams.map(({ stream }) => stream),
        (entity) => this.#orm.table(entity).name,
        false,
      );
      const unique = streams.flatMap(({ stream: { entity } }) => {
        const { name: table, mapper } = this.#orm.table(entity);
        const properties = mapper.unique.filter((property) => property !== "id");
        return properties.map((property) => ({ table, column: mapper.columns[property] as string }));
      });
      const tables = uses.map(({ table }) => table);
      const { faults, unusable, notUnique, notes } = await this.#orm.upkeep.examine(tables, unique);
      for (const fault of faults) findings.differ("database", fault, RESTORE);
      findings.unusable.push(...unusable);
      for (const index of unusable) findings.differ("database", `the index ${index} is not valid`);
      for (const { table, column } of notUnique) {
        const remedy = `Make the index again: create unique index ${table}_${column}_unique on ${table} (${column}).`;
        findings.differ("database", `nothing keeps ${column} of ${table} unique`, remedy);
      }
      for (const note of notes) findings.note(note);
    });
    return findings;
  }

  /** What is found of a stream. */
  async stream<T extends object>({ stream: definition, faultsOf }: Examinee<T>): Promise<Findings> {
    const findings = new Findings(definition.name);
    const derived = definition.derived ? derivedColumns(definition.derived as never) : [];
    const source = new TableAndLog(this.#orm, definition, derived);
    const unlogged = new Set<string>();
    await attempt(findings, "the table and the log", () =>
      this.#orm.snapshot(async (sql) => {
        const row = await examinedRow(sql, definition.name);
        await this.#tableAndLog(sql, source, row, faultsOf, findings, unlogged);
      }),
    );
    await attempt(findings, "the index of words", () => checkWords(this.#orm, definition, findings));
    if (this.#redis.configured) {
      await attempt(findings, "the read model", () =>
        this.#readModel(source, unlogged, findings).catch((error) => {
          // in words that repeat nothing of REDIS_URL
          throw new Error(this.#redis.explain(error));
        }),
      );
    } else if ((await source.stream.row().catch(() => undefined))?.readModel != null) {
      findings.note("REDIS_URL is not set: the read model, which others have in Redis, was not looked at");
    }
    return findings;
  }

  async #tableAndLog<T extends object>(
    sql: Sql,
    source: TableAndLog<T>,
    row: ExaminedRow,
    faultsOf: FaultsOf<T>,
    findings: Findings,
    unlogged: Set<string>,
  ): Promise<void> {
    const { key } = source.definition;
    findings.seen.set("revision", row.revision);
    await checkChain(sql, source, row, findings);
    await checkKeptKeys(sql, source, row, this.#orm.ddl.now, findings);
    const rows = new RowCheck(source, findings, faultsOf);
    const log = new LogCheck(source, row.trimmedTo, findings, ({ logged, row: is }) => {
      if (unlogged.size >= MOST_UNLOGGED) return;
      for (const one of [logged, is]) if (one?.[key] !== undefined) unlogged.add(String(one[key]));
    });
    const told = (async function* (progress: Progress) {
      for await (const portion of rows.through(sql, source.rows(sql))) {
        progress("rows of the table", rows.count);
        yield portion;
      }
    })(this.#progress);
    findings.seen.set("entries of the log", await log.run(sql, told));
    findings.seen.set("rows", rows.count);
    if (rows.stale > 0) {
      findings.note(
        `${rows.stale} rows that another version wrote have nothing derived yet; it is made when it is read by`,
      );
    }
  }

  async #readModel<T extends object>(source: TableAndLog<T>, unlogged: ReadonlySet<string>, findings: Findings) {
    const { definition } = source;
    const check = new ReadModelCheck(this.#orm, source, this.#redis, unlogged, this.#progress);
    await this.#again((connection) => check.run(connection, findings));
    const { readModel } = await source.stream.row();
    await this.#again((connection) => checkLeftoverKeys(this.#redis, connection, definition.name, readModel, findings));
  }

  /** A server that was once too slow to answer is asked again. */
  async #again(work: (connection: RedisConnection) => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { connection } = this.#redis;
        if (!connection) throw new Error(`Redis cannot be reached: ${this.#redis.reason ?? "no reply"}`);
        return await work(connection);
      } catch (error) {
        if (attempt === ATTEMPTS.most) throw error;
        await sleep(ATTEMPTS.pauseMs);
      }
    }
  }
}

/** What cannot be looked at is not known to be right. */
async function attempt(findings: Findings, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    findings.differ("unseen", `${what} could not be looked at: ${reason}`);
  }
}
