import { type Expression, sql as expression } from "kysely";
import type { StreamRow } from "../stream.ts";
import { PORTION, type Select, type TableRows } from "./table-rows.ts";

/** Rows of the table, and their bytes as JSON. */
export interface Portion<T> {
  readonly rows: readonly T[];
  readonly bytes: number;
}

/** What is done with the stream's row and the whole table of one snapshot. */
type Work<T, R> = (row: StreamRow, portions: AsyncIterable<Portion<T>>) => Promise<R>;

/** The whole table, portion by portion from one snapshot: each is one statement, and others have their turn in between. */
export class TablePortions<T extends object> {
  readonly #rows: TableRows<T>;
  /** What a row took on average among those that were measured last. */
  #rowBytes = 1;

  constructor(rows: TableRows<T>) {
    this.#rows = rows;
  }

  /**
   * Hands out the stream's row and the portions in their order, of `mostRows` rows at most; the snapshot lasts until `work`
   * is done.
   */
  async inOrder<R>(mostRows: number, work: Work<T, R>): Promise<R> {
    return this.#rows.snapshotInOrder((row, sql) =>
      work(
        row,
        this.#portions(mostRows, this.#rows.ordered(sql), (last) => this.#rows.compare(">", this.#rows.placeIn(last))),
      ),
    );
  }

  /** The same, but in the order of the keys alone, which is there whatever is stale. */
  async byKey<R>(mostRows: number, work: Work<T, R>): Promise<R> {
    const { key, stream } = this.#rows;
    return this.#rows.snapshot((row, sql) =>
      work(
        row,
        this.#portions(
          mostRows,
          this.#rows.rows(sql).orderBy(key),
          (last) => expression<boolean>`${expression.ref(key)} > ${last[stream.definition.key]}`,
        ),
      ),
    );
  }

  /** How many rows make a portion of so many at most, as far as those that were measured last can tell. */
  sizeOf(mostRows: number): number {
    return Math.max(1, Math.min(mostRows, Math.floor(PORTION.bytes / this.#rowBytes)));
  }

  /** What these rows take as JSON, which is how the read model counts them. */
  measure(rows: readonly T[]): number {
    if (rows.length === 0) return 0;
    // without brackets and commas
    const bytes = Buffer.byteLength(JSON.stringify(rows)) - rows.length - 1;
    this.#rowBytes = bytes / rows.length;
    return bytes;
  }

  async *#portions(
    mostRows: number,
    all: Select,
    after: (last: Record<string, unknown>) => Expression<boolean>,
  ): AsyncGenerator<Portion<T>> {
    for (let next = all; ; ) {
      const size = this.sizeOf(mostRows);
      const found = await next.limit(size).execute();
      const rows = this.#rows.instances(found);
      if (rows.length > 0) yield { rows, bytes: this.measure(rows) };
      const last = found.at(-1);
      if (rows.length < size || !last) return;
      next = all.where(after(last));
    }
  }
}
