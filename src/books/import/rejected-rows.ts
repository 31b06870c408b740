import { type FileHandle, open, rm } from "node:fs/promises";
import { stringify } from "csv-stringify/sync";
import type { CsvRecord } from "./csv-records.ts";
import { ImportError, systemMessage } from "./import-error.ts";
import type { TextEncoding } from "./text-encoding.ts";

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
 * The file of the rows that were refused: line, reason, and then the row's bytes as they were, in the encoding and with
 * the separator of the file, so that it can be corrected and imported itself. It exists only if there are such rows;
 * one of an earlier run goes.
 *
 * Every method throws ImportError.
 */
export class RejectedRows {
  readonly path: string;
  readonly #header: CsvRecord;
  readonly #encoding: TextEncoding;
  readonly #delimiter: string;
  /** Line and reason of an earlier import, when it is its rejected rows that are imported now. */
  readonly #earlier: RegExp | undefined;
  #file: FileHandle | undefined;

  constructor(path: string, header: CsvRecord, encoding: TextEncoding, delimiter: string) {
    this.path = path;
    this.#header = header;
    this.#encoding = encoding;
    this.#delimiter = delimiter;
    const separator = `\\x${delimiter.charCodeAt(0).toString(16).padStart(2, "0")}`;
    const field = `(?:"[^"]*(?:""[^"]*)*"|[^"${separator}]*)${separator}`;
    const [line, reason] = header.fields;
    this.#earlier = line === "line" && reason === "reason" ? new RegExp(`^${field}${field}`) : undefined;
  }

  async removeOld(): Promise<void> {
    await this.#try(() => rm(this.path, { force: true }));
  }

  async write(rows: readonly RejectedRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#try(async () => {
      if (!this.#file) {
        this.#file = await open(this.path, "w");
        await this.#file.appendFile(this.#encoding.mark);
        await this.#file.appendFile(this.#line("line", "reason", this.#header));
      }
      await this.#file.appendFile(
        Buffer.concat(rows.map(({ record, reason }) => this.#line(String(record.line), reason, record))),
      );
    });
  }

  async close(): Promise<void> {
    await this.#try(async () => this.#file?.close());
  }

  #line(line: string, reason: string, { raw }: CsvRecord): Buffer {
    const delimiter = this.#delimiter;
    const said = stringify([[line, reason]], { delimiter, eof: false }) + delimiter;
    const earlier = this.#earlier?.exec(raw.toString("latin1"))?.[0].length ?? 0;
    const bytes = Buffer.concat([this.#encoding.encode(said), raw.subarray(earlier), Buffer.from("\n")]);
    return this.#encoding.toFile(bytes);
  }

  async #try(work: () => Promise<void>): Promise<void> {
    await work().catch((error) => {
      throw new ImportError(`cannot write ${this.path}: ${systemMessage(error)}.`, { cause: error });
    });
  }
}
