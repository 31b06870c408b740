import { ServiceError } from "../../cqrs/errors.ts";
import { orderKey, restOfOrderKey, words } from "../../cqrs/folding.ts";
import type { Condition, Order, Segment, Words } from "../../cqrs/queries/list-question.ts";
import { isStorable } from "../../cqrs/storable.ts";
import { beginsWith, isTitle, NO_BOOK } from "./book-conditions.ts";

/** As long as a title may be, in code points. */
export const LONGEST_SEARCH = 512;
/** Different words of one search. */
export const MOST_WORDS = 64;

const TITLE = ["title_words"];
const AUTHOR = ["author_words"];

/** What is searched for: what must hold of a book, and how good a match it is. */
export interface BookSearch {
  readonly conditions: readonly Condition[];
  readonly relevance: readonly Segment[];
}

/**
 * What a text that somebody has typed asks for; undefined when that is nothing at all. A text without a letter or digit, such
 * as `!!!`, asks for titles that begin so.
 *
 * @throws ServiceError `BAD_USER_INPUT` when it is too long
 */
export function searchOf(text: string): BookSearch | undefined {
  const by = ["title_key", "title"];
  if (!isStorable(text)) return { conditions: [NO_BOOK], relevance: [{ where: [], by }] };
  const sought = soughtWords("search", text);
  const title = text.trim();
  const key = orderKey(title);
  if (key === "") return undefined;
  const rest = restOfOrderKey(title);
  const exactly = isTitle(key, rest);
  const beginning = beginsWith(key, rest);
  const best: Segment[] = [
    { where: exactly, by },
    { where: [...beginning, { not: exactly }], by },
  ];
  if (sought.length === 0) return { conditions: beginning, relevance: best };
  const within = (columns: readonly string[]): Words => ({ words: sought, within: columns });
  const [inTitle, inAuthor] = [within(TITLE), within(AUTHOR)];
  const others = { not: beginning };
  const inBoth = [within([...TITLE, ...AUTHOR]), { not: [inTitle] }, { not: [inAuthor] }, others];
  return {
    conditions: [within([...TITLE, ...AUTHOR])],
    relevance: [
      ...best,
      { where: [inTitle, others], by },
      // a single word is in one of them
      { where: sought.length > 1 ? inBoth : [NO_BOOK], by },
      { where: [inAuthor, { not: [inTitle] }, others], by },
    ],
  };
}

/** The best matches first, those that are as good in title order; or all of it the other way round. */
export function relevanceOrder({ relevance }: BookSearch, direction: Order["direction"]): Order {
  return { segments: direction === "asc" ? relevance : relevance.toReversed(), direction };
}

/** What must hold of a book whose author has these words. @throws ServiceError `BAD_USER_INPUT` when those are too many */
export function authorHas(text: string): Condition[] {
  if (!isStorable(text)) return [NO_BOOK];
  const sought = soughtWords("filter.authorContains", text);
  return sought.length === 0 ? [] : [{ words: sought, within: AUTHOR }];
}

/** Each word once, but the last, whose beginning is enough. */
function soughtWords(name: string, text: string): readonly string[] {
  if (text.length > LONGEST_SEARCH && Array.from(text).length > LONGEST_SEARCH)
    throw badSearch(`${name} must have at most ${LONGEST_SEARCH} characters`);
  const all = words(text);
  const last = all.at(-1);
  const sought = [...new Set(all.slice(0, -1)), ...(last === undefined ? [] : [last])];
  if (sought.length > MOST_WORDS) throw badSearch(`${name} must have at most ${MOST_WORDS} different words`);
  return sought;
}

function badSearch(message: string): ServiceError {
  return new ServiceError("BAD_USER_INPUT", `${message}.`);
}
