import { addBookInput, type Book } from "../book.ts";
import { ImportError } from "./import-error.ts";

/** A field of `addBook`, which a column can be mapped to. */
type ImportField = keyof typeof addBookInput.shape;

/** Which column holds which field: the index in each row. A field without a column is not in it. */
export type ColumnMapping = ReadonlyMap<ImportField, number>;

/** An input of `addBook` with the fields that are mapped, not validated yet. */
export type BookInput = Partial<Record<keyof Book & ImportField, unknown>>;

/** A row as input of `addBook`, and what was done to make it one. */
export interface BookRow {
  readonly input: BookInput;
  /** The year is one that no date can hold, and was set to null. */
  readonly dateOutOfRange: boolean;
  /** The ISBN got back the zeros that it began with. */
  readonly isbnMended: boolean;
}

/** The fields of `addBook`. */
export const importFields = Object.keys(addBookInput.shape) as ImportField[];

const requiredFields = importFields.filter((field) => !addBookInput.shape[field].safeParse(undefined).success);

/**
 * Finds the columns in the header. `columns` is `field=header,field=header`; without it each column is named as the
 * field.
 *
 * @throws ImportError
 */
export function mapColumns(name: string, header: readonly string[], columns: string | undefined): ColumnMapping {
  const names = header.map((text) => text.trim());
  const separator = names.length === 1 ? /[;\t|]/.exec(names[0] as string)?.[0] : undefined;
  if (separator) {
    throw new ImportError(
      `${name} separates its columns by ${separator === "\t" ? "tabs" : separator}; commas are needed.`,
    );
  }
  const wanted = columns === undefined ? ownNames(names) : parseColumns(columns);

  const missing = requiredFields.filter((field) => !wanted.has(field));
  if (missing.length > 0) {
    const example = missing.map((field) => `${field}=HEADER`).join(",");
    throw new ImportError(
      columns === undefined
        ? `${name} has no column ${missing.join(" and no column ")}${found(names)}; say which it is: --columns ${example}`
        : `--columns must name a column for ${missing.join(" and ")}: ${example}.`,
    );
  }
  return new Map(
    [...wanted].map(([field, column]) => {
      const index = names.indexOf(column);
      if (index === -1) throw new ImportError(`${name} has no column “${column}” for ${field}${found(names)}.`);
      if (names.includes(column, index + 1)) throw new ImportError(`${name} has more than one column “${column}”.`);
      return [field, index];
    }),
  );
}

/** Makes a row of the file an input of `addBook`. What cannot be read as its field is left for validation to refuse. */
export function toBookRow(fields: readonly string[], mapping: ColumnMapping): BookRow {
  const input: BookInput = {};
  let dateOutOfRange = false;
  let isbnMended = false;
  for (const [field, index] of mapping) {
    const text = fields[index] ?? "";
    if (field === "publishedDate") {
      const date = toDate(text);
      dateOutOfRange = date === null && text.trim() !== "";
      input[field] = date;
    } else if (field === "isbn") {
      const isbn = toIsbn(text);
      isbnMended = isbn !== null && isbn !== text.trim();
      input[field] = isbn;
    } else if (field === "stockQuantity") {
      input[field] = toQuantity(text);
    } else {
      input[field] = text;
    }
  }
  return { input, dateOutOfRange, isbnMended };
}

/** Says more than validation can about a value that only a file holds; undefined when there is nothing to add. */
export function explainValue(field: string, value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  if (field === "publishedDate" && !/^\d{4}-\d\d-\d\d$/.test(value)) {
    return "must be a year, or a date of the form YYYY-MM-DD";
  }
  if (field === "isbn" && /^\d(\.\d+)?e\+?\d+$/i.test(value)) {
    return "was rounded by the program that wrote the file, so its last digits are lost";
  }
  return undefined;
}

/** A year alone, as `1937` or `1937.0`, is its first of January; null when there is none, or no date can hold it. */
function toDate(text: string): string | null {
  const value = text.trim();
  if (value === "") return null;
  const year = /^([+-]?\d{1,6})(\.0*)?$/.exec(value)?.[1];
  if (year === undefined) return value;
  const number = Number(year);
  return number >= 1 && number <= 9999 ? `${String(number).padStart(4, "0")}-01-01` : null;
}

/**
 * A program that takes an ISBN for a number drops the zeros that it begins with. Those are three at most, with rare
 * exceptions: 0 for English and 00 for the publisher. Fewer than seven digits are more likely something else.
 */
function toIsbn(text: string): string | null {
  const value = text.trim();
  if (value === "") return null;
  return /^\d{6,8}[\dXx]$/.test(value) ? value.padStart(10, "0") : value;
}

function toQuantity(text: string): number | string | null {
  const value = text.trim();
  if (value === "") return null;
  return /^-?\d+(\.0*)?$/.test(value) ? Number(value) : value;
}

function ownNames(header: readonly string[]): Map<ImportField, string> {
  return new Map(importFields.filter((field) => header.includes(field)).map((field) => [field, field]));
}

function parseColumns(columns: string): Map<ImportField, string> {
  const wanted = new Map<ImportField, string>();
  for (const pair of columns.split(",")) {
    const [, name = "", column = ""] = /^\s*(.*?)\s*=\s*(.*?)\s*$/s.exec(pair) ?? [];
    if (!name || !column) throw new ImportError(`--columns: “${pair}” is not of the form field=header.`);
    const field = importFields.find((candidate) => candidate === name);
    if (!field)
      throw new ImportError(`--columns: there is no field “${name}”; the fields are ${importFields.join(", ")}.`);
    if (wanted.has(field)) throw new ImportError(`--columns names ${field} twice.`);
    wanted.set(field, column);
  }
  return wanted;
}

function found(header: readonly string[]): string {
  const names = header.map((name) => `“${name}”`).join(", ");
  return ` (it has ${names.length > 500 ? `${names.slice(0, 500)}…` : names})`;
}
