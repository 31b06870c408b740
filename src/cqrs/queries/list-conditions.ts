import { sql as expression, type RawBuilder } from "kysely";
import type { Sql } from "../database/engine.ts";
import type { Ddl } from "../database/migrations.ts";
import { type FoundWords, hasWords } from "../database/word-index.ts";
import type { Condition, Range, Scalar } from "./list-question.ts";
import { NEVER } from "./table-rows.ts";

/** Where rows are found. */
export interface Source {
  readonly sql: Sql;
  readonly table: string;
  /** The index of words over the table. */
  readonly words: FoundWords;
  readonly isAmong: Ddl["isAmong"];
  /** For a column, those that its index has beside. */
  readonly carried: Readonly<Record<string, readonly string[]>>;
}

/** What the statements of one question share. */
export interface Snapshot extends Source {
  /** To be awaited before each portion. It throws when nobody waits for the answer any more. */
  readonly nextPortion: () => Promise<void>;
}

/** Whether rows can be put in order by what meets the condition. */
export function isRange(condition: Condition): condition is Range {
  return "column" in condition && !("oneOf" in condition) && !("isNull" in condition);
}

/** SQL for all of them, over columns that are named without their table. */
export function allHold(conditions: readonly Condition[]): RawBuilder<boolean> {
  if (conditions.length === 0) return expression<boolean>`1 = 1`;
  return joined(conditions.map((one) => holds(one)));
}

/** The same, in words for which SQLite looks for no index. */
export function allHoldTested(ranges: readonly Range[]): RawBuilder<boolean> {
  return joined(ranges.map((one) => holds(one, expression`+${expression.ref(one.column)}`)));
}

function holds(condition: Condition, tested?: RawBuilder<unknown>): RawBuilder<boolean> {
  if ("words" in condition) return hasWords(condition);
  // what is said of a null is neither true nor false
  if ("not" in condition) return expression<boolean>`(${allHold(condition.not)}) is not true`;
  const column = tested ?? expression.ref(condition.column);
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
  // what is equal to the first column of an index comes in the order of the others
  if (from !== undefined && from === to) return expression<boolean>`${column} = ${from}`;
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

/** Whether no row can meet them all: one has no value, or asks for null where another asks for a value. */
export function excludeEachOther(conditions: readonly Condition[]): boolean {
  if (conditions.some((one) => "oneOf" in one && one.oneOf.length === 0)) return true;
  const nulls = new Set(conditions.flatMap((one) => ("isNull" in one && one.isNull ? one.column : [])));
  return conditions.some((one) => "column" in one && !("isNull" in one) && nulls.has(one.column));
}
