import { type CompiledQuery, type Expression, sql as expression, type SelectQueryBuilder } from "kysely";
import type { Sql } from "../database/engine.ts";
import type { InstanceMapper } from "../database/instance-mapper.ts";
import type { Ddl } from "../database/migrations.ts";
import type { OrmService } from "../database/orm-service.ts";
import type { FoundWords } from "../database/word-index.ts";
import type { Derivation } from "../derivation.ts";
import type { Mark } from "../mark.ts";
import type { Stream, StreamRow } from "../stream.ts";

// biome-ignore lint/suspicious/noExplicitAny: the table is named at run time
export type Select = SelectQueryBuilder<any, any, any>;

/** What one statement reads of the whole table at most: SQLite has that done in some milliseconds, and others wait. */
export const PORTION = { rows: 200, bytes: 500_000 };

/** A row of a joined statement: an instance, or nulls when there is none, and `$` columns of the statement's own. */
export type Joined = Record<string, unknown> & { $revision: number | string; $token: string; $stale?: number | null };

/** Where a row stands in the order: what its columns of the order have. */
export type Place = readonly string[];

/** What was found by a joined statement. */
export interface Found<T> {
  readonly rows: readonly Joined[];
  readonly instances: T[];
  readonly mark: Mark;
}

/**
 * A stream's table as statements see it: rows, and rows beside the stream's mark, so that both are from one snapshot on
 * every engine and no transaction is held across an await.
 */
export class TableRows<T extends object> {
  readonly table: string;
  /** The column of the key. */
  readonly key: string;
  readonly stream: Stream<T>;
  /** The columns of the order, of which the last one is the key's. */
  readonly #order: readonly string[];
  readonly #derivation: Derivation<T>;
  readonly #orm: OrmService;
  readonly #mapper: InstanceMapper<T>;
  #markOnly: CompiledQuery | undefined;

  constructor(orm: OrmService, stream: Stream<T>, derivation: Derivation<T>) {
    this.#orm = orm;
    this.#derivation = derivation;
    this.stream = stream;
    const { name, mapper } = orm.table<T>(stream.definition.entity);
    this.table = name;
    this.#mapper = mapper;
    this.key = this.column(stream.definition.key);
    this.#order = [...(stream.definition.order ? [stream.definition.order.column] : []), this.key];
  }

  /** Whether a value has the properties of an instance. */
  get isInstance(): (value: unknown) => value is T {
    return this.#mapper.isInstance;
  }

  /** The properties of an instance, in the order in which JSON has them. */
  get properties(): readonly string[] {
    return Object.keys(this.#mapper.columns);
  }

  /** How rows are found by words. Where nobody indexes them, to ask for that is a fault of the program. */
  get words(): FoundWords {
    const { table } = this;
    const { words: columns = [] } = this.stream.definition.derived ?? {};
    return this.#orm.ddl.words.foundBy({ table, columns });
  }

  /** See {@link Ddl.isAmong}. */
  get isAmong(): Ddl["isAmong"] {
    return this.#orm.ddl.isAmong;
  }

  /** For a column, those that are read from its index alone. */
  get carried(): Readonly<Record<string, readonly string[]>> {
    return (this.#orm.ddl.readsIndexAlone && this.stream.definition.carried) || {};
  }

  /** The values of a property as a statement takes them. */
  values(property: keyof T & string, values: readonly unknown[]): unknown[] {
    return values.map((value) => this.#mapper.toRow(property, value));
  }

  column(property: keyof T & string): string {
    return this.#mapper.columns[property] as string;
  }

  /** The rows alone. */
  rows(sql: Sql): Select {
    return sql.selectFrom(this.table).select(this.#mapper.selection);
  }

  /** The rows alone in their order, each with its place. */
  ordered(sql: Sql, direction: "asc" | "desc" = "asc"): Select {
    const rows = this.rows(sql).select(this.#order.map((column, i) => `${column} as $order${i}`));
    return this.#order.reduce<Select>((query, column) => query.orderBy(column, direction), rows);
  }

  /** Whether a row comes before or after a place. */
  compare(operator: "<" | "<=" | ">" | ">=", place: Place): Expression<boolean> {
    const columns = expression.join(this.#order.map((column) => expression.ref(column)));
    return expression<boolean>`(${columns}) ${expression.raw(operator)} (${expression.join([...place])})`;
  }

  /** The place of a key, whether or not there is such a row. */
  placeOf(key: string): Place {
    const { order } = this.stream.definition;
    return order ? [order.of(key), key] : [key];
  }

  /** The place of a row that `ordered` has selected. */
  placeIn(row: object): Place {
    return this.#order.map((_, i) => (row as Record<string, string>)[`$order${i}`] as string);
  }

  /** The instances of what `rows` or `ordered` has selected. */
  instances(rows: readonly object[]): T[] {
    return rows.map((row) => this.#mapper.instanceIn(row as Record<string, unknown>));
  }

  /** `rows` beside the stream's mark; one row of nulls when there are none. The last parameter is the stream's name. */
  joined(sql: Sql, rows: Select): Select {
    return sql
      .selectFrom("stream")
      .leftJoin(rows.as("instance"), (join) => join.onTrue())
      .where("stream.name", "=", this.stream.definition.name)
      .select(["stream.revision as $revision", "stream.token as $token"])
      .selectAll("instance");
  }

  /**
   * What `ordered` has selected beside the stream's mark, in the same order, and whether any row is stale, so that the order
   * cannot be told: `find` looks at that.
   */
  joinedInOrder(sql: Sql, rows: Select): Select {
    const { anyStale } = this.#derivation;
    const joined = this.joined(sql, rows).$if(anyStale !== undefined, (query) =>
      query.select((anyStale as NonNullable<typeof anyStale>).as("$stale")),
    );
    return this.#order.reduce<Select>((query, _, i) => query.orderBy(`$order${i}`), joined);
  }

  /** Runs a joined statement; one that `isLong` keeps no other read from its turn. */
  async find(execute: (sql: Sql) => Promise<{ readonly rows: Joined[] }>, isLong = false): Promise<Found<T>> {
    const { rows } = await this.#derivation.fresh(
      () => (isLong ? this.#orm.longRead(execute) : this.#orm.sql(execute)),
      ({ rows: [row] }) => row?.$stale != null,
    );
    const { key, name } = this.stream.definition;
    if (!rows[0]) throw new Error(`the table stream has no row for ${name}`);
    const instances = rows.filter((row) => row[key] !== null).map((row) => this.#mapper.instanceIn(row));
    return { rows, instances, mark: { revision: Number(rows[0].$revision), token: rows[0].$token } };
  }

  /** Builds a joined statement and runs it. */
  async select(build: (sql: Sql) => Select, isLong = false): Promise<Found<T>> {
    return this.find((sql) => sql.executeQuery(build(sql).compile() as CompiledQuery<Joined>), isLong);
  }

  /** The stream's mark alone. */
  async mark(): Promise<Mark> {
    const { rows } = await this.#orm.sql((sql) => {
      const { name } = this.stream.definition;
      this.#markOnly ??= sql.selectFrom("stream").select(["revision", "token"]).where("name", "=", name).compile();
      return sql.executeQuery<Mark>(this.#markOnly);
    });
    const { revision, token } = rows[0] as Mark;
    return { revision: Number(revision), token };
  }

  /** Runs `work` on the stream's row and the table, both from one snapshot that lasts until it is done. */
  async snapshot<R>(work: (row: StreamRow, sql: Sql) => Promise<R>): Promise<R> {
    return this.#orm.snapshot(async (sql) => work(await this.stream.rowIn(sql), sql));
  }

  /** The same, of a state in which no row is stale. */
  async snapshotInOrder<R>(work: (row: StreamRow, sql: Sql) => Promise<R>): Promise<R> {
    return this.#inOrder((inSnapshot) => this.#orm.snapshot(inSnapshot), work);
  }

  /** The same for what a client waits for, for so many milliseconds, over the connections for reads. */
  async question<R>(msLeft: number, work: (row: StreamRow, sql: Sql) => Promise<R>): Promise<R> {
    return this.#inOrder((inSnapshot) => this.#orm.snapshot(inSnapshot, msLeft), work);
  }

  async #inOrder<R>(
    open: <S>(inSnapshot: (sql: Sql) => Promise<S>) => Promise<S>,
    work: (row: StreamRow, sql: Sql) => Promise<R>,
  ): Promise<R> {
    const done = await this.#derivation.fresh(
      () =>
        open(async (sql) => {
          if (await this.#derivation.isAnyStale(sql)) return undefined;
          return { result: await work(await this.stream.rowIn(sql), sql) };
        }),
      (found) => found === undefined,
    );
    return (done as { readonly result: R }).result;
  }
}

/** No row fulfils it. */
export const NEVER = expression<boolean>`1 = 0`;
