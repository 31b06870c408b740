import { sql as expression, type RawBuilder } from "kysely";
import { isBefore } from "../code-points.ts";
import { allHold, columnsIn, compares, isRange, joined } from "./list-conditions.ts";
import type { Condition, Order, Position, Range, Scalar, Segment } from "./list-question.ts";

/** An end of a range: a place in the order, and whether it is itself in the range. */
export interface Bound {
  readonly at: Position;
  readonly isInside: boolean;
}

/** A part of the order, from its beginning or a place to its end or another place. */
export interface Span {
  readonly from?: Bound | undefined;
  readonly to?: Bound | undefined;
}

/** A match and where it stands. */
export interface Place {
  readonly id: number;
  readonly position: Position;
}

type Row = Readonly<Record<string, unknown>>;

/** The column that says in which segment a row stands, where rows of several are read together. */
export const SEGMENT = "$segment";

/** The segments that the span touches, by their numbers, in the order in which they are walked. */
export function segmentsIn({ segments }: Order, { from, to }: Span, backwards: boolean): number[] {
  const first = from?.at.segment ?? 0;
  const last = to?.at.segment ?? segments.length - 1;
  const touched = segments.map((_, number) => number).slice(first, last + 1);
  return backwards ? touched.reverse() : touched;
}

/** The rows of a segment that are in the span: all of them, or those on the right side of an end that is in the segment. */
export function inSpan({ segments, direction }: Order, { from, to }: Span, number: number): RawBuilder<boolean>[] {
  const { by } = segments[number] as Segment;
  const bound = (end: Bound | undefined, isLater: boolean) => {
    if (end?.at.segment !== number) return [];
    const operator = isLater === (direction === "asc") ? ">" : "<";
    return [compares(by, end.isInside ? `${operator}=` : operator, end.at.values)];
  };
  return [...bound(from, true), ...bound(to, false)];
}

/**
 * A range of the first column of a segment without an end that an end of the span is beyond: told of both, SQLite begins at
 * the one that is further off.
 */
export function openedTo({ segments, direction }: Order, { from, to }: Span, number: number, range: Range): Range {
  const isHere = (end: Bound | undefined) => end?.at.segment === number && range.column === segments[number]?.by[0];
  const [low, high] = direction === "asc" ? [from, to] : [to, from];
  const [least, most] = [low, high].map((end) => (isHere(end) ? end?.at.values[0] : undefined));
  const { from: first, to: last, below, ...rest } = range;
  const isPast = least !== undefined && first !== undefined && !isLess(least, first);
  const isShort =
    most !== undefined && (below === undefined || isLess(most, below)) && (last === undefined || !isLess(last, most));
  return {
    ...rest,
    ...(!isPast && first !== undefined && { from: first }),
    ...(!isShort && { ...(last !== undefined && { to: last }), ...(below !== undefined && { below }) }),
  };
}

/** The columns that an index has for a segment: before those that it is sorted by come those that are null in all of it. */
export function sortedBy({ where, by }: Segment): string[] {
  return [...where.flatMap((one) => ("isNull" in one && one.isNull ? one.column : [])), ...by];
}

/**
 * What of the conditions an index tells in which the rows of a segment stand, for each stretch of it in the order in which it is
 * walked: what begins so is left out without being looked at. And the conditions that rows are to be tested for.
 */
export function stretchesIn(
  { where, by }: Segment,
  conditions: readonly Condition[],
  direction: "asc" | "desc",
): { readonly stretches: readonly (readonly Condition[])[]; readonly tests: readonly Condition[] } {
  const isSorted = (one: Condition): one is Range => isRange(one) && one.column === by[0];
  const isTold = (one: Condition) => isSorted(one) || ("isNull" in one && where.includes(one));
  const told = conditions.filter(isTold);
  const left = conditions.find(
    (one) =>
      "not" in one && one.not.length === 1 && one.not.every((range) => isSorted(range) && range.to === undefined),
  );
  const tests = conditions.filter((one) => !isTold(one) && one !== left);
  if (!left || !("not" in left)) return { stretches: [told], tests };
  const [{ column, from, below }] = left.not as [Range];
  const around: Range[] = [
    ...(from === undefined ? [] : [{ column, below: from }]),
    ...(below === undefined ? [] : [{ column, from: below }]),
  ];
  if (direction === "desc") around.reverse();
  return { stretches: around.map((range) => [...told, range]), tests };
}

/** The columns that the order must know of a row. */
export function columnsOf({ segments }: Order): string[] {
  return segments.flatMap(({ where, by }) => [...columnsIn(where), ...by]);
}

/** SQL's `asc` or `desc` for rows that are walked in this way. */
export function walking({ direction }: Order, backwards: boolean): "asc" | "desc" {
  return (direction === "asc") === backwards ? "desc" : "asc";
}

/** The number of the segment that a row is in. */
export function segmentOf({ segments }: Order): RawBuilder<number> {
  const [only] = segments;
  if (only && segments.length === 1 && only.where.length === 0) return expression<number>`0`;
  const cases = segments.map(({ where }, number) => expression`when ${allHold(where)} then ${expression.lit(number)}`);
  return expression<number>`case ${expression.join(cases, expression` `)} end`;
}

/** The rows in the span, where {@link SEGMENT} says in which segment each is. */
export function inSegments(order: Order, span: Span): RawBuilder<boolean> {
  const segment = expression.ref(SEGMENT);
  const parts = segmentsIn(order, span, false).map(
    (number) =>
      expression<boolean>`(${joined([
        expression<boolean>`${segment} = ${expression.lit(number)}`,
        ...inSpan(order, span, number),
      ])})`,
  );
  if (parts.length === 0) return expression<boolean>`1 = 0`;
  return expression<boolean>`(${expression.join(parts, expression` or `)})`;
}

/** Whether `a` comes before `b`. */
export function isEarlier({ direction }: Order, a: Position, b: Position): boolean {
  if (a.segment !== b.segment) return a.segment < b.segment;
  const index = a.values.findIndex((value, i) => value !== b.values[i]);
  if (index < 0) return false;
  return isLess(a.values[index] as Scalar, b.values[index] as Scalar) === (direction === "asc");
}

function isLess(a: Scalar, b: Scalar): boolean {
  return typeof a === "string" ? isBefore(a, String(b)) : a < Number(b);
}

/** Where these rows stand: in this segment, or in the one that {@link SEGMENT} tells. */
export function placesIn({ segments }: Order, rows: readonly Row[], number?: number): Place[] {
  return rows.map((row) => {
    const segment = number ?? Number(row[SEGMENT]);
    const by = segments[segment]?.by ?? [];
    return { id: Number(row.id), position: { segment, values: by.map((column) => row[column] as Scalar) } };
  });
}
