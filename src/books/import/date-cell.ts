import { type Cell, emptyCell, tidied } from "./cell.ts";
import { ImportError } from "./import-error.ts";

/** Whether the day or the month comes first in dates such as 01/02/2024. */
export type DateOrder = "dmy" | "mdy";

const MIDNIGHT = /[T ]+(0?0:00(:00(\.0+)?)?|12:00(:00)? ?AM)( ?(Z|UTC|[+-]\d\d:?\d\d))?$/i;
const YEAR_FIRST = /^(\d{4})([./-])(\d{1,2})\2(\d{1,2})$/;
const YEAR_LAST = /^(\d{1,2})([./-]) ?(\d{1,2})\2 ?(\d{2}|\d{4})$/;

/**
 * The order that `--dates` names; undefined when it names none.
 *
 * @throws ImportError
 */
export function parseDateOrder(text: string | undefined): DateOrder | undefined {
  if (text === undefined || text === "dmy" || text === "mdy") return text;
  throw new ImportError("--dates must be dmy (31.12.2024, the day first) or mdy (12/31/2024, the month first).");
}

/**
 * Reads a date, or a year alone, which is its first of January; a year before 1 is null, for no date can hold it. What
 * could be more than one day is refused.
 */
export function readDate(text: string, order: DateOrder | undefined): Cell {
  const tidy = tidied(text);
  const value = tidy.replace(MIDNIGHT, "");
  const empty = emptyCell(value);
  if (empty) return empty;
  // MySQL's
  if (value === "0000-00-00") return { value: null, repair: "emptied" };

  const [, sign, number] = /^([+-]?)(\d+)(?:[.,]0{1,2})?$/.exec(value) ?? [];
  if (number !== undefined) return readYear(value, number, sign === "-");
  if (/^\d{5}[.,]\d+$/.test(value)) return serial(value);

  const [, year, , month = "", day = ""] = YEAR_FIRST.exec(value) ?? [];
  if (year) return { value: isoDate(year, month, day) };
  const [, first, , second = "", last = ""] = YEAR_LAST.exec(value) ?? [];
  if (first) return readYearLast(value, [first, second, last], order);
  const hasTime = /\d[T ]+\d?\d:\d\d/.test(value);
  return refused(tidy, `must be a year, or a date of the form YYYY-MM-DD${hasTime ? ", without a time of day" : ""}`);
}

function readYear(value: string, digits: string, negative: boolean): Cell {
  if (negative || (Number(digits) === 0 && digits.length !== 2)) return { value: null, repair: "dateOutOfRange" };
  if (digits.length === 5) return serial(value);
  if (digits.length > 5) return refused(value, "must be a year, or a date of the form YYYY-MM-DD");
  if (digits.length < 3) return shortYear(value);
  return { value: isoDate(digits, "1", "1") };
}

function readYearLast(value: string, parts: readonly [string, string, string], order: DateOrder | undefined): Cell {
  const [first, second, year] = parts;
  if (year.length === 2) return shortYear(value);
  const [a, b] = [Number(first), Number(second)];
  const dayFirst = order ? order === "dmy" : a > 12;
  if (!order && a !== b && a <= 12 && b <= 12) {
    return refused(
      value,
      "may have the day first or the month: say which with --dates dmy or --dates mdy, or write YYYY-MM-DD",
    );
  }
  const [day, month] = dayFirst ? [first, second] : [second, first];
  if (order && Number(month) > 12 && Number(day) <= 12) {
    return refused(value, `has the ${dayFirst ? "month" : "day"} first, and --dates says ${order}`);
  }
  return { value: isoDate(year, month, day) };
}

function serial(value: string): Cell {
  return refused(
    value,
    "is a number by which a spreadsheet counts days, from 1900 or from 1904: give the column a date format, and write YYYY-MM-DD",
  );
}

function shortYear(value: string): Cell {
  return refused(value, "has a year without its century: write all four digits");
}

function isoDate(year: string, month: string, day: string): string {
  return `${year.padStart(4, "0")}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
}

function refused(value: string, refusal: string): Cell {
  return { value, refusal };
}
