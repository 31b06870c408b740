import { type FileHandle, open, rm } from "node:fs/promises";
import { stringify } from "csv-stringify/sync";
import type { CsvRecord } from "./csv-records.ts";
import { ImportError, systemMessage } from "./import-error.ts";

/** A row that did not go in, and why. */
export interface RejectedRow {
  readonly record: CsvRecord;
  readonly reason: string;
}

/** `books.csv` -> `books.rejected.csv`, beside it. */
export function rejectedPath(path: string): string {
  return `${path.replace(/\.csv$/i, "")}.rejected.csv`;
}

/**
 * The file of the rows that were refused: line, reason, and the columns as they were, so that it can be corrected and
 * imported itself. It exists only if there are such rows; one of an earlier run goes.
 *
 * Every method throws ImportError.
 */
export class RejectedRows {
  readonly path: string;
  readonly #header: readonly string[];
  #file: FileHandle | undefined;

  constructor(path: string, header: readonly string[]) {
    this.path = path;
    this.#header = header;
  }

  async removeOld(): Promise<void> {
    await this.#try(() => rm(this.path, { force: true }));
  }

  async write(rows: readonly RejectedRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#try(async () => {
      if (!this.#file) {
        this.#file = await open(this.path, "w");
        await this.#file.write(stringify([["line", "reason", ...this.#header]]));
      }
      await this.#file.write(stringify(rows.map(({ record, reason }) => [record.line, reason, ...record.fields])));
    });
  }

  async close(): Promise<void> {
    await this.#try(async () => this.#file?.close());
  }

  async #try(work: () => Promise<void>): Promise<void> {
    await work().catch((error) => {
      throw new ImportError(`cannot write ${this.path}: ${systemMessage(error)}.`, { cause: error });
    });
  }
}
