import type { Sql } from "../database/engine.ts";
import { Accesses } from "./list-accesses.ts";
import { type Access, allHold, columnsIn, excludeEachOther, type HasWords, isRange } from "./list-conditions.ts";
import {
  columnsOf,
  inSegments,
  inSpan,
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
export interface Snapshot {
  readonly sql: Sql;
  readonly table: string;
  readonly hasWords: HasWords;
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

  constructor(snapshot: Snapshot, question: ListQuestion) {
    this.#snapshot = snapshot;
    this.#question = question;
    this.accesses = new Accesses(snapshot.sql, snapshot.table, question, snapshot.hasWords);
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
    const isSorted = (one: Condition) => isRange(one) && one.column === segment.by[0];
    const tests = conditions.filter((one) => !isSorted(one));
    const range = [...segment.where, ...conditions.filter(isSorted)];
    const found: Place[] = [];
    let rest = span;
    for (let looked = 0, size: number = PORTIONS.first; ; size = PORTIONS.next) {
      await this.#snapshot.nextPortion();
      const portion = this.#sorted(number, rest, backwards, range, columnsIn(tests));
      const wanted = limit - found.length;
      if (tests.length === 0) return [...found, ...(await this.#places(portion.limit(wanted), number))];
      const tested = this.#snapshot.sql
        .selectFrom(portion.limit(size).as("portion"))
        .where(allHold(tests, this.#snapshot.hasWords))
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
    const { sql, table, hasWords } = this.#snapshot;
    let rows: Select = sql.selectFrom(table).select(distinct("id", ...segment.by, ...columns));
    if (range.length > 0) rows = rows.where(allHold(range, hasWords));
    for (const bound of inSpan(order, span, number)) rows = rows.where(bound);
    for (const column of sortedBy(segment)) rows = rows.orderBy(column, walking(order, backwards));
    return rows;
  }

  async #isBetterCollected(looked: number): Promise<boolean> {
    const limit = looked < MANY.looked ? FEW : MANY.matches;
    const shortest = await this.accesses.shortest(limit);
    if (!shortest || shortest.count > limit) return false;
    this.#access = shortest.access;
    return true;
  }

  /** The matches in the span, of all that `access` leads to. */
  async #collect(access: Access, span: Span, limit: number, backwards: boolean): Promise<Place[]> {
    const { sql, table, hasWords, nextPortion } = this.#snapshot;
    const { order, conditions } = this.#question;
    await nextPortion();
    const columns = distinct("id", ...columnsIn(conditions), ...columnsOf(order));
    const sorted = distinct(...order.segments.flatMap(({ by }) => by));
    const direction = walking(order, backwards);
    const candidates = sql
      .selectFrom(table)
      .select(columns)
      .where(allHold([access], hasWords));
    let matches: Select = sql
      // to be sorted apart: else PostgreSQL may walk the order's index after all
      .with(
        (cte) => cte("candidate").materialized(),
        () => candidates,
      )
      .with("match", (those) =>
        those
          .selectFrom("candidate")
          .where(
            allHold(
              conditions.filter((one) => one !== access),
              hasWords,
            ),
          )
          .select([...distinct("id", ...sorted), segmentOf(order, hasWords).as(SEGMENT)]),
      )
      .selectFrom("match")
      .selectAll()
      .where(inSegments(order, span))
      .orderBy(SEGMENT, backwards ? "desc" : "asc");
    for (const column of sorted) matches = matches.orderBy(column, direction);
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

function distinct(...columns: readonly string[]): string[] {
  return [...new Set(columns)];
}
