import type { EntityMetadata, EntityName, MikroORM } from "@mikro-orm/core";
import type { AbstractSqlDriver } from "@mikro-orm/sqlite";
import { type CompiledQuery, sql as expression } from "kysely";
import type { Derived } from "../derived.ts";
import { DerivedColumns } from "./derived-columns.ts";
import type { Sql } from "./engine.ts";
import { type Instance, InstanceMapper } from "./instance-mapper.ts";

/** A value as a column takes it. */
export type Value = string | number | boolean | bigint | Date | null;

/** Stands for a value while a statement is compiled. */
const ANY = "";

/**
 * The table of an entity: the statements of `OrmService`'s verbs.
 *
 * MikroORM knows how properties, columns and values belong together. The statements are not made by its finders, which
 * build each anew and write the values into the text: that takes ten times as long as running one that is compiled.
 */
export class EntityTable<T extends object> {
  readonly name: string;
  readonly mapper: InstanceMapper<T>;
  /** What is derived of its rows, if anything. */
  readonly derived: DerivedColumns<T> | undefined;
  readonly #meta: EntityMetadata<T>;
  readonly #compiled = new Map<string, CompiledQuery>();

  constructor(orm: MikroORM<AbstractSqlDriver>, Entity: EntityName<T>, derived?: Derived<T>) {
    this.#meta = orm.getMetadata().get(Entity);
    this.name = this.#meta.tableName;
    this.mapper = new InstanceMapper(this.#meta, orm.driver.getPlatform());
    this.derived = derived && new DerivedColumns(this.name, this.mapper, derived);
  }

  /** Inserts a row and returns it as an instance. */
  async insert(sql: Sql, data: object): Promise<Instance<T>> {
    const { columns, values } = this.#split(data);
    const { rows } = await this.#execute(sql, `insert ${columns}`, values, () => {
      const insert = sql.insertInto(this.name);
      const filled = columns.length > 0 ? insert.values(placeholders(columns)) : insert.defaultValues();
      return filled.returning(this.mapper.selection).compile();
    });
    const instance = this.#instance(rows[0]);
    await this.derived?.write(sql, [instance as T]);
    return instance;
  }

  /** A row whose `property` equals `value`, as an instance. */
  async find(sql: Sql, property: string, value: Value): Promise<Instance<T> | null> {
    const { rows } = await this.#execute(
      sql,
      `find ${property}${operator(value)}`,
      this.#operands(property, value),
      () =>
        sql
          .selectFrom(this.name)
          .select(this.mapper.selection)
          .where(this.#column(property), operator(value), value)
          .limit(expression.lit(1))
          .compile(),
    );
    return rows[0] ? this.#instance(rows[0]) : null;
  }

  /** Every row as an instance, in no particular order. */
  async all(sql: Sql): Promise<Instance<T>[]> {
    const { rows } = await this.#execute(sql, "all", [], () =>
      sql.selectFrom(this.name).select(this.mapper.selection).compile(),
    );
    return rows.map((row) => this.#instance(row));
  }

  /** Sets the columns of `patch` where `property` equals `value`, and returns those rows as they now are. */
  async update(sql: Sql, property: string, value: Value, patch: object): Promise<Instance<T>[]> {
    const { columns, values } = this.#split(patch);
    if (columns.length === 0) {
      // SQL has no update of nothing: a column that stays as it is stands for it
      columns.push(this.#column(property));
      values.push(this.mapper.toRow(property, value));
    }
    const { rows } = await this.#execute(
      sql,
      `update ${columns} ${property}${operator(value)}`,
      [...values, ...this.#operands(property, value)],
      () =>
        sql
          .updateTable(this.name)
          .set(placeholders(columns))
          .where(this.#column(property), operator(value), value)
          .returning(this.mapper.selection)
          .compile(),
    );
    const instances = rows.map((row) => this.#instance(row));
    await this.derived?.write(sql, instances as T[]);
    return instances;
  }

  /** Deletes the rows whose `property` equals `value` and returns how many those were. */
  async delete(sql: Sql, property: string, value: Value): Promise<number> {
    const { numAffectedRows } = await this.#execute(
      sql,
      `delete ${property}${operator(value)}`,
      this.#operands(property, value),
      () => sql.deleteFrom(this.name).where(this.#column(property), operator(value), value).compile(),
    );
    return Number(numAffectedRows);
  }

  /** Runs the statement that `compile` makes, which is the same for every call with this `key`. */
  async #execute(sql: Sql, key: string, parameters: readonly unknown[], compile: () => CompiledQuery) {
    const compiled = this.#compiled.get(key) ?? compile();
    this.#compiled.set(key, compiled);
    return sql.executeQuery<Record<string, unknown>>({ ...compiled, parameters });
  }

  #column(property: string): string {
    const column = this.mapper.columns[property];
    if (column === undefined) throw new RangeError(`${this.name} has no ${property}`);
    return column;
  }

  /** The columns that `data` mentions, and their values as the database takes them. */
  #split(data: object): { columns: string[]; values: unknown[] } {
    const properties = Object.entries(data).filter(([, value]) => value !== undefined);
    return {
      columns: properties.map(([property]) => this.#column(property)),
      values: properties.map(([property, value]) => this.mapper.toRow(property, value)),
    };
  }

  #operands(property: string, value: Value): unknown[] {
    return value === null ? [] : [this.mapper.toRow(property, value)];
  }

  /** Not what MikroORM's `EntityManager.map` returns: it would be tracked, which takes four times as long. */
  #instance(row: unknown): Instance<T> {
    return Object.assign(Object.create(this.#meta.prototype), this.mapper.instance(row));
  }
}

function placeholders(columns: readonly string[]): Record<string, string> {
  return Object.fromEntries(columns.map((column) => [column, ANY]));
}

/** Nothing equals NULL, so SQL asks for it in another way, and without a parameter. */
function operator(value: Value): "=" | "is" {
  return value === null ? "is" : "=";
}
