import type { Answer } from "./reads.ts";

/** A value as a column has it. Texts are compared by code point. */
export type Scalar = string | number;

/** The values of a column from one to another. */
export interface Range {
  readonly column: string;
  /** The first one that is meant. */
  readonly from?: Scalar;
  /** The last one that is meant. */
  readonly to?: Scalar;
  /** The first one after `from` that is not meant any more. */
  readonly below?: Scalar;
  /** Whether an index begins with the column and goes on with `id`, so that rows can be found by it. */
  readonly indexed?: boolean;
}

/** A few values of a column that has an index. */
export interface OneOf {
  readonly column: string;
  readonly oneOf: readonly Scalar[];
}

/** Folded words of which each is in one of these columns; of the last one, the beginning is enough. */
export interface Words {
  readonly words: readonly string[];
  /** The columns as the index of words has them. */
  readonly within: readonly string[];
}

interface IsNull {
  readonly column: string;
  readonly isNull: boolean;
}

interface Not {
  readonly not: readonly Condition[];
}

/** What must hold of a row. It is plain data, so that equal questions have equal JSON. */
export type Condition = Range | OneOf | Words | IsNull | Not;

/**
 * Rows that stand together in an order, sorted by columns of which the last make each row one of its own. Where it is to be
 * walked, an index has these columns; none of them is null in it.
 */
export interface Segment {
  /** What tells its rows from those of the other segments. */
  readonly where: readonly Condition[];
  readonly by: readonly string[];
}

/**
 * An order: its segments, one after the other. So the rows without a date stand at the end in both directions, and better
 * matches before others.
 */
export interface Order {
  readonly segments: readonly Segment[];
  readonly direction: "asc" | "desc";
}

/** Where a row stands in an order: its segment, and its values of that one's columns. */
export interface Position {
  readonly segment: number;
  readonly values: readonly Scalar[];
}

/** Which values of a column are how frequent among the matches. */
export interface FacetQuestion {
  readonly column: string;
  /** Given where numbers are told apart by being more than 0 alone: the values are then `true` and `false`. */
  readonly isPositive?: boolean;
  /** So many values are told at most: the most frequent, of those that are as frequent the first by code point. */
  readonly most: number;
}

/** What is asked of a stream's table: a page of the rows that match, and what is said of all of these. */
export interface ListQuestion {
  /** All of these must hold. */
  readonly conditions: readonly Condition[];
  readonly order: Order;
  /** Both exclusive. */
  readonly after?: Position | undefined;
  readonly before?: Position | undefined;
  readonly limit: number;
  /** Take the rows from the end of the range. They come in the order all the same. */
  readonly backwards: boolean;
  /** Whether the page is asked for, and not only what is said of all matches. */
  readonly withPage: boolean;
  readonly withTotal: boolean;
  readonly facets: readonly FacetQuestion[];
}

/** How many matches are counted, for the total as for facets. */
export const COUNTED = 10_000;

/** How often values are there, as texts, in no particular order; null is none. */
export type FacetCounts = ReadonlyMap<string, number>;

export interface ListPage<T> {
  readonly rows: readonly T[];
  /** Where each of them stands. */
  readonly positions: readonly Position[];
  /** Whether there are matches before and after these, in or out of the range. */
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
  /** Of a question with conditions {@link COUNTED} at most, and then inexact if there are more. */
  readonly total: { readonly count: number; readonly isExact: boolean } | undefined;
  /** For each facet that was asked for; of the first {@link COUNTED} matches that are found, if there are more. */
  readonly facets: { readonly counts: readonly FacetCounts[]; readonly isExact: boolean } | undefined;
}

export type ListAnswer<T> = Answer<ListPage<T>>;
