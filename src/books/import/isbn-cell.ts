import { isIsbn10, isIsbn13 } from "../isbn-forms.ts";
import { type Cell, emptyCell, tidied } from "./cell.ts";

/** `ISBN`, `ISBN:`, `e-ISBN`, `ISBN-13:`, `urn:isbn:`. */
const LABEL = /^(?:urn:)?(?:e-?)?isbn(?:-?1[03](?=[:\s])|\s+1[03](?=\s*:))?[\s:.]*/i;

/** `(pbk.)`, `(v. 1 : hardback) :`, but nothing that may itself be an ISBN. */
const QUALIFIER = /\s*(?:\((?!(?:[^()]*\d){7})[^()]*\)\s*)+[:;,.]?$/;

/** Reads an ISBN. What is none is left for validation to refuse. */
export function readIsbn(text: string): Cell {
  const value = tidied(text);
  const empty = emptyCell(value);
  if (empty) return empty;
  if (/^\d+([.,]\d*)?\s*e\s*\+?\s*\d+$/i.test(value) || /^\d+[.,]0*$/.test(value)) {
    return rounded(value, "it was kept as a number");
  }
  const bare = value.replace(LABEL, "").replace(QUALIFIER, "");
  // with dashes it was never a number; eight digits with one are an ISSN, whose check digit would agree
  if (/^\d{6,8}[\dx]$/i.test(bare)) return withLostZeros(bare);
  const digits = bare.replaceAll(/[\s-]/g, "");
  if (/^97[89]\d{4}0{6}$/.test(digits) && !isIsbn13(digits)) {
    return rounded(value, "it ends in zeros, and its check digit is wrong");
  }
  return { value: bare };
}

/**
 * A program that takes an ISBN for a number drops the zeros that it begins with. Those are three at most, with rare
 * exceptions: 0 for English and 00 for the publisher. The check digit tells them from other numbers.
 */
function withLostZeros(digits: string): Cell {
  const isbn = digits.toUpperCase().padStart(10, "0");
  if (isIsbn10(isbn)) return { value: isbn, repair: "isbnMended" };
  return {
    value: digits,
    refusal: `has ${digits.length} digits, and is no ISBN with the zeros that it may have lost either: the check digit is wrong`,
  };
}

function rounded(value: string, why: string): Cell {
  return {
    value,
    refusal:
      `was rounded by the program that wrote the file (${why}), so its last digits are lost: ` +
      "write the column as text, or put the ISBN in anew",
  };
}
