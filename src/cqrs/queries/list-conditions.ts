import { sql as expression, type RawBuilder } from "kysely";
import type { Condition, OneOf, Range, Scalar, Words } from "./list-question.ts";
import { NEVER } from "./table-rows.ts";

/** How an index of words is asked, which is for the engine to say. */
export type HasWords = (condition: Words) => RawBuilder<boolean>;

/** What is said of streams whose words nobody indexes. */
export const NO_WORDS: HasWords = () => {
  throw new RangeError("this stream has no index of words");
};

/** By what rows can be found that meet a condition: an index has it. */
export type Access = Range | OneOf | Words;

export function isAccess(condition: Condition): condition is Access {
  return "oneOf" in condition || "words" in condition || ("indexed" in condition && condition.indexed === true);
}

/** Whether rows can be put in order by what meets the condition. */
export function isRange(condition: Condition): condition is Range {
  return "column" in condition && !("oneOf" in condition) && !("isNull" in condition);
}

/** SQL for all of them, over columns that are named without their table. */
export function allHold(conditions: readonly Condition[], hasWords: HasWords): RawBuilder<boolean> {
  if (conditions.length === 0) return expression<boolean>`1 = 1`;
  return joined(conditions.map((condition) => holds(condition, hasWords)));
}

function holds(condition: Condition, hasWords: HasWords): RawBuilder<boolean> {
  if ("words" in condition) return hasWords(condition);
  if ("not" in condition) return expression<boolean>`not (${allHold(condition.not, hasWords)})`;
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
  return joined([...bound(">=", from), ...bound("<=", to), ...bound("<", below)]);
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
