import type { Book } from "../book.ts";
import { bookFields } from "../book-fields.ts";
import { type Cell, emptyCell, type Repair, tidied, unprotected } from "./cell.ts";
import type { ColumnMapping, ImportField } from "./csv-columns.ts";
import { type DateOrder, readDate } from "./date-cell.ts";
import { readIsbn } from "./isbn-cell.ts";

/** An input of `addBook` with the fields that are mapped, not validated yet. */
type BookInput = Partial<Record<keyof Book & ImportField, unknown>>;

/** A row as input of `addBook`, and what became of its cells. */
export interface BookRow {
  readonly input: BookInput;
  /** Why cells must not be stored, by field. */
  readonly refusals: ReadonlyMap<string, string>;
  readonly repairs: readonly Repair[];
}

/** Makes a row of the file an input of `addBook`. What cannot be read as its field is left for validation to refuse. */
export function toBookRow(fields: readonly string[], mapping: ColumnMapping, order: DateOrder | undefined): BookRow {
  const input: BookInput = {};
  const refusals = new Map<string, string>();
  const repairs: Repair[] = [];
  for (const [field, index] of mapping) {
    const { value, refusal, repair } = readCell(field, fields[index] ?? "", order);
    input[field] = value;
    if (refusal) refusals.set(field, refusal);
    if (repair) repairs.push(repair);
  }
  return { input, refusals, repairs };
}

/** None of these is longer, whatever stands beside it; to look for one in megabytes takes long. Characters. */
const MAX_LENGTH = 3000;

/** How cells are read of fields that are written in more ways than their type says. */
const READERS: Partial<Record<ImportField, (text: string) => Cell>> = {
  isbn: readIsbn,
  language: (text) => readWord(text.replaceAll("_", "-")),
  coverUrl: readWord,
};

function readCell(name: ImportField, text: string, order: DateOrder | undefined): Cell {
  const { type, kind } = bookFields[name];
  const read = READERS[name];
  if (type === "String" && !read) return kind === "optional" && text.trim() === "" ? { value: null } : readText(text);
  if (text.length > MAX_LENGTH) return { value: text };
  if (read) return read(text);
  return type === "Date" ? readDate(text, order) : readNumber(text);
}

function readText(text: string): Cell {
  const value = unprotected(text);
  if (!value.includes("\uFFFD")) return { value };
  return { value, refusal: "has characters that an earlier program could not read and replaced by U+FFFD" };
}

/** A word that may be missing, whichever way a program says so. */
function readWord(text: string): Cell {
  const value = unprotected(text).trim();
  return emptyCell(value) ?? { value };
}

/** `1.000` is one or a thousand, so it is left for validation to refuse. */
function readNumber(text: string): Cell {
  const value = tidied(text);
  return emptyCell(value) ?? { value: /^-?\d+([.,]0{1,2})?$/.test(value) ? Number.parseInt(value, 10) : value };
}
