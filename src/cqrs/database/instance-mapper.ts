import type { EntityMetadata, Platform } from "@mikro-orm/core";
import { sql as expression } from "kysely";
import { formOf, type ValueForm } from "./value-form.ts";
import type { ValueKind } from "./value-kind.ts";

/** What a property of an entity is in an instance. */
type Plain<V> = V extends Date | bigint | Uint8Array ? string : V;

/** An entity as it is read: each property as JSON has it. */
export type Instance<T> = { [K in keyof T]: Plain<T[K]> };

/** What may be written of an entity: its properties, also as an instance has them. */
export type Patch<T> = { [K in keyof T]?: T[K] | Plain<T[K]> };

/**
 * Makes instances of an entity's rows: the one place that does, whoever has selected them.
 *
 * An instance is what its JSON says, so that it is the same from the table, from the change log and from Redis, on
 * either engine. Each property is of the type that MikroORM has for it, but for what JSON does not know, which is a text:
 *
 * - `datetime`: UTC in ISO 8601, `2001-02-03T04:05:06.789Z`. A stored time without a zone is one of UTC.
 * - `bigint`: its digits, unless its mode is `number`.
 * - `decimal`: its digits, with as many after the point as its `scale` says, unless its mode is `number`. SQLite keeps
 *   no more than 15 of them, unless the column is declared as `text`.
 * - `blob`, `uint8array`: base64.
 * - `uuid`: in lower case. `character`: without the blanks at its end.
 * - `array`: SQLite has them as JSON. The elements are texts, numbers and booleans; of others each is as above.
 * - types of one's own: what their `toJSON` makes of `convertToJSValue`.
 *
 * Not for instances are intervals, of which SQLite knows nothing, and whatever is not one column of the entity's own:
 * relations, embedded objects, formulas. A property that is not persisted is left out. The column must be declared with
 * the type that MikroORM has for it on that engine; `mediumint` is PostgreSQL's `integer`.
 */
export class InstanceMapper<T extends object> {
  /** The column of each property. */
  readonly columns: Readonly<Record<string, string>>;
  /** The properties that are unique, the primary key among them. */
  readonly unique: readonly string[];
  /** The properties that may be null. */
  readonly nullable: readonly string[];
  readonly #forms: ReadonlyMap<string, ValueForm>;
  readonly #properties: readonly string[];
  /** Of the properties whose values are others in a row. */
  readonly #conversions: readonly { readonly property: string; readonly fromRow: (raw: unknown) => unknown }[];
  readonly #shape: readonly { readonly property: string; readonly json: string | undefined; nullable: boolean }[];

  /** @throws RangeError when the entity has a property that no instance can hold */
  constructor({ className, props }: EntityMetadata<T>, platform: Platform) {
    const persisted = props.filter(({ persist }) => persist !== false);
    const formed = persisted.map((property) => {
      try {
        return { property: property.name, form: formOf(property, platform), prop: property };
      } catch (error) {
        throw new RangeError(`${className}.${(error as Error).message}`);
      }
    });
    this.#properties = formed.map(({ property }) => property);
    this.columns = Object.fromEntries(formed.map(({ property, prop }) => [property, prop.fieldNames[0] as string]));
    this.unique = persisted.filter(({ primary, unique }) => primary || unique).map(({ name }) => name);
    this.nullable = persisted.filter(({ nullable }) => nullable).map(({ name }) => name);
    this.#forms = new Map(formed.map(({ property, form }) => [property, form]));
    this.#conversions = formed.flatMap(({ property, form: { fromRow } }) => (fromRow ? [{ property, fromRow }] : []));
    this.#shape = formed.map(({ property, form, prop }) => ({
      property,
      json: form.json,
      nullable: prop.nullable === true,
    }));
  }

  /** The properties that are selected as texts. */
  get asText(): readonly string[] {
    return this.#properties.filter((property) => this.#forms.get(property)?.asText);
  }

  /** What the properties are in a row; undefined where MikroORM alone knows that of one. */
  get kinds(): Readonly<Record<string, ValueKind>> | undefined {
    const kinds = [...this.#forms].map(([property, { kind }]) => [property, kind] as const);
    return kinds.every(([, kind]) => kind) ? (Object.fromEntries(kinds) as Record<string, ValueKind>) : undefined;
  }

  /** The value of a property, given as in an instance, as PostgreSQL takes it within JSON. */
  toJson(property: string, value: unknown): unknown {
    if (this.#forms.get(property)?.isJson) return value;
    const stored = this.toRow(property, value);
    return stored instanceof Uint8Array ? `\\x${Buffer.from(stored).toString("hex")}` : stored;
  }

  /** What a statement must select or return for rows that can be mapped. */
  get selection() {
    return this.#properties.map((property) => {
      const column = this.columns[property] as string;
      if (!this.#forms.get(property)?.asText) return `${column} as ${property}`;
      return expression`cast(${expression.ref(column)} as text)`.as(property);
    });
  }

  /** Makes an instance of the row itself, which has the selection and nothing else. */
  instance(row: unknown): T {
    const instance = row as Record<string, unknown>;
    for (const { property, fromRow } of this.#conversions) {
      const raw = instance[property];
      if (raw !== null) instance[property] = fromRow(raw);
    }
    return instance as T;
  }

  /** Makes an instance of a row that has more than the selection. */
  instanceIn(row: Readonly<Record<string, unknown>>): T {
    const own: Record<string, unknown> = {};
    for (const property of this.#properties) own[property] = row[property];
    return this.instance(own);
  }

  /**
   * The value of a property as a statement takes it, given as it is in an instance or as MikroORM would have it.
   *
   * @throws RangeError when it is none of the property's type
   */
  toRow(property: string, value: unknown): unknown {
    const toRow = this.#forms.get(property)?.toRow;
    if (value === null || !toRow) return value;
    try {
      return toRow(value);
    } catch (error) {
      throw new RangeError(`${property} ${(error as Error).message}`);
    }
  }

  /** Whether `value` has the properties of an instance. */
  readonly isInstance = (value: unknown): value is T => {
    if (typeof value !== "object" || value === null) return false;
    for (const { property, json, nullable } of this.#shape) {
      const found = (value as Record<string, unknown>)[property];
      if (found === null ? !nullable : found === undefined || (json && typeof found !== json)) return false;
    }
    return true;
  };
}
