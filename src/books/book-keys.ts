import { onlyOne } from "../graphql/arguments.ts";
import { rowIdOf } from "../graphql/global-ids.ts";
import { bookFields } from "./book-fields.ts";

/** A key that is safe to look up anywhere and that no book has: titles hold no control characters. */
const NO_TITLE = "\u0001";

/**
 * Titles that the rules leave as they are: of letters that no normal form takes apart or puts together with others, Latin
 * and Chinese. Most are such, and to see that takes a fraction of applying the rules.
 */
const PLAIN_TITLE =
  /^[!-~\u00a1-\u02ff\u4e00-\u9fff](?:[ -~\u00a0-\u02ff\u4e00-\u9fff]{0,510}[!-~\u00a1-\u02ff\u4e00-\u9fff])?$/;

/** `value` as a title is stored; undefined when it can be none. */
export function normalisedTitle(value: string): string | undefined {
  return PLAIN_TITLE.test(value) ? value : bookFields.title.rule.safeParse(value).data;
}

/** `value` as a title is stored. What can be no title becomes one that no book has. */
export function titleKey(value: string): string {
  return normalisedTitle(value) ?? NO_TITLE;
}

/** Which book is asked for: the one that now has this title, or this id. `asked` is either as the client sent it. */
export type Sought = { readonly asked: string } & (
  | { readonly by: "title"; readonly title: string }
  | { readonly by: "id"; readonly id: number }
);

/** The arguments that say which book is meant. */
export interface SoughtArgs {
  readonly title?: string | null | undefined;
  readonly id?: string | null | undefined;
}

/** @throws ServiceError `BAD_USER_INPUT` unless exactly one of title and id is given */
export function soughtBy(args: SoughtArgs): Sought {
  const { name, value } = onlyOne(args, "title", "id");
  return soughtAs(name, value);
}

export function soughtAs(name: "title" | "id", value: string): Sought {
  return name === "title" ? soughtByTitle(value) : { asked: value, by: "id", id: rowIdOf("Book", value) };
}

export function soughtByTitle(title: string): Sought {
  return { asked: title, by: "title", title: titleKey(title) };
}
