import { expect, test } from "vitest";
import { fold, orderKey, words } from "../../src/cqrs/folding.ts";

test.each([
  ["The HOBBIT", "the hobbit"],
  ["Écran", "ecran"],
  [
    "Łódź, Ørsted, Æsir, Đà Nẵng, Þórr, Œuvre, STRASSE & Straße",
    "lodz, orsted, aesir, da nang, thorr, oeuvre, strasse & strasse",
  ],
  ["ＡＢＣ １２３ ﬁ ½", "abc 123 fi 1⁄2"],
  ["İstanbul ılık", "istanbul ilik"],
  ["ΣΊΣΥΦΟΣ Σίσυφος", "σισυφοσ σισυφοσ"],
  ["ẞ ſ ŉ", "ss s ʼn"],
  ["Ångström", "angstrom"],
  ["がぎぐ", "かきく"],
  ["\u0301", ""],
])("%s is folded to %s", (text, folded) => {
  expect(fold(text)).toBe(folded);
  expect(fold(fold(text))).toBe(folded);
});

test.each([
  ["Harry Potter and the Philosopher's Stone", ["harry", "potter", "and", "the", "philosopher", "s", "stone"]],
  ["L'Œuvre – 1984 (3ème éd.)", ["l", "oeuvre", "1984", "3eme", "ed"]],
  ["1Q84 (村上春樹 著)", ["1q84", "村", "上", "春", "樹", "著"]],
  ["ノルウェイの森", ["ノ", "ル", "ウ", "ェ", "イ", "の", "森"]],
  ["Война и мир", ["воина", "и", "мир"]],
  ["😀 … ! -", []],
])("%s has the words %j", (text, expected) => {
  expect(words(text)).toEqual(expected);
});

test("a word counts by its first 64 code points", () => {
  expect(words(`a ${"b".repeat(512)} ${"𐐨".repeat(512)}`)).toEqual(["a", "b".repeat(64), "𐐨".repeat(64)]);
});

test("a text is sorted by its first 128 code points, folded", () => {
  expect(orderKey("Écran")).toBe("ecran");
  expect(orderKey("A".repeat(512))).toBe("a".repeat(128));
  expect(orderKey("😀".repeat(512))).toBe("😀".repeat(128));
  expect(orderKey(`a${"😀".repeat(200)}`)).toBe(`a${"😀".repeat(127)}`);
  // a ligature is longer when it is folded
  expect(orderKey("ﷺ".repeat(20))).toBe(fold("ﷺ".repeat(20)).slice(0, 128));
});

test("what is folded is folded the same again, for every character there is", () => {
  const BLOCK = 4096;
  for (let start = 0; start < 0x110000; start += BLOCK) {
    const codePoints = Array.from({ length: BLOCK }, (_, i) => start + i);
    const characters = codePoints.filter((codePoint) => codePoint < 0xd800 || codePoint > 0xdfff);
    const folded = fold(characters.map((codePoint) => String.fromCodePoint(codePoint)).join(" "));
    expect(fold(folded)).toBe(folded);
  }
});
