/** A character outside the BMP: one code point, two UTF-16 units. */
export const EMOJI = "\u{1F4D8}";

/** Titles that break what takes names for properties, patterns or fields of its own. */
export const ODD_TITLES = [
  "__proto__",
  "constructor",
  "prototype",
  "hasOwnProperty",
  "toString",
  "revision",
  "mark",
  "null",
  "undefined",
  "0",
  "-1",
  "[",
  "(",
  "+",
  "-",
  "%",
  "_",
  "*",
  "'",
  '"',
  "\\",
  "'; drop table book; --",
  "$1",
  "?",
  "{books}",
  "a  b",
  "\u200B",
  "\u00AD",
  "\u202Eabc",
  "\u0301",
] as const;

/**
 * In title order: folded, and by code point where that leaves them the same. UTF-16 units would put what is outside the BMP
 * before U+E000 to U+FFFF.
 */
export const ORDERED_TITLES = [
  "!",
  "0",
  "10",
  "9",
  "_",
  "A",
  "a",
  "\u00C4",
  "\u00E4",
  "\uFF21",
  "a b",
  "Aa",
  "AB",
  "ab",
  "\uFB01",
  "Z",
  "z",
  "\u03A9",
  "\u4E2D",
  "\uE000",
  "\uFFFD",
  "\u{10000}",
  "\u{1F4D8}",
  "\u{1F4D8}a",
  "\u{10FFFD}",
] as const;
