import DataLoader from "dataloader";
import type { Mark } from "../mark.ts";
import { type PointsTrace, traced, traces } from "../tracing.ts";
import type { Lists } from "./large-lists.ts";

/** The largest number of point reads that are one question, so that it never keeps its store from others for long. */
const POINT_READS = 100;

/** Makes one question of all point reads that wait in one turn of the event loop, sent when the last has begun. */
export function pointReads<V>(
  store: PointsTrace["store"],
  fetch: (keys: readonly string[]) => Promise<V[]>,
): DataLoader<string, V> {
  const tracedFetch = (keys: readonly string[]) =>
    traced(
      traces.points,
      () => ({ store, keys: keys.length }),
      () => fetch(keys),
    );
  return new DataLoader(tracedFetch, {
    // what has been fetched is no answer to a read that begins later
    cache: false,
    batchScheduleFn: setImmediate,
    maxBatchSize: POINT_READS,
  });
}

/** A value and the mark of the state that it is true at. */
export interface Answer<V> extends Mark {
  readonly value: V;
  /**
   * What the value is made from, where a replay can compare it: the same for the same question means an equal value.
   * `null` counts as well: there is no such row.
   */
  readonly madeFrom?: string | null | undefined;
}

/** What is asked of either store. Replays ask it again, so it holds on to nothing of its request. */
export type Question<T extends object, V> = (reads: Reads<T>, large: Lists) => Promise<Answer<V>>;

/** What a list may come to: how many instances, and how many bytes of JSON these make. */
export interface ListLimits {
  readonly rows: number;
  readonly bytes: number;
}

/** Which rows a page holds: at most `limit` between `after` and `before` (both exclusive) in their order. Either is a key. */
export interface PageRequest {
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
  /** Take the rows from the end of the range. They come in their order all the same. */
  readonly backwards: boolean;
  /** Whether `total` is wanted; counting a table costs the more, the larger it is. */
  readonly withTotal: boolean;
}

export interface Page<T> {
  readonly rows: readonly T[];
  /** Whether there are rows before and after these, in or out of the range. */
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
  /** Rows of the whole stream. */
  readonly total: number | undefined;
}

/**
 * What can be asked of a stream's instances: of the read model as of the table. A list that is large for one command is
 * read in portions, all of one state, in its turn among the `large` ones.
 */
export interface Reads<T> {
  /** The instance with this key, or null. */
  get(key: string): Promise<Answer<T | null>>;
  /** Every instance in the stream's order, or the limit that they exceed. */
  all(limits: ListLimits, large: Lists): Promise<Answer<readonly T[] | keyof ListLimits>>;
  page(request: PageRequest, large: Lists): Promise<Answer<Page<T>>>;
}
