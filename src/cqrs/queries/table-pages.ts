import { type Expression, sql as expression } from "kysely";
import type { Lists } from "./large-lists.ts";
import type { Answer, Page, PageRequest } from "./reads.ts";
import { NEVER, type Place, PORTION, type TableRows } from "./table-rows.ts";

/** So many rows of a page are measured. */
const SAMPLED_ROWS = 10;
/** To count more rows takes SQLite longer than to read a page of them. */
const QUICKLY_COUNTED = 10_000;

/** Pages of the table and ranges of it, each by one statement. */
export class TablePages<T extends object> {
  readonly #rows: TableRows<T>;
  /** What a row of a page took on average, or at most lately. Pages are not measured as a whole. */
  #rowBytes = PORTION.bytes / PORTION.rows;
  /** Rows of the table, when they were counted last. */
  #total = Infinity;

  constructor(rows: TableRows<T>) {
    this.#rows = rows;
  }

  async page(request: PageRequest, large: Lists): Promise<Answer<Page<T>>> {
    const bytes = request.limit * this.#rowBytes;
    if (bytes <= PORTION.bytes) return this.#page(request, request.withTotal && this.#total > QUICKLY_COUNTED);
    return large.read(`${this.#rows.table} ${JSON.stringify(request)}`, bytes, async (turn) => {
      const page = await this.#page(request, true);
      const { rows } = page.value;
      await turn(rows.length * rowBytesOf(rows));
      return page;
    });
  }

  async #page({ after, before, limit, backwards, withTotal }: PageRequest, isLong: boolean): Promise<Answer<Page<T>>> {
    const begin = after === undefined ? undefined : this.#rows.placeOf(after);
    const end = before === undefined ? undefined : this.#rows.placeOf(before);
    const { rows, instances, mark } = await this.#rows.select((sql) => {
      // one row more than asked for says whether there are more
      let range = this.#rows.ordered(sql, backwards ? "desc" : "asc").limit(limit + 1);
      if (begin) range = range.where(this.#rows.compare(">", begin));
      if (end) range = range.where(this.#rows.compare("<", end));

      const table = expression.table(this.#rows.table);
      // the last condition tells for cursors that come in the wrong order: the page is then where the direction begins
      const isAny = (...conditions: readonly Expression<boolean>[]) =>
        expression<boolean>`exists (select 1 from ${table} where ${expression.join(conditions, expression` and `)})`;
      const upToAfter = (place: Place) =>
        isAny(this.#rows.compare("<=", place), ...(backwards && end ? [this.#rows.compare("<", end)] : []));
      const fromBefore = (place: Place) =>
        isAny(this.#rows.compare(">=", place), ...(!backwards && begin ? [this.#rows.compare(">", begin)] : []));
      return this.#rows
        .joinedInOrder(sql, range)
        .select([(begin ? upToAfter(begin) : NEVER).as("$before"), (end ? fromBefore(end) : NEVER).as("$after")])
        .$if(withTotal, (query) => query.select(expression`(select count(*) from ${table})`.as("$total")));
    }, isLong);
    const more = instances.length > limit;
    const page = backwards ? instances.slice(-limit || instances.length) : instances.slice(0, limit);
    const [first] = rows;
    // larger ones than before count at once
    const rowBytes = rowBytesOf(page);
    this.#rowBytes = Math.max(rowBytes, (this.#rowBytes + rowBytes) / 2);
    const total = withTotal ? Number(first?.$total) : undefined;
    this.#total = total ?? this.#total;
    return {
      value: {
        rows: page,
        hasBefore: Boolean(first?.$before) || (backwards && more),
        hasAfter: Boolean(first?.$after) || (!backwards && more),
        total,
      },
      ...mark,
    };
  }

  /** The rows between two keys, both exclusive, in their order. */
  async between({ after, before, limit }: Pick<PageRequest, "after" | "before" | "limit">): Promise<Answer<T[]>> {
    const { instances, mark } = await this.#rows.select((sql) => {
      let range = this.#rows.ordered(sql).limit(limit);
      if (after !== undefined) range = range.where(this.#rows.compare(">", this.#rows.placeOf(after)));
      if (before !== undefined) range = range.where(this.#rows.compare("<", this.#rows.placeOf(before)));
      return this.#rows.joinedInOrder(sql, range);
    });
    return { value: instances, ...mark };
  }
}

/** What one of these rows takes as JSON, as a few of them show. */
export function rowBytesOf(rows: readonly object[]): number {
  const step = Math.ceil(rows.length / SAMPLED_ROWS);
  const sample = rows.filter((_, i) => i % step === 0);
  return sample.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(sample)) / sample.length;
}
