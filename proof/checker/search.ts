import type { Book } from "../history/operation.ts";
import { folded } from "./title-order.ts";

/** What a search finds among books that are in title order: the best matches first, those that are as good in that order. */
export function searched(list: readonly Book[], text: string): Book[] {
  const tiers: Book[][] = [[], [], [], [], []];
  for (const book of list) tiers[tierOf(book, text)]?.push(book);
  return tiers.flat();
}

/** How good a match a book is, 0 to 4; no match at all is none of these. */
function tierOf({ title, author }: Book, text: string): number {
  const sought = wordsOf(text);
  const [inTitle, inAuthor] = [title, author].map((one) =>
    sought.map((word, i) => has(one, word, i === sought.length - 1)),
  );
  const begins = folded(title).startsWith(folded(text));
  if (sought.length === 0 ? !begins : !sought.every((_, i) => inTitle?.[i] || inAuthor?.[i])) return -1;
  if (folded(title) === folded(text)) return 0;
  if (begins) return 1;
  if (inTitle?.every(Boolean)) return 2;
  return inAuthor?.every(Boolean) ? 4 : 3;
}

function has(text: string, word: string, isBeginning: boolean): boolean {
  return wordsOf(text).some((one) => one === word || (isBeginning && one.startsWith(word)));
}

function wordsOf(text: string): string[] {
  return folded(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}
