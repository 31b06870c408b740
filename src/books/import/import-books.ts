import { constants, openSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { addAbortSignal, type Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { BookCommandHandler } from "../commands/book-command-handler.ts";
import { describeMapping, mapColumns, parseDelimiter, readHeader } from "./csv-columns.ts";
import { type CsvRecord, readCsv } from "./csv-records.ts";
import { parseDateOrder } from "./date-cell.ts";
import { type ImportCounts, importBatch } from "./import-batch.ts";
import { ImportError, systemMessage } from "./import-error.ts";
import { RejectedRows, rejectedPath } from "./rejected-rows.ts";
import { openText } from "./text-source.ts";

/**
 * Rows of one transaction. Fewer cost more commits; more gain nothing, and keep other writers waiting longer: a hundred
 * take about 20 ms.
 */
const BATCH_SIZE = 100;

/** Rows of this many bytes are enough for a transaction as well: they are all in memory meanwhile. */
const BATCH_BYTES = 1_000_000;

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
  /** One character, or `tab`; a comma unless given. */
  readonly delimiter?: string | undefined;
  /** A name that browsers know; UTF-8 unless given. */
  readonly encoding?: string | undefined;
  /** `dmy` or `mdy`; without it a date that may be either is refused. */
  readonly dates?: string | undefined;
  /** Where rejected rows go; `rejectedPath(file)` unless given. */
  readonly rejected?: string | undefined;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Told what a person should know before the first row goes in. */
  readonly onNotice?: (notice: string) => void;
  /** When aborted, the import ends after the transaction that is under way. */
  readonly signal?: AbortSignal;
}

/** How far an import is. */
export interface ImportProgress {
  readonly rows: number;
  /** Of the file's bytes, 0 to 1; undefined for a pipe, whose end nobody knows. */
  readonly fraction: number | undefined;
}

/** What became of the file. */
export interface ImportSummary extends ImportCounts {
  /** Up to where the file is dealt with. */
  lastLine: number;
  /** Where the rejected rows are, if there are any. */
  readonly rejectedFile: string;
  /** Why the import ended before the file did. Rows of the transaction that it ended in are not counted. */
  failure: Error | undefined;
}

/**
 * Imports a CSV file through the command handler, `BATCH_SIZE` rows to a transaction. A row that is refused does not
 * stop the others. What stops the import once rows went in is the summary's `failure`.
 *
 * @throws ImportError when the file cannot be read, or its header not be understood; the signal's reason when it is
 *   aborted before that
 */
export async function importBooks(commands: BookCommandHandler, options: ImportOptions): Promise<ImportSummary> {
  const { file, columns, onProgress, signal } = options;
  const delimiter = parseDelimiter(options.delimiter);
  const order = parseDateOrder(options.dates);
  const { stream, size } = await openFile(options);
  try {
    const source = await openText(file, readBytes(file, stream, signal), options.encoding);
    const records = readCsv(file, source, delimiter);
    const header = await readHeader(file, records, delimiter);
    const mapping = mapColumns(file, header, columns, delimiter);
    const rejected = new RejectedRows(options.rejected ?? rejectedPath(file), header, source.encoding, delimiter);
    await rejected.removeOld();
    const notice = columns === undefined ? describeMapping(header, mapping) : undefined;
    if (notice) options.onNotice?.(notice);

    const summary: ImportSummary = {
      read: 0,
      added: 0,
      unchanged: 0,
      rejected: 0,
      dateOutOfRange: 0,
      isbnMended: 0,
      emptied: 0,
      lastLine: header.lastLine,
      rejectedFile: rejected.path,
      failure: undefined,
    };
    const tell = (fraction: number) =>
      onProgress?.({ rows: summary.read, fraction: size === undefined ? undefined : Math.min(fraction, 1) });
    try {
      tell(0);
      for await (const batch of inBatches(records)) {
        if (signal?.aborted) break;
        const { counts, rejected: rows } = await importBatch(commands, batch, { header, mapping, order });
        // what is counted as rejected is in the file
        await rejected.write(rows);
        for (const name of Object.keys(counts) as (keyof ImportCounts)[]) summary[name] += counts[name];
        const last = batch.at(-1) as CsvRecord;
        summary.lastLine = last.lastLine;
        tell(last.position / (size || 1));
        await sleep(PAUSE_MS);
      }
      if (!signal?.aborted) tell(1);
    } catch (error) {
      if (!signal?.aborted) summary.failure = error as Error;
    } finally {
      await rejected.close();
    }
    return summary;
  } finally {
    stream.destroy();
  }
}

/** Opens the file, or what behaves like one. `size` is in bytes; undefined for a pipe. */
async function openFile({
  file,
  rejected,
  signal,
}: ImportOptions): Promise<{ stream: Readable; size: number | undefined }> {
  signal?.throwIfAborted();
  if (rejected === undefined && /^\/(dev(?!\/shm\/)|proc)\//.test(file)) {
    throw new ImportError(`${file} has no place beside it for rejected rows; name one: --rejected FILE.`);
  }
  try {
    const stats = await stat(file);
    const size = stats.isFile() ? stats.size : undefined;
    const stream = stats.isFIFO() ? openPipe(file) : (await open(file)).createReadStream();
    // until it is read there is nobody else to be told
    stream.on("error", () => {});
    return { stream: signal ? addAbortSignal(signal, stream) : stream, size };
  } catch (error) {
    throw new ImportError(`cannot read ${file}: ${systemMessage(error)}.`, { cause: error });
  }
}

/** As a socket, because to read a pipe as a file keeps a thread until somebody writes to it, and with it the process. */
function openPipe(file: string): Readable {
  return new Socket({ fd: openSync(file, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
}

async function* readBytes(file: string, stream: Readable, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  try {
    yield* stream;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ImportError(`cannot read ${file}: ${systemMessage(error)}.`, { cause: error });
  }
}

/** Groups records by `BATCH_SIZE`. When reading them fails, those that were read come first, then the failure. */
async function* inBatches(records: AsyncIterable<CsvRecord>): AsyncGenerator<CsvRecord[]> {
  let batch: CsvRecord[] = [];
  let bytes = 0;
  let failure: unknown;
  try {
    for await (const record of records) {
      batch.push(record);
      bytes += record.raw.length;
      if (batch.length < BATCH_SIZE && bytes < BATCH_BYTES) continue;
      yield batch;
      batch = [];
      bytes = 0;
    }
  } catch (error) {
    failure = error;
  }
  if (batch.length > 0) yield batch;
  if (failure) throw failure;
}
