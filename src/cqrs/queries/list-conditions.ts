import { sql as expression, type RawBuilder } from "kysely";
import type { Sql } from "../database/engine.ts";
import { FOUND_ID, type FoundWords, hasWords, type WordDemand } from "../database/word-index.ts";
import type { Condition, OneOf, Range, Scalar, Words } from "./list-question.ts";
import { NEVER, type Select } from "./table-rows.ts";

/** Where rows are found. */
export interface Source {
  readonly sql: Sql;
  readonly table: string;
  /** The index of words over the table. */
  readonly words: FoundWords;
}

/** By what rows can be found that meet one of the conditions, or several: an index has it. */
export type Access = Range | OneOf | WordDemand;

/** The ways to rows that meet all of the conditions. What is said of words is one way. */
export function accessesOf(conditions: readonly Condition[]): Access[] {
  const words = conditions.filter((one) => "words" in one);
  const all = words.filter((one) => !words.some((other) => other !== one && says(other, one)));
  const none = conditions.flatMap((one) => ("not" in one && isWords(one.not) ? one.not : []));
  const others = conditions.filter((one) => "oneOf" in one || ("indexed" in one && one.indexed === true));
  return [...(others as (Range | OneOf)[]), ...(all.length > 0 ? [{ all, none }] : [])];
}

/** Those of the conditions that are still to be tested of rows which the access leads to. */
export function testsAfter(access: Access, conditions: readonly Condition[]): Condition[] {
  if (!("all" in access)) return conditions.filter((one) => one !== access);
  return conditions.filter((one) => !("words" in one || ("not" in one && isWords(one.not))));
}

/** Whether rows that have the words of one have those of the other anyway. */
function says(one: Words, other: Words): boolean {
  const isSame = one.words.length === other.words.length && one.words.every((word, i) => word === other.words[i]);
  return (
    isSame && one.within.length < other.within.length && one.within.every((column) => other.within.includes(column))
  );
}

/** Whether a row that does not meet these lacks words that are said in one breath. */
function isWords(conditions: readonly Condition[]): conditions is readonly [Words] {
  return conditions.length === 1 && conditions.every((one) => "words" in one);
}

/** The rows that the access leads to, and the columns by which it can walk them; undefined where it cannot. */
export function rowsBy(
  { sql, table, words }: Source,
  access: Access,
): { readonly rows: Select; readonly by: readonly string[] | undefined } {
  if (!("all" in access)) {
    const by = isRange(access) ? [access.column, "id"] : ["id"];
    return { rows: sql.selectFrom(table).where(allHold([access])), by };
  }
  const rows = sql.selectFrom(expression`(${words.rows(access)})`.as("found"));
  return { rows, by: words.isInOrder ? [FOUND_ID] : undefined };
}

/** A statement with one row for each that the access leads to, for counting them. */
export function countable({ sql, table, words }: Source, access: Access): Select {
  if ("all" in access) return sql.selectFrom(expression`(${words.ids(access)})`.as("found"));
  return sql.selectFrom(table).where(allHold([access]));
}

/** Whether rows can be put in order by what meets the condition. */
export function isRange(condition: Condition): condition is Range {
  return "column" in condition && !("oneOf" in condition) && !("isNull" in condition);
}

/** SQL for all of them, over columns that are named without their table. */
export function allHold(conditions: readonly Condition[]): RawBuilder<boolean> {
  if (conditions.length === 0) return expression<boolean>`1 = 1`;
  return joined(conditions.map(holds));
}

function holds(condition: Condition): RawBuilder<boolean> {
  if ("words" in condition) return hasWords(condition);
  // what is said of a null is neither true nor false
  if ("not" in condition) return expression<boolean>`(${allHold(condition.not)}) is not true`;
  const column = expression.ref(condition.column);
  if ("isNull" in condition) {
    return condition.isNull ? expression<boolean>`${column} is null` : expression<boolean>`${column} is not null`;
  }
  if ("oneOf" in condition) {
    // `in ()` is no SQL everywhere
    return condition.oneOf.length === 0
      ? NEVER
      : expression<boolean>`${column} in (${expression.join(condition.oneOf)})`;
  }
  const { from, to, below } = condition;
  const bound = (operator: string, value: Scalar | undefined) =>
    value === undefined ? [] : [expression<boolean>`${column} ${expression.raw(operator)} ${value}`];
  const bounds = [...bound(">=", from), ...bound("<=", to), ...bound("<", below)];
  return bounds.length === 0 ? expression<boolean>`1 = 1` : joined(bounds);
}

/** SQL for rows whose columns, taken together, compare so with the values. */
export function compares(
  columns: readonly string[],
  operator: "<" | "<=" | ">" | ">=",
  values: readonly Scalar[],
): RawBuilder<boolean> {
  const left = expression.join(columns.map((column) => expression.ref(column)));
  const right = expression.join(values);
  return expression<boolean>`(${left}) ${expression.raw(operator)} (${right})`;
}

export function joined(parts: readonly RawBuilder<boolean>[]): RawBuilder<boolean> {
  return expression<boolean>`${expression.join(parts, expression` and `)}`;
}

/** The columns that must be known of a row to tell whether they hold. */
export function columnsIn(conditions: readonly Condition[]): string[] {
  return conditions.flatMap((condition) => {
    if ("words" in condition) return condition.within;
    return "not" in condition ? columnsIn(condition.not) : condition.column;
  });
}

/** Whether no row can meet both: one asks for null where the other asks for a value. */
export function excludeEachOther(conditions: readonly Condition[]): boolean {
  const nulls = new Set(conditions.flatMap((one) => ("isNull" in one && one.isNull ? one.column : [])));
  return conditions.some((one) => "column" in one && !("isNull" in one) && nulls.has(one.column));
}
