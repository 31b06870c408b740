import { parse } from "csv-parse/sync";
import { addBookInput } from "../book.ts";
import type { CsvRecord } from "./csv-records.ts";
import { ImportError } from "./import-error.ts";

/** A field of `addBook`, which a column can be mapped to. */
export type ImportField = keyof typeof addBookInput.shape;

/** Which column holds which field: the index in each row. A field without a column is not in it. */
export type ColumnMapping = ReadonlyMap<ImportField, number>;

/** The fields of `addBook`. */
export const importFields = Object.keys(addBookInput.shape) as ImportField[];

const requiredFields = importFields.filter((field) => !addBookInput.shape[field].safeParse(undefined).success);

const SEPARATORS = [",", ";", "\t", "|"];

/**
 * The separator that `--delimiter` names; a comma when it names none.
 *
 * @throws ImportError
 */
export function parseDelimiter(text: string | undefined): string {
  if (text === undefined) return ",";
  const delimiter = /^(tab|\\t)$/i.test(text) ? "\t" : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: some programs separate by U+0001 or U+001F
  if (/^[\x01-\x7f]$/.test(delimiter) && !/[\w"\r\n]/.test(delimiter)) return delimiter;
  throw new ImportError(
    '--delimiter must be one ASCII character that is no letter, digit or quote, such as ";", or tab.',
  );
}

/**
 * Reads the first record, which names the columns. A line `sep=;` before it, which Excel understands, must say what
 * `delimiter` says.
 *
 * @throws ImportError
 */
export async function readHeader(
  name: string,
  records: AsyncGenerator<CsvRecord>,
  delimiter: string,
): Promise<CsvRecord> {
  let { value: header } = await records.next();
  const stated = /^sep=([^\r\n])$/i.exec(header?.raw.toString("latin1") ?? "")?.[1];
  if (stated) {
    if (stated !== delimiter) {
      throw new ImportError(`${name} says that ${shown(stated)} separates its columns; ${advice(stated)}.`);
    }
    ({ value: header } = await records.next());
  }
  if (!header) throw new ImportError(`${name} is empty; its first line must name the columns.`);
  const { fault, fields } = header as CsvRecord;
  if (fault) {
    const separator = otherSeparator(header, delimiter);
    throw new ImportError(
      separator
        ? `${name} separates its columns by ${shown(separator)}; ${advice(separator)}.`
        : `${name} cannot be read, because its first line does not name columns: ${fault}.`,
    );
  }
  if (/\p{Cc}/u.test(fields.join(""))) {
    throw new ImportError(
      `${name} is no CSV file: its first line, which must name the columns, has control characters.`,
    );
  }
  return header;
}

/**
 * Finds the columns in the header. `columns` is `field=header,field=header`; without it each column is named as the
 * field. Case, spaces, `_` and `-` may differ, unless that leaves a choice.
 *
 * @throws ImportError
 */
export function mapColumns(
  name: string,
  header: CsvRecord,
  columns: string | undefined,
  delimiter: string,
): ColumnMapping {
  const names = header.fields.map((text) => text.normalize("NFC").trim());
  const wanted = columns === undefined ? ownNames(names) : parseColumns(columns);

  const missing = requiredFields.filter((field) => !wanted.has(field));
  if (missing.length > 0) {
    const example = missing.map((field) => `${field}=HEADER`).join(",");
    if (columns !== undefined) {
      throw new ImportError(`--columns must name a column for ${missing.join(" and ")}: ${example}.`);
    }
    const none = `${name} has no column ${missing.join(" and no column ")} in its first line`;
    const separator = otherSeparator(header, delimiter);
    throw new ImportError(
      separator
        ? `${none}: its columns are separated by ${shown(separator)}; ${advice(separator)}.`
        : `${none}${found(names)}; say which it is: --columns ${example}`,
    );
  }
  return new Map(
    [...wanted].map(([field, column]) => {
      const [index, ...more] = matches(names, column);
      if (index === undefined) {
        const separator = otherSeparator(header, delimiter);
        const help = separator ? `; they may be separated by ${shown(separator)}: ${advice(separator)}` : "";
        throw new ImportError(`${name} has no column “${column}” for ${field}${found(names)}${help}.`);
      }
      if (more.length > 0) throw new ImportError(`${name} has more than one column “${column}”${found(names)}.`);
      return [field, index];
    }),
  );
}

/** What a person should know of a mapping that was made by the fields' names: columns that are left out. */
export function describeMapping(header: CsvRecord, mapping: ColumnMapping): string | undefined {
  const used = new Set(mapping.values());
  const ignored = header.fields
    .filter((text, index) => !used.has(index) && !(index < 2 && ["line", "reason"].includes(text)))
    .map((text) => `“${text.trim()}”`);
  if (ignored.length === 0) return undefined;
  const taken = [...mapping].map(([field, index]) => `${field} from “${header.fields[index]?.trim()}”`);
  return `${taken.join(", ")}; ignored: ${shortened(ignored.join(", "))}`;
}

function ownNames(header: readonly string[]): Map<ImportField, string> {
  return new Map(importFields.filter((field) => matches(header, field).length > 0).map((field) => [field, field]));
}

/** The columns with this very name or, if there is none, with one that differs in case, spaces, `_` or `-` only. */
function matches(names: readonly string[], wanted: string): number[] {
  const indexes = (key: (text: string) => string) =>
    names.flatMap((name, index) => (key(name) === key(wanted) ? [index] : []));
  const exact = indexes((text) => text);
  return exact.length > 0 ? exact : indexes((text) => text.toLowerCase().replaceAll(/[\s_-]/g, ""));
}

function parseColumns(columns: string): Map<ImportField, string> {
  const wanted = new Map<ImportField, string>();
  const pairs = parse(columns, { relax_quotes: true, relax_column_count: true, skip_empty_lines: true }).flat();
  for (const pair of pairs.length > 0 ? pairs : [""]) {
    const [, name = "", column = ""] = /^\s*(.*?)\s*=\s*(.*?)\s*$/s.exec(pair.normalize("NFC")) ?? [];
    if (!name || !column) throw new ImportError(`--columns: “${pair}” is not of the form field=header.`);
    const field = importFields.find((candidate) => candidate === name);
    if (!field)
      throw new ImportError(`--columns: there is no field “${name}”; the fields are ${importFields.join(", ")}.`);
    if (wanted.has(field)) throw new ImportError(`--columns names ${field} twice.`);
    wanted.set(field, column);
  }
  return wanted;
}

/** The separator that the header has most of, when it is not the one that was asked for. */
function otherSeparator({ raw }: CsvRecord, delimiter: string): string | undefined {
  const text = raw.toString("latin1");
  const [most] = [delimiter, ...SEPARATORS].sort((a, b) => text.split(b).length - text.split(a).length);
  return most === delimiter ? undefined : most;
}

function advice(separator: string): string {
  return `to import it as that: --delimiter ${separator === "\t" ? "tab" : `"${separator}"`}`;
}

function shown(separator: string): string {
  return separator === "\t" ? "tabs" : `“${separator}”`;
}

function found(header: readonly string[]): string {
  return ` (it has ${shortened(header.map((name) => `“${name}”`).join(", "))})`;
}

function shortened(names: string): string {
  return names.length > 500 ? `${names.slice(0, 500)}…` : names;
}
