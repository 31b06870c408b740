import type { CsvError } from "csv-parse";
import { findQuoteFault, type QuoteFault } from "./csv-quotes.ts";
import { isUtf8Instead, shown, type TextEncoding } from "./text-encoding.ts";

/** More than any row of a catalogue, images included: past this, a quote was not closed. Bytes. */
export const MAX_RECORD_SIZE = 10_000_000;

const LINE_BREAK = /\r\n|\n|\r/g;

/** The fields of a record as text, and why they cannot be trusted, if they cannot. `text` is all of it, one character a byte. */
export function decodeRecord(
  encoding: TextEncoding,
  delimiter: string,
  record: readonly string[],
  text: string,
  line: number,
): { fields: readonly string[]; fault: string | undefined } {
  const quotes = text.includes('"') ? findQuoteFault(text, delimiter) : undefined;
  // ASCII is the same in every encoding that comes here
  if (!quotes && /^[\0-\x7f]*$/.test(text)) return { fields: record, fault: undefined };

  const decoded = record.map((field) => encoding.decode(Buffer.from(field, "latin1")));
  const fields = decoded.map((field, index) => field ?? (record[index] as string));
  const wrong = decoded.indexOf(undefined);
  if (wrong !== -1) {
    const other =
      encoding.name === "utf-8"
        ? "; if the file is in another encoding, say which, for example --encoding windows-1252"
        : "";
    return { fields, fault: `the row is not ${shown(encoding.name)} text, in column ${wrong + 1}${other}` };
  }
  if (quotes) return { fields, fault: explainQuotes(encoding, text, quotes, line) };
  if (isUtf8Instead(encoding, Buffer.from(text, "latin1"))) {
    return { fields, fault: `the row is UTF-8 text, and --encoding says ${encoding.name}` };
  }
  return { fields, fault: undefined };
}

function explainQuotes(encoding: TextEncoding, text: string, { column, at }: QuoteFault, line: number): string {
  const before = text.slice(0, at);
  const last = before.slice(Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r")) + 1);
  const character = [...(encoding.decode(Buffer.from(last, "latin1")) ?? last)].length + 1;
  const breaks = countLineBreaks(text);
  const where = breaks > 0 ? ` of line ${line + countLineBreaks(before)}; the row ends in line ${line + breaks}` : "";
  return (
    `the quotes are wrong in column ${column} (at character ${character}${where}): a field that holds one must begin ` +
    "and end with one, directly beside the separators, and have those inside doubled"
  );
}

/** Why the parser, or the decoder before it, could not go on with a record that begins in `line`. */
export function explainFailure(failure: unknown, delimiter: string, line: number): string {
  const { code, raw } = failure as CsvError & { raw?: string };
  if (code === "CSV_QUOTE_NOT_CLOSED" || code === "CSV_MAX_RECORD_SIZE") {
    const fault = findQuoteFault(raw ?? "", delimiter);
    const opened = line + countLineBreaks((raw ?? "").slice(0, fault?.at));
    return code === "CSV_QUOTE_NOT_CLOSED"
      ? `a quote that was opened in line ${opened} is never closed`
      : `the row has more than ${MAX_RECORD_SIZE} bytes` +
          (fault ? `, so the quote that was opened in line ${opened} is probably not closed` : "");
  }
  return (failure as Error).message;
}

export function countLineBreaks(text: string): number {
  return text.match(LINE_BREAK)?.length ?? 0;
}
