import { expect, test } from "vitest";
import { bookFields } from "../../src/books/book-fields.ts";
import { normalisedTitle } from "../../src/books/book-keys.ts";

/** Every character of the plane that titles are written in, and marks that letters are put together with. */
const CHARACTERS = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));
const MARKS = ["\u0301", "\u0327", "\u3099", "\u11a8"];

const byRule = (title: string) => bookFields.title.rule.safeParse(title).data;

test("a title that is looked up is what the rule makes of it, whichever characters it has", () => {
  const wrong = CHARACTERS.flatMap((one) => [one, `a${one}b`, `${one}a`, `a${one}`]).filter(
    (title) => normalisedTitle(title) !== byRule(title),
  );
  expect(wrong).toEqual([]);
});

test("marks are put together with letters, and long titles refused, whichever characters they have", () => {
  for (const letter of ["a", "ä", "ł", "\u02d9", "中"]) {
    for (const mark of MARKS) expect(normalisedTitle(letter + mark)).toBe(byRule(letter + mark));
    for (const length of [511, 512, 513])
      expect(normalisedTitle(letter.repeat(length))).toBe(byRule(letter.repeat(length)));
  }
});
