/** What was done to a value, beside reading it; each is counted. */
export type Repair = "dateOutOfRange" | "isbnMended" | "emptied";

/** A cell of the file as the value of a field. */
export interface Cell {
  /** Not validated yet. */
  readonly value: string | number | null;
  /** Why it must not be stored, whatever validation says. Follows the field's name in a sentence. */
  readonly refusal?: string;
  readonly repair?: Repair;
}

/** What programs write where there is no value, as they spell it. */
const NO_VALUE = /^(NaN|nan|NaT|NULL|null|None|NA|N\/A|n\/a|#N\/A|\\N)$/;

/** U+2212 is a minus, U+2043 a bullet and the others Japanese, yet they are typed and pasted for dashes. */
const DASHES = /[\p{Pd}\u2212\u2043\u30FC\uFF70]/gu;

/** Text that a spreadsheet keeps from becoming a number or a date, as `="0123"`, without what keeps it. */
export function unprotected(text: string): string {
  const formula = text.trim();
  if (formula.length < 3 || !formula.startsWith('="') || !formula.endsWith('"')) return text;
  const kept = formula.slice(2, -1);
  return kept.replaceAll('""', "").includes('"') ? text : kept.replaceAll('""', '"');
}

/**
 * A cell that holds a number, date or ISBN, in ASCII as far as it can be: without invisible characters, with plain
 * digits and dashes. An apostrophe before it is another way to keep it text.
 */
export function tidied(text: string): string {
  return unprotected(text)
    .replaceAll(/\p{Cf}/gu, "")
    .replaceAll(/[\uFF01-\uFF5E]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replaceAll(DASHES, "-")
    .trim()
    .replace(/^'/, "");
}

/** An empty cell, or one that says in a program's words that it is; undefined for any other. `text` is tidied. */
export function emptyCell(text: string): Cell | undefined {
  if (text === "") return { value: null };
  return NO_VALUE.test(text) ? { value: null, repair: "emptied" } : undefined;
}
