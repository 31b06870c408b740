import { sql as expression } from "kysely";
import { Accesses } from "./list-accesses.ts";
import {
  type Access,
  allHold,
  columnsIn,
  excludeEachOther,
  isRange,
  rowsBy,
  type Source,
  testsAfter,
} from "./list-conditions.ts";
import {
  columnsOf,
  inSegments,
  inSpan,
  openedTo,
  SEGMENT,
  type Span,
  segmentOf,
  segmentsIn,
  sortedBy,
  walking,
} from "./list-order.ts";
import type { Condition, ListQuestion, Position, Scalar, Segment } from "./list-question.ts";
import type { Select } from "./table-rows.ts";

/** So many rows of an order are looked at by the first statement and by those after it: some milliseconds' worth. */
const PORTIONS = { first: 1000, next: 4000 };
/** As many matches are collected and sorted at once: to find a page of more takes fewer rows of an order, if they lie evenly. */
const FEW = 5000;
/** And as many, once so many rows of the order were looked at in vain. */
const MANY = { looked: 20_000, matches: 50_000 };

/** A match and where it stands. */
export interface Place {
  readonly id: number;
  readonly position: Position;
}

/** What the statements of one question share. */
export interface Snapshot extends Source {
  /** To be awaited before each portion. It throws when nobody waits for the answer any more. */
  readonly nextPortion: () => Promise<void>;
}

/**
 * The rows that match a question, in its order, in one snapshot: either the order is walked and what is met is tested, or
 * the matches are collected by an index of their own and sorted. Which is quicker depends on how many those are, and where
 * they stand, so the first is tried, and then the other where few enough are to be collected.
 */
export class Matches {
  readonly accesses: Accesses;
  readonly #snapshot: Snapshot;
  readonly #question: ListQuestion;
  /** By what they are collected, once that is decided. */
  #access: Access | undefined;
  readonly #within = new Map<number, Accesses>();

  constructor(snapshot: Snapshot, question: ListQuestion) {
    this.#snapshot = snapshot;
    this.#question = question;
    this.accesses = new Accesses(snapshot, question.conditions);
    this.#access = this.accesses.named;
  }

  /** The first `limit` matches of the span, or the last ones, from the end. */
  async find(span: Span, limit: number, backwards: boolean): Promise<Place[]> {
    if (limit === 0) return [];
    if (this.#access) return this.#collect(this.#access, span, limit, backwards);
    const found: Place[] = [];
    for (const number of segmentsIn(this.#question.order, span, backwards)) {
      const places = await this.#walk(number, span, limit - found.length, backwards);
      if (this.#access) return this.#collect(this.#access, span, limit, backwards);
      found.push(...places);
      if (found.length === limit) break;
    }
    return found;
  }

  /** The same within one segment. It gives up where another way is decided for. */
  async #walk(number: number, span: Span, limit: number, backwards: boolean): Promise<Place[]> {
    const { order, conditions } = this.#question;
    const segment = order.segments[number] as Segment;
    if (excludeEachOther([...segment.where, ...conditions])) return [];
    const all = [...segment.where, ...conditions];
    const isSorted = (one: Condition) => isRange(one) && one.column === segment.by[0];
    const isTold = (one: Condition) => isSorted(one) || ("isNull" in one && segment.where.includes(one));
    const tests = all.filter((one) => !isTold(one));
    const range = all.filter(isTold);
    const found: Place[] = [];
    let rest = span;
    for (let looked = 0, size: number = PORTIONS.first; ; size = PORTIONS.next) {
      await this.#snapshot.nextPortion();
      const portion = this.#sorted(number, rest, backwards, range, columnsIn(tests));
      const wanted = limit - found.length;
      if (tests.length === 0) return [...found, ...(await this.#places(portion.limit(wanted), number))];
      const tested = this.#snapshot.sql
        .selectFrom(portion.limit(size).as("portion"))
        .where(allHold(tests))
        .select(distinct("id", ...segment.by))
        .limit(wanted);
      found.push(...(await this.#places(tested, number)));
      if (found.length === limit) return found;
      looked += size;
      const [last] = await this.#places(portion.limit(1).offset(size - 1), number);
      if (!last || (await this.#isBetterCollected(looked))) return found;
      rest = backwards
        ? { ...span, to: { at: last.position, isInside: false } }
        : { ...span, from: { at: last.position, isInside: false } };
      const access = await this.#shortWithin(number, looked);
      if (access) return [...found, ...(await this.#collect(access, rest, limit - found.length, backwards, number))];
    }
  }

  /** The rows of a segment that are in the span and fulfil what its index tells, as they are walked. */
  #sorted(
    number: number,
    span: Span,
    backwards: boolean,
    range: readonly Condition[],
    columns: readonly string[],
  ): Select {
    const { order } = this.#question;
    const segment = order.segments[number] as Segment;
    const { sql, table } = this.#snapshot;
    let rows: Select = sql.selectFrom(table).select(distinct("id", ...segment.by, ...columns));
    const opened = range.map((one) => (isRange(one) ? openedTo(order, span, number, one) : one));
    if (opened.length > 0) rows = rows.where(allHold(opened));
    for (const bound of inSpan(order, span, number)) rows = rows.where(bound);
    for (const column of sortedBy(segment)) rows = rows.orderBy(column, walking(order, backwards));
    return rows;
  }

  async #isBetterCollected(looked: number): Promise<boolean> {
    this.#access = await shortOf(this.accesses, looked);
    return this.#access !== undefined;
  }

  /** The same for the rows of one segment, where that says more of their words than the question does. */
  async #shortWithin(number: number, looked: number): Promise<Access | undefined> {
    const { order, conditions } = this.#question;
    const { where } = order.segments[number] as Segment;
    if (!where.some((one) => "words" in one)) return undefined;
    const within = this.#within.get(number) ?? new Accesses(this.#snapshot, [...where, ...conditions]);
    this.#within.set(number, within);
    return shortOf(within, looked);
  }

  /** The matches in the span, of all that `access` leads to; or those in one segment, if `only` says which. */
  async #collect(access: Access, span: Span, limit: number, backwards: boolean, only?: number): Promise<Place[]> {
    const { order, conditions } = this.#question;
    await this.#snapshot.nextPortion();
    const alone = only === undefined ? undefined : (order.segments[only] as Segment);
    const demanded = [...(alone?.where ?? []), ...conditions];
    const sorted = alone?.by ?? distinct(...order.segments.flatMap(({ by }) => by));
    const columns = distinct("id", ...columnsIn(demanded), ...(alone ? sorted : columnsOf(order)));
    const segment = only === undefined ? segmentOf(order) : expression<number>`${expression.lit(only)}`;
    const candidates = rowsBy(this.#snapshot, access).rows.select(columns);
    let matches: Select = this.#snapshot.sql
      // to be sorted apart: else PostgreSQL may walk the order's index after all
      .with(
        (cte) => cte("candidate").materialized(),
        () => candidates,
      )
      .with("match", (those) =>
        those
          .selectFrom("candidate")
          .where(allHold(testsAfter(access, demanded)))
          .select([...distinct("id", ...sorted), segment.as(SEGMENT)]),
      )
      .selectFrom("match")
      .selectAll()
      .where(inSegments(order, span))
      .orderBy(SEGMENT, backwards ? "desc" : "asc");
    for (const column of sorted) matches = matches.orderBy(column, walking(order, backwards));
    return this.#places(matches.limit(limit));
  }

  async #places(rows: Select, number?: number): Promise<Place[]> {
    return (await rows.execute()).map((row) => {
      const segment = number ?? Number(row[SEGMENT]);
      const by = this.#question.order.segments[segment]?.by ?? [];
      return { id: row.id, position: { segment, values: by.map((column) => row[column] as Scalar) } };
    });
  }
}

/** The way that leads to few enough rows to be collected, once so many others were looked at in vain. */
async function shortOf(accesses: Accesses, looked: number): Promise<Access | undefined> {
  const limit = looked < MANY.looked ? FEW : MANY.matches;
  const shortest = await accesses.shortest(limit);
  return shortest && shortest.count <= limit ? shortest.access : undefined;
}

function distinct(...columns: readonly string[]): string[] {
  return [...new Set(columns)];
}
