/** Letters that people take for others, and Unicode does not take apart. All are in lower case here. */
const LIKE: Readonly<Record<string, string>> = {
  ł: "l",
  ø: "o",
  æ: "ae",
  ß: "ss",
  đ: "d",
  ð: "d",
  þ: "th",
  œ: "oe",
  ħ: "h",
  ŧ: "t",
  ı: "i",
  ς: "σ",
};
const LIKE_OTHERS = new RegExp(`[${Object.keys(LIKE).join("")}]`, "gu");
const MARKS = /\p{M}+/gu;
const ASCII = /^[\0-\x7f]*$/;
/** Scripts that are written without spaces have each character for a word, others their runs of letters and digits. */
const WORDS =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]|(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}])[\p{L}\p{N}])+/gu;
/** Longer keys do not fit into PostgreSQL's indexes. */
const KEY_CODE_POINTS = 128;
const WORD_CODE_POINTS = 64;

/**
 * The text without what people overlook when they sort and search: case, accents, compatibility forms. Whoever changes
 * what it makes of a text raises the format of every stream that has it, since it is stored.
 */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  const plain = text.normalize("NFKD").replace(MARKS, "");
  if (ASCII.test(plain)) return plain.toLowerCase();
  return plain
    .toUpperCase() // some letters are several in capitals, such as ŉ, and some are the same, such as s and ſ
    .toLowerCase()
    .normalize("NFKD") // a capital may be made of parts, too
    .replace(MARKS, "")
    .replace(LIKE_OTHERS, (letter) => LIKE[letter] as string);
}

/**
 * The words of a text as they are looked for: folded, in their order, as often as they are there. A word counts by its first
 * 64 code points: no language has longer ones, and PostgreSQL's indexes take no word of 2 kB.
 */
export function words(text: string): string[] {
  return (fold(text).match(WORDS) ?? []).map((word) => beginning(word, WORD_CODE_POINTS));
}

/** The words of a text as an index of words has them: each once, with a blank before and after it. */
export function wordsText(text: string): string {
  const each = new Set(words(text));
  return each.size === 0 ? "" : ` ${[...each].join(" ")} `;
}

/** What people sort a text by: its beginning, folded. Texts that have the same go by their code points. */
export function orderKey(text: string): string {
  return beginning(fold(text), KEY_CODE_POINTS);
}

/** What the order key leaves out of the folded text; null when that is nothing. Both together are all of it. */
export function restOfOrderKey(text: string): string | null {
  const folded = fold(text);
  return folded.slice(beginning(folded, KEY_CODE_POINTS).length) || null;
}

function beginning(text: string, codePoints: number): string {
  // a code point is one or two units
  if (text.length <= codePoints) return text;
  return Array.from(text.slice(0, 2 * codePoints))
    .slice(0, codePoints)
    .join("");
}
