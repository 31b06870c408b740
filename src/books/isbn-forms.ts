/**
 * One book has one ISBN, in two forms: ten digits, and the thirteen that begin with 978. A form counts only if its check
 * digit is right; what is none is left as it is.
 */

/** `isbn` as it is stored: the thirteen digits of ten whose check digit is right; all others as they are. */
export function storedIsbn(isbn: string): string {
  return isIsbn10(isbn) ? thirteenOf(isbn) : isbn;
}

/** The ten digits of an ISBN that has such; null when there are none. */
export function isbn10Of(isbn: string | null): string | null {
  if (isbn === null) return null;
  if (isIsbn10(isbn)) return isbn;
  if (!isbn.startsWith("978") || !isIsbn13(isbn)) return null;
  const nine = isbn.slice(3, 12);
  return nine + (CHECK_DIGITS[(11 - (weightedSum10(nine) % 11)) % 11] ?? "");
}

/** All forms in which a row may have this ISBN: as it is stored now, and as it was before. */
export function isbnForms(isbn: string): readonly string[] {
  const stored = storedIsbn(isbn);
  const former = isbn10Of(stored);
  return former === null || former === stored ? [stored] : [stored, former];
}

/** Whether both are the same ISBN, in whichever forms. */
export function isSameIsbn(one: string | null, other: string | null): boolean {
  return one === other || (one !== null && other !== null && storedIsbn(one) === storedIsbn(other));
}

/** Whether these ten characters have the right check digit. */
export function isIsbn10(isbn: string): boolean {
  return /^\d{9}[\dX]$/.test(isbn) && (weightedSum10(isbn) + CHECK_DIGITS.indexOf(isbn.at(9) ?? "")) % 11 === 0;
}

/** Whether these thirteen digits have the right check digit. */
export function isIsbn13(isbn: string): boolean {
  return /^\d{13}$/.test(isbn) && sum13(isbn) % 10 === 0;
}

const CHECK_DIGITS = "0123456789X";

function thirteenOf(isbn10: string): string {
  const twelve = `978${isbn10.slice(0, 9)}`;
  return `${twelve}${(10 - (sum13(twelve) % 10)) % 10}`;
}

/** Of the nine digits before the check digit. */
function weightedSum10(digits: string): number {
  return [...digits.slice(0, 9)].reduce((total, digit, index) => total + (10 - index) * Number(digit), 0);
}

function sum13(digits: string): number {
  return [...digits].reduce((total, digit, index) => total + (index % 2 === 0 ? 1 : 3) * Number(digit), 0);
}
