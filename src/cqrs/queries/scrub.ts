import { isDeepStrictEqual } from "node:util";
import type { Stream } from "../stream.ts";
import { ANYBODY, LargeLists } from "./large-lists.ts";
import type { RedisReads } from "./redis-reads.ts";
import type { TableReads } from "./table-reads.ts";
import { Garbled } from "./unsound.ts";

/** Rows compared at a time, which takes a few milliseconds of the process. A round over the table is as many portions. */
const PORTION = 250;
/** A portion is left for the next round when more changes than this were made between its two readings. */
const MAX_CHANGES = 500;

/**
 * Compares the read model with the table, portion by portion and round after round: what somebody took out of Redis or
 * changed there by hand shows in nothing else.
 */
export class Scrub<T extends object> {
  readonly #stream: Stream<T>;
  readonly #table: TableReads<T>;
  /** A line of its own: it waits for nobody's list, and nobody for this. */
  readonly #large = new LargeLists(0).askedBy(ANYBODY);
  #name: string | undefined;
  /** The key that the next portion comes after. */
  #after: string | undefined;

  constructor(stream: Stream<T>, table: TableReads<T>) {
    this.#stream = stream;
    this.#table = table;
  }

  /**
   * Compares the next portion.
   *
   * @throws Garbled when the two differ, and what reads of either store throw
   */
  async next(source: RedisReads<T>): Promise<void> {
    if (this.#name !== source.name) this.#after = undefined;
    this.#name = source.name;
    const after = this.#after;
    // one more row than is compared says where the portion ends; Redis first, so that the table is the newer one
    const copy = await source.page({ after, limit: PORTION + 1, backwards: false, withTotal: false }, this.#large);
    const copied = copy.value.rows;
    const end = copied.length > PORTION ? this.#keyOf(copied[PORTION] as T) : undefined;
    const original = await this.#table.between({ after, before: end, limit: PORTION + MAX_CHANGES });
    const changes = await this.#stream.changesAfter(copy.revision, MAX_CHANGES + 1);
    this.#after = end === undefined ? undefined : this.#keyOf(copied[PORTION - 1] as T);
    if (original.revision < copy.revision || changes.length > MAX_CHANGES) return;

    // what was changed in between may be in either state, and its refresh writes it whole
    const changed = new Set(
      changes.flatMap(({ before, after }) => [before, after].map((one) => one && this.#keyOf(one))),
    );
    const left = this.#byKey(copied.slice(0, PORTION), changed);
    const right = this.#byKey(original.value, changed);
    const keys = new Set([...left.keys(), ...right.keys()]);
    const differing = [...keys].filter((key) => !isDeepStrictEqual(left.get(key), right.get(key)));
    // a row that stands in the wrong place of the table's own order is no fault of Redis
    if (differing.length === 0 || (await this.#table.distrust(differing))) return;
    throw new Garbled("a row is not that of the table");
  }

  #byKey(instances: readonly T[], without: ReadonlySet<string | null>): Map<string, T> {
    return new Map(
      instances.map((instance) => [this.#keyOf(instance), instance] as const).filter(([key]) => !without.has(key)),
    );
  }

  #keyOf(instance: Partial<T>): string {
    return String(instance[this.#stream.definition.key]);
  }
}
