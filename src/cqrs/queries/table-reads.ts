import { type CompiledQuery, sql as expression, type SelectQueryBuilder } from "kysely";
import type { Sql } from "../database/engine.ts";
import type { OrmService } from "../database/orm-service.ts";
import type { Mark } from "../mark.ts";
import type { Stream, StreamRow } from "../stream.ts";
import type { Lists, Turn } from "./large-lists.ts";
import { type Answer, type ListLimits, type Page, type PageRequest, pointReads, type Reads } from "./reads.ts";

// biome-ignore lint/suspicious/noExplicitAny: the table is named at run time
type Select = SelectQueryBuilder<any, any, any>;

/** What one statement reads of the whole table at most: SQLite has that done in some milliseconds, and others wait. */
const PORTION = { rows: 200, bytes: 500_000 };
/** So many rows of a page are measured. */
const SAMPLED_ROWS = 10;

/** A row of the joined statement: an instance, or nulls when there is none, and `$` columns of the statement's own. */
type Joined = Record<string, unknown> & { $revision: number | string; $token: string };

/** Rows of the table in key order, and their bytes as JSON. */
interface Portion<T> {
  readonly rows: readonly T[];
  readonly bytes: number;
}

/**
 * Reads of a stream's table. Each is one statement that joins the stream's row, so that rows and revision are from one
 * snapshot on every engine and no transaction is held across an await; a list that is large for one is read in portions
 * from a snapshot with a connection of its own. Point reads have evidence, the row; to make sure of a list would take as
 * long as to read it.
 */
export class TableReads<T extends object> implements Reads<T> {
  /** Whether a value has the properties of an instance. */
  readonly isInstance: (value: unknown) => value is T;
  readonly #orm: OrmService;
  readonly #stream: Stream<T>;
  readonly #table: string;
  readonly #columns: Record<string, string>;
  readonly #key: string;
  /**
   * As with Redis, all point reads that wait in one turn of the event loop are one statement: SQLite takes and gives back
   * a lock for each, which costs more than the reading, and PostgreSQL is asked over the network.
   */
  readonly #points = pointReads((keys) => this.#getAll(keys));
  /** The statements for so many keys, and for the beginning of a list. To compile one costs more than to run it. */
  readonly #compiled = new Map<number, CompiledQuery<Joined>>();

  #beginning: CompiledQuery<Joined> | undefined;
  /** What a row took on average among those that were measured last. */
  #rowBytes = 1;
  /** The same for pages, which are not measured as a whole. */
  #pageRowBytes = PORTION.bytes / PORTION.rows;
  /** The list that was found to take more bytes than it may, and the state in which it does. */
  #tooLarge: { readonly question: string; readonly token: string } | undefined;

  constructor(orm: OrmService, stream: Stream<T>) {
    this.#orm = orm;
    this.#stream = stream;
    const { table, columns, isInstance } = orm.columns<T>(stream.definition.entity);
    this.isInstance = isInstance;
    this.#table = table;
    this.#columns = columns;
    this.#key = columns[stream.definition.key] as string;
  }

  async get(key: string): Promise<Answer<T | null>> {
    return this.#points.load(key);
  }

  /** The instances whose `property` is one of `values`, in no particular order. */
  async where(property: keyof T & string, values: readonly (string | number)[]): Promise<Answer<readonly T[]>> {
    const { instances, mark } = await this.#select((sql) => {
      const rows = this.#rows(sql);
      // `in ()` is no SQL everywhere
      const none = expression<boolean>`1 = 0`;
      return this.#joined(
        sql,
        values.length > 0 ? rows.where(this.#columns[property] as string, "in", values) : rows.where(none),
      );
    });
    return { value: instances, ...mark };
  }

  async all(limits: ListLimits, large: Lists): Promise<Answer<readonly T[] | keyof ListLimits>> {
    const question = `${this.#table} ${limits.rows} ${limits.bytes}`;
    const readOn = async (turn: Turn) => {
      const answer = await this.#allInPortions(limits, turn);
      if (answer.value === "bytes") this.#tooLarge = { question, token: answer.token };
      return answer;
    };
    const joined = large.join(question, readOn);
    if (joined) return joined;
    const { rows, instances, mark } = this.#split((await this.#orm.sql((sql) => this.#begin(sql, limits))).rows);
    const total = Number(rows[0]?.$total);
    const bytes = this.#measure(instances);
    if (total > limits.rows) return { value: "rows", ...mark };
    const isTooLarge = this.#tooLarge?.question === question && this.#tooLarge.token === mark.token;
    if (bytes > limits.bytes || isTooLarge) return { value: "bytes", ...mark };
    if (instances.length === total) return { value: instances, ...mark };
    const estimate = Math.min(limits.bytes, (bytes / instances.length) * total);
    return large.read(question, estimate, readOn);
  }

  async page(request: PageRequest, large: Lists): Promise<Answer<Page<T>>> {
    const bytes = request.limit * this.#pageRowBytes;
    if (bytes <= PORTION.bytes) return this.#page(request);
    return large.read(`${this.#table} ${JSON.stringify(request)}`, bytes, async (turn) => {
      const page = await this.#page(request);
      const { rows } = page.value;
      await turn(rows.length * rowBytesOf(rows));
      return page;
    });
  }

  async #page({ after, before, limit, backwards, withTotal }: PageRequest): Promise<Answer<Page<T>>> {
    const { rows, instances, mark } = await this.#select((sql) => {
      // one row more than asked for says whether there are more
      let range = this.#rows(sql)
        .orderBy(this.#key, backwards ? "desc" : "asc")
        .limit(limit + 1);
      if (after !== undefined) range = range.where(this.#key, ">", after);
      if (before !== undefined) range = range.where(this.#key, "<", before);

      const table = expression.table(this.#table);
      const key = expression.ref(this.#key);
      // the last condition tells for cursors that come in the wrong order: the page is then where the direction begins
      const upToAfter = expression<boolean>`exists (select 1 from ${table} where ${key} <= ${after}
        ${backwards && before !== undefined ? expression`and ${key} < ${before}` : expression``})`;
      const fromBefore = expression<boolean>`exists (select 1 from ${table} where ${key} >= ${before}
        ${!backwards && after !== undefined ? expression`and ${key} > ${after}` : expression``})`;
      const no = expression<boolean>`1 = 0`;
      return this.#joined(sql, range)
        .select([
          (after === undefined ? no : upToAfter).as("$before"),
          (before === undefined ? no : fromBefore).as("$after"),
        ])
        .$if(withTotal, (query) => query.select(expression`(select count(*) from ${table})`.as("$total")))
        .orderBy(this.#stream.definition.key);
    });
    const more = instances.length > limit;
    const page = backwards ? instances.slice(-limit || instances.length) : instances.slice(0, limit);
    const [first] = rows;
    // larger ones than before count at once
    const rowBytes = rowBytesOf(page);
    this.#pageRowBytes = Math.max(rowBytes, (this.#pageRowBytes + rowBytes) / 2);
    return {
      value: {
        rows: page,
        hasBefore: Boolean(first?.$before) || (backwards && more),
        hasAfter: Boolean(first?.$after) || (!backwards && more),
        total: withTotal ? Number(first?.$total) : undefined,
      },
      ...mark,
    };
  }

  /** The rows between two keys, both exclusive, in key order. */
  async between({ after = "", before, limit }: Pick<PageRequest, "after" | "before" | "limit">): Promise<Answer<T[]>> {
    const { instances, mark } = await this.#select((sql) => {
      const range = this.#rows(sql).where(this.#key, ">", after).orderBy(this.#key).limit(limit);
      const rows = before === undefined ? range : range.where(this.#key, "<", before);
      return this.#joined(sql, rows).orderBy(this.#stream.definition.key);
    });
    return { value: instances, ...mark };
  }

  /**
   * Hands out the stream's row and the whole table in key order, at most `size` rows at a time, both from one snapshot
   * that lasts until `work` is done.
   */
  async snapshot(
    size: number,
    work: (row: StreamRow, portions: AsyncIterable<Portion<T>>) => Promise<void>,
  ): Promise<void> {
    await this.#orm.snapshot(async (sql) => work(await this.#stream.rowIn(sql), this.#portions(sql, size)));
  }

  /** The first portion of the whole table, and how many rows that has, counted no further than need be. */
  #begin(sql: Sql, limits: ListLimits) {
    const { key, name } = this.#stream.definition;
    if (!this.#beginning) {
      const counted = expression`(select count(*) from (select 1 from ${expression.table(this.#table)} limit ${0}) as counted)`;
      const statement = this.#joined(sql, this.#rows(sql).orderBy(this.#key).limit(0)).select(counted.as("$total"));
      this.#beginning = statement.orderBy(key).compile() as CompiledQuery<Joined>;
    }
    // in the order of the text: the count comes first
    const parameters = [limits.rows + 1, this.#portionOf(PORTION.rows), name];
    return sql.executeQuery<Joined>({ ...this.#beginning, parameters });
  }

  async #allInPortions(limits: ListLimits, turn: Turn): Promise<Answer<readonly T[] | keyof ListLimits>> {
    return this.#orm.snapshot(async (sql) => {
      const { revision, token } = await this.#stream.rowIn(sql);
      const all: T[] = [];
      let bytes = 0;
      for await (const { rows, bytes: more } of this.#portions(sql, PORTION.rows)) {
        all.push(...rows);
        bytes += more;
        if (all.length > limits.rows) return { value: "rows", revision, token };
        if (bytes > limits.bytes) return { value: "bytes", revision, token };
        await turn(bytes);
      }
      return { value: all, revision, token };
    });
  }

  async #getAll(keys: readonly string[]): Promise<Answer<T | null>[]> {
    const { key: property, name } = this.#stream.definition;
    const { rows } = await this.#orm.sql((sql) => {
      let statement = this.#compiled.get(keys.length);
      if (!statement) {
        statement = this.#joined(sql, this.#rows(sql).where(this.#key, "in", keys)).compile() as CompiledQuery<Joined>;
        this.#compiled.set(keys.length, statement);
      }
      return sql.executeQuery<Joined>({ ...statement, parameters: [...keys, name] });
    });
    const { instances, mark } = this.#split(rows);
    const byKey = new Map(instances.map((instance) => [instance[property] as string, instance]));
    return keys.map((key) => {
      const value = byKey.get(key) ?? null;
      return { value, ...mark, evidence: JSON.stringify(value) };
    });
  }

  async *#portions(sql: Sql, mostRows: number): AsyncGenerator<Portion<T>> {
    const { key } = this.#stream.definition;
    for (let last = ""; ; ) {
      const size = this.#portionOf(mostRows);
      const rows = (await this.#rows(sql).where(this.#key, ">", last).orderBy(this.#key).limit(size).execute()) as T[];
      if (rows.length > 0) yield { rows, bytes: this.#measure(rows) };
      if (rows.length < size) return;
      last = String(rows.at(-1)?.[key]);
    }
  }

  /** How many rows make a portion of so many at most, as far as those that were measured last can tell. */
  #portionOf(mostRows: number): number {
    return Math.max(1, Math.min(mostRows, Math.floor(PORTION.bytes / this.#rowBytes)));
  }

  /** What these rows take as JSON, which is how the read model counts them. */
  #measure(rows: readonly T[]): number {
    if (rows.length === 0) return 0;
    // without brackets and commas
    const bytes = Buffer.byteLength(JSON.stringify(rows)) - rows.length - 1;
    this.#rowBytes = bytes / rows.length;
    return bytes;
  }

  /** The table's rows as instances: each column under its property's name. */
  #rows(sql: Sql): Select {
    return sql
      .selectFrom(this.#table)
      .select(Object.entries(this.#columns).map(([property, column]) => `${column} as ${property}`));
  }

  /** `rows` beside the stream's revision; one row of nulls when there are none. */
  #joined(sql: Sql, rows: Select): Select {
    return sql
      .selectFrom("stream")
      .leftJoin(rows.as("instance"), (join) => join.onTrue())
      .where("stream.name", "=", this.#stream.definition.name)
      .select(["stream.revision as $revision", "stream.token as $token"])
      .selectAll("instance");
  }

  async #select(build: (sql: Sql) => Select) {
    return this.#split((await this.#orm.sql((sql) => build(sql).execute())) as Joined[]);
  }

  #split(rows: Joined[]): { rows: Joined[]; instances: T[]; mark: Mark } {
    const { key, name } = this.#stream.definition;
    if (!rows[0]) throw new Error(`the table stream has no row for ${name}`);
    const instances = rows
      .filter((row) => row[key] !== null)
      .map((row) => Object.fromEntries(Object.keys(this.#columns).map((property) => [property, row[property]])) as T);
    return { rows, instances, mark: { revision: Number(rows[0].$revision), token: rows[0].$token } };
  }
}

/** What one of these rows takes as JSON, as a few of them show. */
function rowBytesOf(rows: readonly object[]): number {
  const step = Math.ceil(rows.length / SAMPLED_ROWS);
  const sample = rows.filter((_, i) => i % step === 0);
  return sample.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(sample)) / sample.length;
}
