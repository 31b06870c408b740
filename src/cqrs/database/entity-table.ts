import type { EntityMetadata, EntityName, IDatabaseDriver, MikroORM, Type } from "@mikro-orm/core";
import { type CompiledQuery, sql as expression } from "kysely";
import type { Sql } from "./engine.ts";

/** A value as a column takes it. */
export type Value = string | number | boolean | null;

/** Stands for a value while a statement is compiled. */
const ANY = "";

/**
 * The table of an entity: the statements of `OrmService`'s verbs, and instances made from rows.
 *
 * MikroORM knows how properties, columns and values belong together. The statements are not made by its finders, which
 * build each anew and write the values into the text: that takes ten times as long as running one that is compiled.
 */
export class EntityTable<T extends object> {
  readonly name: string;
  /** The column of each property. */
  readonly columns: Readonly<Record<string, string>>;
  readonly #meta: EntityMetadata<T>;
  readonly #driver: IDatabaseDriver;
  /** Of the properties whose values are others in the database. */
  readonly #types: ReadonlyMap<string, Type<unknown>>;
  /** What each property is in JSON, where that is a text or a number. */
  readonly #shape: readonly {
    readonly name: string;
    readonly type: string | undefined;
    readonly isNullable: boolean;
  }[];
  readonly #compiled = new Map<string, CompiledQuery>();

  constructor(orm: MikroORM, Entity: EntityName<T>) {
    this.#meta = orm.getMetadata().get(Entity);
    this.#driver = orm.driver;
    const { tableName, props } = this.#meta;
    this.name = tableName;
    this.columns = Object.fromEntries(props.map((prop) => [prop.name, prop.fieldNames[0] as string]));
    this.#shape = props.map(({ name, runtimeType, nullable }) => ({
      name,
      type: runtimeType === "string" || runtimeType === "number" ? runtimeType : undefined,
      isNullable: nullable === true,
    }));
    this.#types = new Map(props.flatMap(({ name, customType }) => (customType ? [[name, customType]] : [])));
  }

  /** Whether `value` has the properties of an instance, as JSON has them. */
  readonly isInstance = (value: unknown): value is T => {
    if (typeof value !== "object" || value === null) return false;
    for (const { name, type, isNullable } of this.#shape) {
      const found = (value as Record<string, unknown>)[name];
      if (found === null ? !isNullable : found === undefined || (type && typeof found !== type)) return false;
    }
    return true;
  };

  /** Inserts a row and returns it as an instance. */
  async insert(sql: Sql, data: object): Promise<T> {
    const { columns, values } = this.#split(data);
    const { rows } = await this.#execute(sql, `insert ${columns}`, values, () => {
      const insert = sql.insertInto(this.name);
      const filled = columns.length > 0 ? insert.values(placeholders(columns)) : insert.defaultValues();
      return filled.returning(Object.values(this.columns)).compile();
    });
    return this.#instance(rows[0]);
  }

  /** A row whose `property` equals `value`, as an instance. */
  async find(sql: Sql, property: string, value: Value): Promise<T | null> {
    const { rows } = await this.#execute(sql, `find ${property}${operator(value)}`, operands(value), () =>
      sql
        .selectFrom(this.name)
        .select(Object.values(this.columns))
        .where(this.#column(property), operator(value), value)
        .limit(expression.lit(1))
        .compile(),
    );
    return rows[0] ? this.#instance(rows[0]) : null;
  }

  /** Every row as an instance, in no particular order. */
  async all(sql: Sql): Promise<T[]> {
    const { rows } = await this.#execute(sql, "all", [], () =>
      sql.selectFrom(this.name).select(Object.values(this.columns)).compile(),
    );
    return rows.map((row) => this.#instance(row));
  }

  /** Sets the columns of `patch` where `property` equals `value`, and returns those rows as they now are. */
  async update(sql: Sql, property: string, value: Value, patch: object): Promise<T[]> {
    const { columns, values } = this.#split(patch);
    if (columns.length === 0) {
      // SQL has no update of nothing: a column that stays as it is stands for it
      columns.push(this.#column(property));
      values.push(value);
    }
    const { rows } = await this.#execute(
      sql,
      `update ${columns} ${property}${operator(value)}`,
      [...values, ...operands(value)],
      () =>
        sql
          .updateTable(this.name)
          .set(placeholders(columns))
          .where(this.#column(property), operator(value), value)
          .returning(Object.values(this.columns))
          .compile(),
    );
    return rows.map((row) => this.#instance(row));
  }

  /** Deletes the rows whose `property` equals `value` and returns how many those were. */
  async delete(sql: Sql, property: string, value: Value): Promise<number> {
    const { numAffectedRows } = await this.#execute(sql, `delete ${property}${operator(value)}`, operands(value), () =>
      sql.deleteFrom(this.name).where(this.#column(property), operator(value), value).compile(),
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
    const column = this.columns[property];
    if (column === undefined) throw new RangeError(`${this.name} has no ${property}`);
    return column;
  }

  /** The columns that `data` mentions, and their values as the database takes them. */
  #split(data: object): { columns: string[]; values: unknown[] } {
    const properties = Object.entries(data).filter(([, value]) => value !== undefined);
    const platform = this.#driver.getPlatform();
    return {
      columns: properties.map(([property]) => this.#column(property)),
      values: properties.map(([property, value]) => {
        const type = value === null ? undefined : this.#types.get(property);
        return type ? type.convertToDatabaseValue(value, platform, { mode: "query-data" }) : value;
      }),
    };
  }

  /** Not what MikroORM's `EntityManager.map` returns: it would be tracked, which takes four times as long. */
  #instance(row: unknown): T {
    const values = this.#driver.mapResult<T>(row as never, this.#meta) as Record<string, unknown>;
    for (const [property, type] of this.#types) {
      if (values[property] != null)
        values[property] = type.convertToJSValue(values[property], this.#driver.getPlatform());
    }
    return Object.assign(Object.create(this.#meta.prototype), values);
  }
}

function placeholders(columns: readonly string[]): Record<string, string> {
  return Object.fromEntries(columns.map((column) => [column, ANY]));
}

/** Nothing equals NULL, so SQL asks for it in another way, and without a parameter. */
function operator(value: Value): "=" | "is" {
  return value === null ? "is" : "=";
}

function operands(value: Value): Value[] {
  return value === null ? [] : [value];
}
