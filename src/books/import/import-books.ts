import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Refusal } from "../../cqrs/errors.ts";
import type { Command } from "../../cqrs/stream.ts";
import type { Book } from "../book.ts";
import type { BookCommandHandler } from "../commands/book-command-handler.ts";
import { ValidationError } from "../commands/book-refusals.ts";
import { type CsvRecord, readCsv } from "./csv-records.ts";
import { type BookRow, type ColumnMapping, explainValue, mapColumns, toBookRow } from "./csv-rows.ts";
import { BookUnchanged, importBook } from "./import-book.ts";
import { ImportError, systemMessage } from "./import-error.ts";
import { type RejectedRow, RejectedRows, rejectedPath } from "./rejected-rows.ts";

/**
 * Rows of one transaction. Fewer cost more commits; more gain nothing, and keep other writers waiting longer: a hundred
 * take about 20 ms.
 */
const BATCH_SIZE = 100;

/**
 * Between two transactions, so that a service on the same SQLite file gets its turn: it asks for the write lock every
 * 6 ms at the latest. Milliseconds.
 */
const PAUSE_MS = 10;

/** What to import, how to tell about it, and how to stop. */
export interface ImportOptions {
  readonly file: string;
  /** `field=header,field=header`; without it each column is named as the field. */
  readonly columns?: string | undefined;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** When aborted, the import ends after the transaction that is under way. */
  readonly signal?: AbortSignal;
}

/** How far an import is. */
export interface ImportProgress {
  readonly rows: number;
  /** Of the file's bytes, 0 to 1. */
  readonly fraction: number;
}

/** What became of the rows: `read` = `added` + `unchanged` + `rejected`. */
export interface ImportSummary {
  read: number;
  added: number;
  unchanged: number;
  rejected: number;
  /** Of the rows added or unchanged: years that no date can hold, set to null. */
  datesOutOfRange: number;
  /** Of the rows added or unchanged: ISBNs that got back the zeros that they began with. */
  isbnsMended: number;
  /** Up to where the file is dealt with. */
  lastLine: number;
  /** Where the rejected rows are, if there are any. */
  readonly rejectedFile: string;
  /** Why the import ended before the file did. Rows of the transaction that it ended in are not counted. */
  failure: Error | undefined;
}

/** A row that is ready for its transaction. */
interface PreparedRow {
  readonly record: CsvRecord;
  readonly row: BookRow;
  readonly command: Command<Book>;
}

/**
 * Imports a CSV file through the command handler, `BATCH_SIZE` rows to a transaction. A row that is refused does not
 * stop the others. What stops the import once rows went in is the summary's `failure`.
 *
 * @throws ImportError when the file cannot be read, or its header not be understood
 */
export async function importBooks(commands: BookCommandHandler, options: ImportOptions): Promise<ImportSummary> {
  const { file, columns, onProgress, signal } = options;
  const handle = await openFile(file);
  const { size } = await handle.stat();
  const records = readCsv(file, handle.createReadStream());
  try {
    const header = await readHeader(file, records);
    const mapping = mapColumns(file, header.fields, columns);
    const rejected = new RejectedRows(rejectedPath(file), header.fields);
    await rejected.removeOld();

    const summary: ImportSummary = {
      read: 0,
      added: 0,
      unchanged: 0,
      rejected: 0,
      datesOutOfRange: 0,
      isbnsMended: 0,
      lastLine: header.lastLine,
      rejectedFile: rejected.path,
      failure: undefined,
    };
    try {
      for await (const batch of inBatches(records, BATCH_SIZE)) {
        if (signal?.aborted) break;
        const refused = await importBatch(commands, batch, mapping, header.fields.length, summary);
        const last = batch.at(-1) as CsvRecord;
        summary.lastLine = last.lastLine;
        await rejected.write(refused);
        onProgress?.({ rows: summary.read, fraction: Math.min(last.bytes / size, 1) });
        await sleep(PAUSE_MS);
      }
      if (!signal?.aborted) onProgress?.({ rows: summary.read, fraction: 1 });
    } catch (error) {
      summary.failure = error as Error;
    } finally {
      await rejected.close();
    }
    return summary;
  } finally {
    await records.return(undefined);
    await handle.close();
  }
}

/** Runs one transaction, counts what became of its rows, and returns those that were rejected, in the file's order. */
async function importBatch(
  commands: BookCommandHandler,
  batch: readonly CsvRecord[],
  mapping: ColumnMapping,
  width: number,
  summary: ImportSummary,
): Promise<RejectedRow[]> {
  const rows = batch.map((record) => prepare(record, mapping, width));
  const prepared = rows.filter((row) => "command" in row);
  const outcomes = prepared.length > 0 ? await commands.executeAll(prepared.map(({ command }) => command)) : [];

  const refusals = new Map(prepared.map((row, index) => [row, outcomes[index]?.refusal]));
  const rejected: RejectedRow[] = [];
  for (const row of rows) {
    summary.read++;
    const refusal = "command" in row ? refusals.get(row) : undefined;
    if (!("command" in row)) {
      rejected.push(row);
    } else if (refusal && !(refusal instanceof BookUnchanged)) {
      rejected.push({ record: row.record, reason: refusal.message });
    } else {
      if (refusal) summary.unchanged++;
      else summary.added++;
      if (row.row.dateOutOfRange) summary.datesOutOfRange++;
      if (row.row.isbnMended) summary.isbnsMended++;
    }
  }
  summary.rejected += rejected.length;
  return rejected;
}

function prepare(record: CsvRecord, mapping: ColumnMapping, width: number): PreparedRow | RejectedRow {
  const { fields, fault } = record;
  if (fault) return { record, reason: fault };
  if (fields.length !== width) {
    return { record, reason: `the row has ${fields.length} fields, and the header has ${width}` };
  }
  const row = toBookRow(fields, mapping);
  try {
    return { record, row, command: importBook(row.input) };
  } catch (error) {
    if (error instanceof ValidationError) return { record, reason: explain(error, row) };
    if (error instanceof Refusal) return { record, reason: error.message };
    throw error;
  }
}

function explain({ fieldErrors }: ValidationError, { input }: BookRow): string {
  return fieldErrors
    .map(({ field, message }) => `${field} ${explainValue(field, input[field as keyof typeof input]) ?? message}`)
    .join("; ");
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    return await open(file);
  } catch (error) {
    throw new ImportError(`cannot read ${file}: ${systemMessage(error)}.`, { cause: error });
  }
}

async function readHeader(file: string, records: AsyncGenerator<CsvRecord>): Promise<CsvRecord> {
  const { value: header } = await records.next();
  if (!header) throw new ImportError(`${file} is empty; its first line must name the columns.`);
  if (header.fault || /\p{Cc}/u.test(header.fields.join(""))) {
    throw new ImportError(`${file} is no CSV file in UTF-8: its first line does not name columns.`);
  }
  return header;
}

/** Groups items by `size`. When reading them fails, those that were read come first, then the failure. */
async function* inBatches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let failure: unknown;
  try {
    for await (const item of items) {
      batch.push(item);
      if (batch.length < size) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    failure = error;
  }
  if (batch.length > 0) yield batch;
  if (failure) throw failure;
}
