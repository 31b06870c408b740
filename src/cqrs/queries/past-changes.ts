import { sql as expression, type RawBuilder } from "kysely";
import type { LoggedChange } from "../change.ts";
import type { Sql } from "../database/engine.ts";
import type { OrmService } from "../database/orm-service.ts";
import type { Stream } from "../stream.ts";
import { InstanceShape } from "./instance-shape.ts";
import type { TableRows } from "./table-rows.ts";

/** A row of the change log, of those columns that are shown. One that is newer than the row is absent. */
export interface LogRow {
  readonly revision: number | string;
  readonly at: string;
  readonly kind: LoggedChange<unknown>["kind"];
  readonly entity_id: number;
  readonly before: string | null;
  readonly after: string | null;
  readonly who?: string | null;
}

/** What there is of an instance beside some of its entries: as it was next and before them, and as it is. */
interface Beside<T> {
  readonly next: Partial<T> | null;
  readonly last: Partial<T> | null;
  readonly lastAt: string | null;
  readonly addedAt: string | null;
}

type Parsed<T> = LoggedChange<Partial<T>> & { readonly id: number };

/**
 * Makes entries of the log whole for people, whichever version has logged them. What such a version did not know it left as
 * it was: so that is what the next one has found there that knew it, or the table has; of what was deleted before
 * any did, what the last one that knew it had left, or what the table has by default.
 */
export class PastChanges<T extends object> {
  readonly #orm: OrmService;
  readonly #stream: Stream<T>;
  readonly #rows: TableRows<T>;
  readonly #shape: InstanceShape<T>;

  constructor(orm: OrmService, stream: Stream<T>, rows: TableRows<T>) {
    this.#orm = orm;
    this.#stream = stream;
    this.#rows = rows;
    this.#shape = new InstanceShape(stream.definition.format, rows);
  }

  /** `rows` in the order of their revisions; of each instance all that the log has between the first and the last. */
  async whole(rows: readonly LogRow[]): Promise<LoggedChange<T>[]> {
    const entries = rows.map((row) => this.#parsed(row));
    const beside = await this.#besideOf(entries);
    const lastSeen = new Map<number, Partial<T>>();
    const lastAt = new Map<number, string>();
    // what each may be completed from if nothing later is known
    const earlier = entries.map(({ id, at, after }) => {
      const found = { last: lastSeen.get(id) ?? beside.get(id)?.last, at: lastAt.get(id) ?? beside.get(id)?.lastAt };
      if (after && this.#shape.isComplete(after)) lastSeen.set(id, after);
      lastAt.set(id, at);
      return found;
    });
    const next = new Map([...beside].map(([id, found]) => [id, found.next] as const));
    const whole = entries.map((entry, index) => ({ entry, ...earlier[index] })).reverse();
    return whole
      .map(({ entry: { id, ...change }, last, at }) => {
        const { before, after } = change;
        const make = (logged: Partial<T> | null, changedAt: string) =>
          logged && this.#whole(logged, next.get(id) ?? last ?? {}, changedAt, beside.get(id)?.addedAt ?? null);
        const made = { ...change, after: make(after, change.at), before: make(before, at ?? change.at) };
        if (before && this.#shape.isComplete(before)) next.set(id, before);
        return made;
      })
      .reverse();
  }

  #whole(logged: Partial<T>, other: Partial<T>, changedAt: string, addedAt: string | null): T {
    if (this.#shape.isComplete(logged)) return this.#shape.complete(logged);
    const whole = this.#shape.complete({ ...other, ...logged });
    return this.#stream.definition.format.past?.(whole, { changedAt, addedAt }) ?? whole;
  }

  #parsed({ revision, at, kind, entity_id: id, before, after, who = null }: LogRow): Parsed<T> {
    const parsed = (json: string | null): Partial<T> | null => (json === null ? null : JSON.parse(json));
    return { revision: Number(revision), at, kind, id, before: parsed(before), after: parsed(after), who };
  }

  /** What there is beside the entries of those instances of which some entry is not whole: mostly there are none. */
  async #besideOf(entries: readonly Parsed<T>[]): Promise<Map<number, Beside<T>>> {
    const lacks = (logged: Partial<T> | null) => logged !== null && !this.#shape.isComplete(logged);
    const found = new Map<number, Beside<T>>();
    for (const [id, own] of Map.groupBy(entries, (entry) => entry.id)) {
      if (!own.some(({ before, after }) => lacks(before) || lacks(after))) continue;
      const revisions = own.map(({ revision }) => revision);
      found.set(id, await this.#beside(id, Math.min(...revisions), Math.max(...revisions)));
    }
    return found;
  }

  async #beside(id: number, first: number, last: number): Promise<Beside<T>> {
    const [row = {}] = await this.#orm.longRead(async (sql) => (await this.#besideQuery(sql, id, first, last)).rows);
    const parsed = (json: unknown): Partial<T> | null => (json == null ? null : JSON.parse(String(json)));
    const { $next: next, $last, $lastAt, $addedAt, ...instance } = row;
    const isThere = instance[this.#stream.definition.key] != null;
    return {
      next: parsed(next) ?? (isThere ? this.#rows.instances([instance])[0] : null) ?? null,
      last: parsed($last),
      lastAt: ($lastAt as string | null | undefined) ?? null,
      addedAt: ($addedAt as string | null | undefined) ?? null,
    };
  }

  #besideQuery(sql: Sql, id: number, first: number, last: number) {
    const { changes, name } = this.#stream.definition;
    const entries = expression`from ${expression.table(changes)} where entity_id = ${id}`;
    const one = (query: RawBuilder<unknown>) => expression<string | null>`(select ${query} limit 1)`;
    const instance = this.#rows.rows(sql).where("id", "=", id);
    return sql
      .selectFrom("stream")
      .leftJoin(instance.as("instance"), (join) => join.onTrue())
      .where("stream.name", "=", name)
      .select([
        one(expression`before ${entries} and revision > ${last} and ${this.#isWhole("before")} order by revision`).as(
          "$next",
        ),
        one(
          expression`after ${entries} and revision < ${first} and ${this.#isWhole("after")} order by revision desc`,
        ).as("$last"),
        one(expression`at ${entries} and revision < ${first} order by revision desc`).as("$lastAt"),
        one(expression`at ${entries} and kind = 'add'`).as("$addedAt"),
      ])
      .selectAll("instance")
      .execute()
      .then((rows) => ({ rows: rows as Record<string, unknown>[] }));
  }

  /** Whether JSON has every property. In a text of it there is a backslash before each quote. */
  #isWhole(column: "before" | "after"): RawBuilder<unknown> {
    const has = this.#shape.properties.map(
      (property) => expression`${expression.ref(column)} like ${`%"${property}":%`}`,
    );
    return expression.join(has, expression` and `);
  }
}
