import { Accesses, type Counted } from "./list-accesses.ts";
import { collect } from "./list-collection.ts";
import { allHold, columnsIn, excludeEachOther, isRange, type Snapshot } from "./list-conditions.ts";
import {
  inSpan,
  openedTo,
  type Place,
  placesIn,
  type Span,
  segmentsIn,
  sortedBy,
  stretchesIn,
  walking,
} from "./list-order.ts";
import type { Condition, ListQuestion, Segment } from "./list-question.ts";
import type { Select } from "./table-rows.ts";

/** So many rows of an order are looked at by the first statement and by those after it: some milliseconds' worth. */
const PORTIONS = { first: 1000, next: 4000 };
/** To walk so many more is no matter: whether there is a shorter way is not asked for. */
const NEAR = 8000;
/** So many matches are collected and sorted in the time in which one row of an order is looked at, which lies anywhere. */
const COLLECTED = 10;
/** So many are collected for all segments at once, more for each segment by what it says itself. */
const FEW = 20_000;
/** Before so many were looked at, the ways are not held against each other. */
const HELD = 4000;
/** How much further it is walked before the ways are looked at again. */
const FURTHER = 2;

/**
 * The rows that match a question, in its order, in one snapshot: either the order is walked and what is met is tested, or
 * the matches are collected by indexes of their own and sorted. Which is quicker depends on how many those are, and where
 * they stand, so the first is tried, and given up for the other once it has taken as long as that will.
 */
export class Matches {
  readonly accesses: Accesses;
  readonly #snapshot: Snapshot;
  readonly #question: ListQuestion;
  /** By what they are collected, once that is decided. */
  #access: Counted | undefined;
  readonly #segments = new Map<number, Accesses>();

  constructor(snapshot: Snapshot, question: ListQuestion) {
    this.#snapshot = snapshot;
    this.#question = question;
    this.accesses = new Accesses(snapshot, question.conditions);
    const { named } = this.accesses;
    this.#access = named && { access: named, count: named.oneOf.length };
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
    const all = [...segment.where, ...conditions];
    if (excludeEachOther(all)) return [];
    const { stretches, tests } = stretchesIn(segment, all, walking(order, backwards));
    const found: Place[] = [];
    let [looked, decideAt] = [0, 0];
    for (const stretch of stretches) {
      let rest: Span | undefined = span;
      for (let size: number = PORTIONS.first; rest; size = PORTIONS.next) {
        await this.#snapshot.nextPortion();
        const portion = this.#sorted(number, rest, backwards, stretch, columnsIn(tests));
        const looking = tests.length === 0 ? limit - found.length : size;
        const tested = this.#snapshot.sql
          .selectFrom(portion.limit(looking).as("portion"))
          .where(allHold(tests))
          .select(distinct("id", ...segment.by))
          .limit(limit - found.length);
        found.push(...(await this.#places(tested, number)));
        if (found.length === limit) return found;
        if (tests.length === 0) break;
        looked += size;
        const [last] = await this.#places(portion.limit(1).offset(size - 1), number);
        if (last) rest = behind(last, span, backwards);
        else rest = undefined;
        if (!rest || looked < decideAt || isNear(found.length, looked, limit)) continue;
        decideAt = looked * FURTHER;
        this.#access = await shortOf(this.accesses, looked, FEW);
        if (this.#access) return found;
        const access = await shortOf(this.#within(number), looked);
        if (access) return [...found, ...(await this.#collect(access, rest, limit - found.length, backwards, number))];
      }
    }
    return found;
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

  /** The ways to the rows of one segment, where that says more of their words than the question does. */
  #within(number: number): Accesses {
    const { order, conditions } = this.#question;
    const { where } = order.segments[number] as Segment;
    if (!where.some((one) => "words" in one)) return this.accesses;
    const within = this.#segments.get(number) ?? new Accesses(this.#snapshot, [...where, ...conditions]);
    this.#segments.set(number, within);
    return within;
  }

  async #collect(access: Counted, span: Span, limit: number, backwards: boolean, only?: number): Promise<Place[]> {
    return collect(this.#snapshot, this.#question, access, { span, limit, backwards, only });
  }

  async #places(rows: Select, number: number): Promise<Place[]> {
    return placesIn(this.#question.order, await rows.execute(), number);
  }
}

/** Whether what is still wanted is near, if it lies as what was found. */
function isNear(found: number, looked: number, limit: number): boolean {
  return (limit - found) * looked <= NEAR * found;
}

/** The way that leads to few enough rows to be collected, once so many others were looked at in vain. */
async function shortOf(accesses: Accesses, looked: number, most = Infinity): Promise<Counted | undefined> {
  const limit = Math.min(COLLECTED * looked, most);
  const shortest = await accesses.shortest(limit);
  if (!shortest) return undefined;
  const isShort = shortest.count <= limit;
  // to hold the ways against each other takes as long as to look at some thousands
  if (isShort && (shortest.count <= HELD || !accesses.areMerged)) return shortest;
  if (!isShort && looked < HELD) return undefined;
  const together = await accesses.shortestTogether(limit);
  const best = together && together.count < shortest.count ? together : shortest;
  return best.count <= limit ? best : undefined;
}

/** What is left of the span when this place was met. */
function behind({ position }: Place, span: Span, backwards: boolean): Span {
  const at = { at: position, isInside: false };
  return backwards ? { ...span, to: at } : { ...span, from: at };
}

function distinct(...columns: readonly string[]): string[] {
  return [...new Set(columns)];
}
