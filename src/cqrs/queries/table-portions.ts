import type { Sql } from "../database/engine.ts";
import type { StreamRow } from "../stream.ts";
import { PORTION, type TableRows } from "./table-rows.ts";

/** Rows of the table in key order, and their bytes as JSON. */
export interface Portion<T> {
  readonly rows: readonly T[];
  readonly bytes: number;
}

/** The whole table, portion by portion from one snapshot: each is one statement, and others have their turn in between. */
export class TablePortions<T extends object> {
  readonly #rows: TableRows<T>;
  /** What a row took on average among those that were measured last. */
  #rowBytes = 1;

  constructor(rows: TableRows<T>) {
    this.#rows = rows;
  }

  /** Hands out the stream's row and the portions, of `mostRows` rows at most; the snapshot lasts until `work` is done. */
  async read<R>(
    mostRows: number,
    work: (row: StreamRow, portions: AsyncIterable<Portion<T>>) => Promise<R>,
  ): Promise<R> {
    return this.#rows.snapshot((row, sql) => work(row, this.#portions(sql, mostRows)));
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

  async *#portions(sql: Sql, mostRows: number): AsyncGenerator<Portion<T>> {
    const { key: column, stream } = this.#rows;
    for (let last = ""; ; ) {
      const size = this.sizeOf(mostRows);
      const next = this.#rows.rows(sql).where(column, ">", last).orderBy(column).limit(size);
      const rows = this.#rows.instances(await next.execute());
      if (rows.length > 0) yield { rows, bytes: this.measure(rows) };
      if (rows.length < size) return;
      last = String(rows.at(-1)?.[stream.definition.key]);
    }
  }
}
