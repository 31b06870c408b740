import { bookFields } from "./book-fields.ts";

/** A key that is safe to look up anywhere and that no book has: titles hold no control characters. */
const NO_TITLE = "\u0001";

/** Titles that the rules leave as they are. Most are such, and to see that takes a fraction of applying the rules. */
const PLAIN_TITLE = /^[!-~](?:[ -~]{0,510}[!-~])?$/;

/** `value` as a title is stored; undefined when it can be none. */
export function normalisedTitle(value: string): string | undefined {
  return PLAIN_TITLE.test(value) ? value : bookFields.title.rule.safeParse(value).data;
}

/** `value` as a title is stored. What can be no title becomes one that no book has. */
export function titleKey(value: string): string {
  return normalisedTitle(value) ?? NO_TITLE;
}
