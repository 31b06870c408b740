import { isDeepStrictEqual } from "node:util";
import { sql as expression } from "kysely";
import type { Change } from "../change.ts";
import type { OrmService } from "../database/orm-service.ts";
import { type Mark, parseMark } from "../mark.ts";
import { Unsound } from "../queries/unsound.ts";
import { MARK_FIELD, memberOf, type ReadModelKeys } from "../redis/keys.ts";
import type { ScriptedRedis } from "../redis/scripted-redis.ts";
import type { Stream } from "../stream.ts";
import type { TableAndLog } from "./table-and-log.ts";

/** A read model that is further behind than this is not compared: so many changes are read for each portion. */
const MOST_BEHIND = 10_000;

/** The read model is further behind the table than it can be compared. */
export class TooFarBehind extends Error {}

/** What the read model has of some keys, of one moment. */
interface Copied {
  readonly mark: Mark;
  readonly fields: number;
  readonly members: number;
  /** For each key its row and its score in the order, or null. */
  readonly rows: readonly { readonly json: string | null; readonly score: string | null }[];
}

/** What is wrong with a key in the read model. */
export interface WrongCopy<T> {
  readonly key: string;
  readonly what: string;
  /** Whether it should not be there at all. */
  readonly isLeftOver: boolean;
  readonly original: T | null;
}

/**
 * The rows of a read model beside those that the table had at its very mark: the table is read after it, and what was changed
 * in between the log takes back. So nothing is taken for wrong that is only behind.
 */
export class CopiedRows<T extends object> {
  readonly #orm: OrmService;
  readonly #stream: Stream<T>;
  readonly #source: TableAndLog<T>;
  readonly #redis: ScriptedRedis;
  readonly #keys: ReadModelKeys;

  constructor(orm: OrmService, source: TableAndLog<T>, redis: ScriptedRedis, keys: ReadModelKeys) {
    this.#orm = orm;
    this.#stream = source.stream;
    this.#source = source;
    this.#redis = redis;
    this.#keys = keys;
  }

  /** @throws Unsound when there is no mark */
  async at(keys: readonly string[]): Promise<Copied> {
    const members = keys.map((key) => this.member(key));
    const reply = await this.#redis.lookAt(this.#keys.rows, this.#keys.order, ...members);
    const [text, fields, members_, ...found] = reply;
    const mark = parseMark(text);
    if (!mark) throw new Unsound(fields === 0 && members_ === 0 ? "is not there" : "has no mark");
    const rows = keys.map((_, i) => ({ json: found[2 * i] ?? null, score: found[2 * i + 1] ?? null }));
    return { mark, fields, members: members_, rows };
  }

  /** Which of these keys the read model has otherwise than the table. @throws TooFarBehind, Unsound */
  async wrong(keys: readonly string[]): Promise<WrongCopy<T>[]> {
    const { mark, rows } = await this.at(keys);
    const originals = await this.#originals(keys, mark);
    return keys.flatMap((key, i) => {
      const { json, score } = rows[i] as Copied["rows"][number];
      const original = originals.get(key) ?? null;
      const what = this.#fault(original, json, score);
      return what === undefined ? [] : [{ key, what, isLeftOver: original === null, original }];
    });
  }

  /** How many rows the read model has, and how many the table had at its mark. @throws TooFarBehind, Unsound */
  async sizes(): Promise<{ readonly fields: number; readonly members: number; readonly rows: number }> {
    const { mark, fields, members } = await this.at([]);
    const { name } = this.#stream.definition;
    const [found] = await this.#orm.longRead((sql) =>
      sql
        .selectFrom("stream")
        .select([
          "revision",
          expression<number>`(select count(*) from ${expression.table(this.#source.table)})`.as("rows"),
        ])
        .where("name", "=", name)
        .execute(),
    );
    const changes = await this.#changes(mark, Number(found?.revision));
    const added = changes.reduce((sum, { before, after }) => sum + (after ? 1 : 0) - (before ? 1 : 0), 0);
    return { fields: fields - 1, members, rows: Number(found?.rows) - added };
  }

  /** Portions of what is in the hash, and of what is in the order, in whatever sequence. */
  async *scanned(what: keyof ReadModelKeys): AsyncGenerator<readonly string[]> {
    for (let cursor = "0"; ; ) {
      const key = this.#keys[what];
      const [next, flat] = await (what === "rows"
        ? this.#redis.hscan(key, cursor, "COUNT", 250)
        : this.#redis.zscan(key, cursor, "COUNT", 250));
      yield flat.filter((text, i) => i % 2 === 0 && text !== MARK_FIELD);
      if (next === "0") return;
      cursor = next;
    }
  }

  member(key: string): string {
    return memberOf(this.#stream.definition.order?.of, key);
  }

  #fault(original: T | null, json: string | null, score: string | null): string | undefined {
    if (!original) {
      if (json === null && score === null) return undefined;
      return json === null ? "is in the order, and no row" : "is there, and not in the table";
    }
    if (json === null) return "is missing";
    const copy = parsed(json);
    if (!this.#source.mapper.isInstance(copy)) return "is no instance";
    const properties = Object.keys(original) as (keyof T & string)[];
    const differing = properties.filter((property) => !isDeepStrictEqual(original[property], copy[property]));
    if (differing.length > 0) return `is not that of the table: ${differing.join(", ")}`;
    if (score === null) return "is not in the order";
    return Number(score) === 0 ? undefined : "stands elsewhere in the order";
  }

  /** What the table had of these keys at a mark, which was found before. */
  async #originals(keys: readonly string[], mark: Mark): Promise<Map<string, T>> {
    const { key: property, name } = this.#stream.definition;
    const { table, mapper } = this.#source;
    const column = mapper.columns[property] as string;
    const own = (sql: Parameters<Parameters<OrmService["sql"]>[0]>[0]) =>
      sql.selectFrom(table).select(mapper.selection).where(column, "in", keys);
    const rows = await this.#orm.sql((sql) =>
      sql
        .selectFrom("stream")
        .leftJoin(own(sql).as("instance"), (join) => join.onTrue())
        .where("stream.name", "=", name)
        .select("stream.revision as $revision")
        .selectAll("instance")
        .execute(),
    );
    const found = rows.filter((row) => row[property] !== null).map((row) => mapper.instanceIn(row));
    const originals = new Map(found.map((instance) => [String(instance[property]), instance]));
    const changes = await this.#changes(mark, Number(rows[0]?.$revision));
    const wanted = new Set(keys);
    for (const { before, after } of changes.reverse()) {
      if (after) originals.delete(String(after[property]));
      const key = before && String(before[property]);
      if (key !== null && wanted.has(key)) originals.set(key, before as T);
    }
    return originals;
  }

  /** The changes from a mark up to a revision. */
  async #changes({ revision: from }: Mark, to: number): Promise<Change<Partial<T>>[]> {
    if (to <= from) return [];
    if (to - from > MOST_BEHIND) throw new TooFarBehind(`is ${to - from} revisions behind`);
    return this.#stream.changesAfter(from, to - from);
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
