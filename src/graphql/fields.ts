import type { z } from "zod";
import type { Builder } from "./builder.ts";

/** The scalars of GraphQL that a field may be of, and what they are in TypeScript, JSON and SQL. */
interface Scalars {
  String: string;
  Int: number;
  Date: string;
  DateTime: string;
  Revision: number;
}

/** What is said of every field. */
interface Stored<Type extends keyof Scalars, Column> {
  /** In GraphQL. */
  readonly type: Type;
  /** In the table, as MikroORM's `defineEntity` takes it. */
  readonly column: Column;
  /** For people who read it through GraphQL. */
  readonly description: string;
}

/** What is said of a field that clients may write. */
interface Written<Rule extends z.ZodType> {
  /** What a value must keep to. The form says the same. */
  readonly rule: Rule;
  /** For people who write it through GraphQL: into a new instance, and into one that is there. */
  readonly onAdd: string;
  readonly onUpdate: string;
}

/** One field of an aggregate, as one of the four functions below makes it. */
interface Field extends Stored<keyof Scalars, unknown>, Partial<Written<z.ZodType>> {
  readonly kind: "required" | "optional" | "defaulted" | "own";
  readonly whenAbsent?: unknown;
}

export type Fields = Readonly<Record<string, Field>>;

/** A field that every instance has, and that clients must give to a new one. */
export function required<Type extends keyof Scalars, Column, Rule extends z.ZodType>(
  field: Stored<Type, Column> & Written<Rule>,
) {
  return { ...field, kind: "required" as const };
}

/** A field that may be null, which is what an instance has of it that was added without, and what clears it. */
export function optional<Type extends keyof Scalars, Column, Rule extends z.ZodType>(
  field: Stored<Type, Column> & Written<Rule>,
) {
  return { ...field, kind: "optional" as const };
}

/** A field that every instance has, and that a new one has as `whenAbsent` when clients leave it out or say null. */
export function defaulted<Type extends keyof Scalars, Column, Rule extends z.ZodType>(
  whenAbsent: Scalars[Type],
  field: Stored<Type, Column> & Written<Rule>,
) {
  return { ...field, kind: "defaulted" as const, whenAbsent };
}

/** A field that commands set themselves. */
export function own<Type extends keyof Scalars, Column>(field: Stored<Type, Column>) {
  return { ...field, kind: "own" as const };
}

/** What an instance has of these fields. */
export type Values<F extends Fields> = {
  readonly [Name in keyof F]: Value<F[Name]>;
};

type Value<F extends Field> = Scalars[F["type"]] | (F["kind"] extends "optional" ? null : never);

/** Those of the fields that clients may write. */
type WrittenOf<F extends Fields> = {
  [Name in keyof F as F[Name]["kind"] extends "own" ? never : Name]: F[Name] & Written<z.ZodType>;
};

type WrittenField = Field & Written<z.ZodType>;

function writtenOf(fields: Fields) {
  return Object.entries(fields).filter((entry): entry is [string, WrittenField] => "rule" in entry[1]);
}

function mapped<F, V>(entries: readonly (readonly [string, F])[], make: (field: F, name: string) => V) {
  return Object.fromEntries(entries.map(([name, field]) => [name, make(field, name)]));
}

/** The columns of these fields, as properties of an entity. */
export function columnsOf<F extends Fields>(fields: F) {
  return mapped(Object.entries(fields), ({ column }) => column) as { [Name in keyof F]: F[Name]["column"] };
}

/** What a new instance's input must keep to, as the shape of a zod object. */
export function addRules<F extends Fields>(fields: F) {
  return mapped(writtenOf(fields), ({ kind, rule }) => (kind === "required" ? rule : rule.nullish())) as {
    [Name in keyof WrittenOf<F>]: F[Name]["kind"] extends "required"
      ? WrittenOf<F>[Name]["rule"]
      : z.ZodOptional<z.ZodNullable<WrittenOf<F>[Name]["rule"]>>;
  };
}

/** What a change must keep to, as the shape of a zod object: what is absent is left alone, and null clears. */
export function updateRules<F extends Fields>(fields: F) {
  return mapped(writtenOf(fields), ({ kind, rule }) =>
    kind === "optional" ? rule.nullable().optional() : rule.optional(),
  ) as {
    [Name in keyof WrittenOf<F>]: z.ZodOptional<
      F[Name]["kind"] extends "optional" ? z.ZodNullable<WrittenOf<F>[Name]["rule"]> : WrittenOf<F>[Name]["rule"]
    >;
  };
}

/** What an instance that is added with `input` has of the fields that clients write. */
export function withDefaults<F extends Fields>(fields: F, input: Readonly<Record<string, unknown>>) {
  return mapped(writtenOf(fields), ({ whenAbsent }, name) => input[name] ?? whenAbsent ?? null) as {
    [Name in keyof WrittenOf<F>]: Value<F[Name]>;
  };
}

type SchemaTypes = Builder extends PothosSchemaTypes.SchemaBuilder<infer Types> ? Types : never;

/** The fields of an object in GraphQL whose properties are these. */
export function outputFields<T>(t: PothosSchemaTypes.ObjectFieldBuilder<SchemaTypes, T>, fields: Fields) {
  return mapped(Object.entries(fields), ({ type, kind, description }, name) =>
    // that an object has this property Pothos cannot be told, as its name does not stand here
    t.field({
      type,
      nullable: kind === "optional",
      description,
      resolve: (object) => object[name as keyof T] as never,
    }),
  );
}

/** The fields of an input in GraphQL, for a new instance or for a change. */
export function inputFields(
  t: PothosSchemaTypes.InputFieldBuilder<SchemaTypes, "InputObject">,
  fields: Fields,
  use: "add" | "update",
) {
  return mapped(writtenOf(fields), ({ type, kind, whenAbsent, onAdd, onUpdate }) => {
    if (use === "update") return t.field({ type, description: onUpdate });
    const defaultValue = kind === "defaulted" ? { defaultValue: whenAbsent as never } : {};
    return t.field({ type, required: kind === "required", description: onAdd, ...defaultValue });
  });
}
