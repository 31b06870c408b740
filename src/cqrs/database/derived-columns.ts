import { type CompiledQuery, sql as expression, type RawBuilder } from "kysely";
import { type Derived, derivedColumns, derivedValues, FOLDED_VERSION } from "../derived.ts";
import type { Sql } from "./engine.ts";
import type { InstanceMapper } from "./instance-mapper.ts";

/** The derived columns of a table: which rows lack what they should have there, and the statement that gives it to them. */
export class DerivedColumns<T extends object> {
  readonly #table: string;
  readonly #mapper: InstanceMapper<T>;
  readonly #derived: Derived<T>;
  /** The statements for so many rows. To compile a long one takes longer than to run it. */
  readonly #compiled = new Map<number, CompiledQuery>();

  constructor(table: string, mapper: InstanceMapper<T>, derived: Derived<T>) {
    this.#table = table;
    this.#mapper = mapper;
    this.#derived = derived;
  }

  /** Writes what is derived of these instances into their rows, unless those have changed since. */
  async write(sql: Sql, instances: readonly T[]): Promise<void> {
    if (instances.length === 0) return;
    const compiled = this.#compiled.get(instances.length) ?? this.#writeOf(instances.length).compile(sql);
    this.#compiled.set(instances.length, compiled);
    const ids = instances as readonly { readonly id?: number }[];
    const parameters = instances.flatMap((instance, i) => [ids[i]?.id, ...derivedValues(this.#derived, instance)]);
    await sql.executeQuery({ ...compiled, parameters });
  }

  /** The statement for so many rows. */
  #writeOf(rows: number): RawBuilder<unknown> {
    const { table, ref, join } = expression;
    const columns = derivedColumns(this.#derived as Derived<never>);
    const places = columns.map((column, i) => expression`${ref(column)} = ${ref(`made.column${i + 2}`)}`);
    // both engines name the columns of values so; a parameter alone has no type on PostgreSQL
    const texts = columns.slice(1).map(() => expression`cast(${""} as text)`);
    const row = expression`(cast(${0} as integer), ${join([...texts, expression`cast(${0} as double precision)`])})`;
    // the plus keeps SQLite from an index over what is made, for which it would look at all rows of the table
    return expression`update ${table(this.#table)} set ${join(places)} from (values ${join(Array(rows).fill(row))}) as made
      where ${ref(`${this.#table}.id`)} = +made.column1
        and ${ref(`${this.#table}.${this.#versionColumn}`)} = +${ref(`made.column${columns.length + 1}`)}`;
  }

  /** Instances whose rows are stale, those first that have been so for longest. */
  async stale(sql: Sql, limit: number): Promise<T[]> {
    const rows = sql.selectFrom(this.#table).select(this.#mapper.selection).where(this.#isStale);
    const found = await rows.orderBy(this.#versionColumn).limit(limit).execute();
    return found.map((row) => this.#mapper.instance(row));
  }

  /**
   * The id of a row that is stale, or null. It is found by the partial index over such rows, as that is the only one that
   * has them in this order; `exists` would forget the order, and PostgreSQL then take most rows for stale.
   */
  anyStale() {
    const { table, ref } = expression;
    return expression<number | null>`(select id from ${table(this.#table)} where ${this.#isStale}
      order by ${ref(this.#versionColumn)} limit 1)`;
  }

  get #versionColumn(): string {
    return this.#mapper.columns[this.#derived.version] as string;
  }

  get #isStale() {
    return expression<boolean>`${expression.ref(FOLDED_VERSION)} is distinct from ${expression.ref(this.#versionColumn)}`;
  }
}
