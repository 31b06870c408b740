import { sql as expression } from "kysely";
import type { Sql } from "../database/engine.ts";
import type { InstanceMapper } from "../database/instance-mapper.ts";
import type { OrmService } from "../database/orm-service.ts";
import { Stream, type StreamDefinition } from "../stream.ts";

/** Rows and entries that are read at a time. */
const PORTION = 500;
/** Entries of the chain, which are small. */
const LINKS = 5000;
/** No id is less. */
const BEFORE_ALL = -1;

/** A row, as an instance, and what is derived of it by column. */
export interface StoredRow<T> {
  readonly id: number;
  readonly instance: T;
  readonly stored: Readonly<Record<string, unknown>>;
}

/** An entry of the change log, as it stands there. */
export interface Entry {
  readonly revision: number;
  readonly id: number;
  readonly kind: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** An entry of the change log as the link of a chain. */
export interface Link {
  readonly revision: number;
  readonly token: string;
  readonly previousToken: string;
}

/** A stream's table and change log as whoever examines them reads them: in portions, from one snapshot. */
export class TableAndLog<T extends object> {
  readonly definition: StreamDefinition<T>;
  readonly stream: Stream<T>;
  readonly table: string;
  readonly mapper: InstanceMapper<T>;
  /** The derived columns that are read with each row. */
  readonly #derived: readonly string[];
  /** The instances that are read; all unless they are given. */
  readonly #ids: readonly number[] | undefined;

  constructor(
    orm: OrmService,
    definition: StreamDefinition<T>,
    derived: readonly string[] = [],
    ids?: readonly number[],
  ) {
    this.definition = definition;
    this.stream = new Stream(orm, definition);
    const { name, mapper } = orm.table<T>(definition.entity);
    this.table = name;
    this.mapper = mapper;
    this.#derived = derived;
    this.#ids = ids;
  }

  /** An instance as a line names it. */
  named(id: number, instance: Partial<T> | null | undefined): string {
    const key = instance?.[this.definition.key];
    return key === undefined ? `${this.table} ${id}` : `${this.table} ${id} ${JSON.stringify(key)}`;
  }

  /** All rows by their ids. */
  async *rows(sql: Sql): AsyncGenerator<readonly StoredRow<T>[]> {
    const all = sql
      .selectFrom(this.table)
      .select(this.mapper.selection)
      .select(this.#derived.map((column) => `${column} as $${column}`))
      .orderBy("id")
      .limit(PORTION)
      .$if(this.#ids !== undefined, (query) => query.where("id", "in", this.#ids ?? []));
    for (let last = BEFORE_ALL; ; ) {
      const found = await all.where("id", ">", last).execute();
      const rows = found.map((row) => {
        const stored = Object.fromEntries(this.#derived.map((column) => [column, row[`$${column}`]]));
        return { id: Number(row.id), instance: this.mapper.instanceIn(row), stored };
      });
      yield rows;
      if (rows.length < PORTION) return;
      last = rows.at(-1)?.id as number;
    }
  }

  /** All entries of the log, those of each instance together, in their order. */
  async *entriesByInstance(sql: Sql): AsyncGenerator<readonly Entry[]> {
    for (let [id, revision] = [BEFORE_ALL, BEFORE_ALL]; ; ) {
      const found = await sql
        .selectFrom(this.definition.changes)
        .select(["revision", "entity_id", "kind", "before", "after"])
        .where(expression<boolean>`(entity_id, revision) > (${id}, ${revision})`)
        .$if(this.#ids !== undefined, (query) => query.where("entity_id", "in", this.#ids ?? []))
        .orderBy("entity_id")
        .orderBy("revision")
        .limit(PORTION)
        .execute();
      const entries = found.map((row) => {
        return { ...row, revision: Number(row.revision), id: Number(row.entity_id) } as unknown as Entry;
      });
      yield entries;
      const last = entries.at(-1);
      if (entries.length < PORTION || !last) return;
      [id, revision] = [last.id, last.revision];
    }
  }

  /** The entries after a revision as a chain. */
  async *links(sql: Sql, after: number): AsyncGenerator<readonly Link[]> {
    for (let last = after; ; ) {
      const found = await sql
        .selectFrom(this.definition.changes)
        .select(["revision", "token", "previous_token"])
        .where("revision", ">", last)
        .orderBy("revision")
        .limit(LINKS)
        .execute();
      const links = found.map(({ revision, token, previous_token: previousToken }) => {
        return { revision: Number(revision), token, previousToken };
      });
      yield links;
      if (links.length < LINKS) return;
      last = links.at(-1)?.revision as number;
    }
  }
}
