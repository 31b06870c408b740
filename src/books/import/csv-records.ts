import { type InfoRecord, parse } from "csv-parse";
import { countLineBreaks, decodeRecord, explainFailure, MAX_RECORD_SIZE } from "./csv-faults.ts";
import { ImportError } from "./import-error.ts";
import { TextFault, type TextSource } from "./text-source.ts";

/** One record of a CSV file as it stands there: the header, or a row. */
export interface CsvRecord {
  /** Where it begins; the file's first line is 1. */
  readonly line: number;
  /** Where it ends; greater than `line` when a quoted field holds line breaks. */
  readonly lastLine: number;
  readonly fields: readonly string[];
  /** Why the fields cannot be trusted, if they cannot. */
  readonly fault: string | undefined;
  /** Its bytes as the parser has them, without the line break. */
  readonly raw: Buffer;
  /** About how many bytes of the file end with it. */
  readonly position: number;
}

/**
 * Reads CSV records from the text of the file `name`, in order, blank lines left out. A record with wrong quotes or
 * bytes that are no text comes with its `fault`; those after it are read on.
 *
 * @throws ImportError when the rest cannot be read, and what reading throws; every record before that was yielded
 */
export async function* readCsv(name: string, source: TextSource, delimiter: string): AsyncGenerator<CsvRecord> {
  const { encoding, chunks, position } = source;
  const parsed: { record: string[]; raw: string; bytes: number }[] = [];
  const parser = parse({
    // one character a byte, so that what is no text can be told from what is
    encoding: "latin1",
    delimiter,
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
      const lastLine = begin + countLineBreaks(text);
      line = lastLine + 1;
      if (text === "") continue;
      yield {
        line: begin,
        lastLine,
        position: (bytes / position.text) * position.file,
        raw: Buffer.from(text, "latin1"),
        ...decodeRecord(encoding, delimiter, record, text, begin),
      };
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
    for await (const chunk of chunks) {
      await step((done) => parser.write(chunk, done));
      yield* records();
      if (failure) break;
    }
  } catch (error) {
    if (!(error instanceof TextFault)) throw error;
    failure = error;
  }
  if (!failure) {
    await step((done) => parser.end(done));
    yield* records();
  }
  if (failure) {
    const explained = explainFailure(failure, delimiter, line);
    throw new ImportError(`${name} cannot be read from line ${line} on: ${explained}.`, { cause: failure });
  }
}
