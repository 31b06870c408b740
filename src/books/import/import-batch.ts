import { Refusal } from "../../cqrs/errors.ts";
import { ValidationError } from "../../graphql/refusals.ts";
import type { BookCommand } from "../commands/book-command.ts";
import type { BookCommandHandler } from "../commands/book-command-handler.ts";
import { importBook } from "../commands/book-commands.ts";
import { refusalOf } from "../commands/book-refusals.ts";
import { type BookRow, toBookRow } from "./book-row.ts";
import type { Repair } from "./cell.ts";
import type { ColumnMapping } from "./csv-columns.ts";
import type { CsvRecord } from "./csv-records.ts";
import type { DateOrder } from "./date-cell.ts";
import type { RejectedRow } from "./rejected-rows.ts";

/**
 * What became of rows: `read` = `added` + `unchanged` + `rejected`. Of those added or unchanged: `dateOutOfRange` years
 * that no date can hold, `isbnMended` ISBNs that got back the zeros that they began with, and `emptied` words for no
 * value, such as NaN.
 */
export interface ImportCounts extends Record<Repair, number> {
  read: number;
  added: number;
  unchanged: number;
  rejected: number;
}

/** How the rows of the file are understood. */
export interface RowRules {
  readonly header: CsvRecord;
  readonly mapping: ColumnMapping;
  readonly order: DateOrder | undefined;
}

/** A row that is ready for its transaction. */
interface PreparedRow {
  readonly record: CsvRecord;
  readonly row: BookRow;
  readonly command: BookCommand;
}

/** Runs one transaction; returns what became of its rows, and those that were refused, in the file's order. */
export async function importBatch(
  commands: BookCommandHandler,
  batch: readonly CsvRecord[],
  rules: RowRules,
): Promise<{ counts: ImportCounts; rejected: readonly RejectedRow[] }> {
  const rows = batch.map((record) => prepare(record, rules));
  const prepared = rows.filter((row) => "command" in row);
  const outcomes = prepared.length > 0 ? await commands.executeAll(prepared.map(({ command }) => command)) : [];

  const refusals = new Map(prepared.map((row, index) => [row, outcomes[index]?.refused]));
  const counts = { read: 0, added: 0, unchanged: 0, rejected: 0, dateOutOfRange: 0, isbnMended: 0, emptied: 0 };
  const rejected: RejectedRow[] = [];
  for (const row of rows) {
    counts.read++;
    const refused = "command" in row ? refusals.get(row) : undefined;
    if (!("command" in row)) {
      rejected.push(row);
    } else if (refused && refused.kind !== "unchanged") {
      rejected.push({ record: row.record, reason: refusalOf(refused).message });
    } else {
      if (refused) counts.unchanged++;
      else counts.added++;
      for (const repair of row.row.repairs) counts[repair]++;
    }
  }
  counts.rejected = rejected.length;
  return { counts, rejected };
}

function prepare(record: CsvRecord, { header, mapping, order }: RowRules): PreparedRow | RejectedRow {
  const { fields, fault } = record;
  if (fault) return { record, reason: fault };
  const width = header.fields.length;
  if (fields.length !== width) {
    const count = fields.length === 1 ? "1 field" : `${fields.length} fields`;
    return { record, reason: `the row has ${count}, and the header has ${width}` };
  }
  // as where files were joined
  if (fields.every((field, index) => field.trim() === header.fields[index]?.trim())) {
    return { record, reason: "the row names the columns again" };
  }
  const row = toBookRow(fields, mapping, order);
  try {
    const command = importBook(row.input);
    return row.refusals.size > 0 ? { record, reason: explain(row) } : { record, row, command };
  } catch (error) {
    if (error instanceof ValidationError) return { record, reason: explain(row, error) };
    if (error instanceof Refusal) return { record, reason: error.message };
    throw error;
  }
}

/** Every fault of the row, in the order of its fields. What is known of a cell says more than validation. */
function explain({ input, refusals }: BookRow, error?: ValidationError): string {
  const reasons = Object.keys(input).flatMap((field) => {
    const known = refusals.get(field);
    if (known) return `${field} ${known}`;
    return (error?.fieldErrors ?? []).flatMap((fault) => (fault.field === field ? `${field} ${fault.message}` : []));
  });
  return reasons.join("; ");
}
