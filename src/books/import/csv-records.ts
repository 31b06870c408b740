import { CsvError, type InfoRecord, parse } from "csv-parse";
import { ImportError, systemMessage } from "./import-error.ts";

/** One record of a CSV file as it stands there: the header, or a row. */
export interface CsvRecord {
  /** Where it begins; the file's first line is 1. */
  readonly line: number;
  /** Where it ends; greater than `line` when a quoted field holds line breaks. */
  readonly lastLine: number;
  readonly fields: readonly string[];
  /** Why the fields cannot be trusted, if they cannot. */
  readonly fault: string | undefined;
  /** How many bytes of the file end with it. */
  readonly bytes: number;
}

/** More than any row of a catalogue: past this, a quote was not closed. Bytes. */
const MAX_RECORD_SIZE = 1_000_000;

/** A record by the book (RFC 4180): quotes enclose a whole field, and are doubled inside it. */
const WELL_QUOTED = /^(?:"[^"]*(?:""[^"]*)*"|[^",]*)(?:,(?:"[^"]*(?:""[^"]*)*"|[^",]*))*$/;

const LINE_BREAK = /\r\n|\n|\r/g;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads CSV records from the bytes of the file `name`, in order, blank lines left out. A record with wrong quotes or
 * bytes that are no UTF-8 comes with its `fault`; those after it are read on.
 *
 * @throws ImportError when the rest cannot be read; every record before that was yielded
 */
export async function* readCsv(name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<CsvRecord> {
  const parsed: { record: string[]; raw: string; bytes: number }[] = [];
  const parser = parse({
    // one character a byte, so that what is no UTF-8 can be told from what is
    encoding: "latin1",
    record_delimiter: ["\r\n", "\n", "\r"],
    // wrong quotes and uneven records are found below: the parser's own errors would end the whole file
    relax_quotes: true,
    relax_column_count: true,
    max_record_size: MAX_RECORD_SIZE,
    raw: true,
    // records are taken here and not from the stream, which forgets those that it holds when it fails
    on_record: (record: unknown, { bytes }: InfoRecord) => {
      parsed.push({ ...(record as { record: string[]; raw: string }), bytes });
      return null;
    },
  });
  parser.on("error", () => {});

  // counted here: the parser counts each CRLF inside quotes twice
  let line = 1;
  function* records(): Generator<CsvRecord> {
    for (const { record, raw, bytes } of parsed.splice(0)) {
      const begin = line;
      // the raw text ends with the record's own line break, or the first byte of it
      const text = raw.replace(/[\r\n]$/, "");
      const lastLine = begin + (text.match(LINE_BREAK)?.length ?? 0);
      line = lastLine + 1;
      if (text !== "") yield { line: begin, lastLine, bytes, ...decode(record, text, begin, lastLine) };
    }
  }

  let failure: unknown;
  const step = (call: (done: (error?: Error | null) => void) => void) =>
    new Promise<void>((resolve) => {
      call((error) => {
        failure = error ?? undefined;
        resolve();
      });
    });
  try {
    for await (const chunk of withoutByteOrderMark(name, chunks)) {
      await step((done) => parser.write(chunk, done));
      yield* records();
      if (failure) break;
    }
  } catch (error) {
    if (error instanceof ImportError) throw error;
    throw new ImportError(`cannot read ${name}: ${systemMessage(error)}.`, { cause: error });
  }
  if (!failure) {
    await step((done) => parser.end(done));
    yield* records();
  }
  if (failure)
    throw new ImportError(`${name} cannot be read from line ${line} on: ${explain(failure)}.`, { cause: failure });
}

function decode(
  record: readonly string[],
  text: string,
  line: number,
  lastLine: number,
): Pick<CsvRecord, "fields" | "fault"> {
  const bytes = record.map((field) => Buffer.from(field, "latin1"));
  try {
    const fields = bytes.map((field) => utf8.decode(field));
    if (!text.includes('"') || WELL_QUOTED.test(text)) return { fields, fault: undefined };
    const where = lastLine > line ? `this row, which ends in line ${lastLine}` : "this row";
    return {
      fields,
      fault: `the quotes are wrong in ${where}: a field that holds one must be quoted, and the quote doubled`,
    };
  } catch {
    return { fields: bytes.map(String), fault: "the row is not UTF-8 text" };
  }
}

async function* withoutByteOrderMark(name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of chunks) {
    const start = first ? chunk.toString("latin1", 0, 3) : "";
    first = false;
    if (/^(\xff\xfe|\xfe\xff)/.test(start)) throw new ImportError(`${name} is UTF-16 text; save it as UTF-8.`);
    yield start === "\xef\xbb\xbf" ? chunk.subarray(3) : chunk;
  }
}

function explain(failure: unknown): string {
  const code = failure instanceof CsvError ? failure.code : undefined;
  if (code === "CSV_QUOTE_NOT_CLOSED") return "a quote in that row is never closed";
  if (code === "CSV_MAX_RECORD_SIZE") {
    return `the row has more than ${MAX_RECORD_SIZE} bytes, so a quote in it is probably not closed`;
  }
  return (failure as Error).message;
}
