import { ServiceError } from "../../cqrs/errors.ts";
import { orderKey, restOfOrderKey } from "../../cqrs/folding.ts";
import type { Condition } from "../../cqrs/queries/list-question.ts";
import { isStorable } from "../../cqrs/storable.ts";
import { rowIdOf } from "../../graphql/global-ids.ts";
import { bookFields } from "../book-fields.ts";
import { isbnKeys } from "../isbn.ts";
import { beginsWith, NO_BOOK, range } from "./book-conditions.ts";
import { authorHas } from "./book-search.ts";

/** As many books may be asked for by name. */
export const MOST_NAMED = 500;

/** What a client asks of books. Null is not given. */
export interface BookFilter {
  readonly titleStartsWith?: string | null | undefined;
  readonly author?: string | null | undefined;
  readonly authorContains?: string | null | undefined;
  readonly language?: string | null | undefined;
  readonly publishedFrom?: string | null | undefined;
  readonly publishedTo?: string | null | undefined;
  readonly inStock?: boolean | null | undefined;
  readonly addedSince?: string | null | undefined;
  readonly ids?: readonly string[] | null | undefined;
  readonly isbns?: readonly string[] | null | undefined;
}

/** A title's 512 characters are as many units of UTF-16 at most. */
const MOST_UNITS = 2 * 512;

/**
 * What must hold of a book that passes the filter.
 *
 * @throws ServiceError `BAD_USER_INPUT` that names the field which nothing could be meant by
 */
export function conditionsOf(filter: BookFilter): Condition[] {
  const {
    titleStartsWith,
    author,
    authorContains,
    language,
    publishedFrom,
    publishedTo,
    inStock,
    addedSince,
    ids,
    isbns,
  } = filter;
  return [
    ...(titleStartsWith == null ? [] : startsWith(titleStartsWith)),
    ...(author == null ? [] : hasAuthor(author)),
    ...(authorContains == null ? [] : authorHas(authorContains)),
    ...(language == null ? [] : [hasLanguage(language)]),
    ...(publishedFrom == null && publishedTo == null ? [] : [isPublished(publishedFrom, publishedTo)]),
    ...(inStock == null ? [] : [inStock ? range("stock_quantity", 1) : range("stock_quantity", 0, 0)]),
    ...(addedSince == null ? [] : [range("added_at", addedSince)]),
    ...(ids == null ? [] : [{ column: "id", oneOf: named("ids", ids).map((id) => rowIdOf("Book", id)) }]),
    ...(isbns == null ? [] : [{ column: "isbn", oneOf: named("isbns", isbns).flatMap(isbnKeys) }]),
  ];
}

function startsWith(text: string): Condition[] {
  const title = text.trimStart();
  if (title.length > MOST_UNITS) throw badFilter("titleStartsWith", "must have at most 512 characters");
  if (!isStorable(title)) return [NO_BOOK];
  const key = orderKey(title);
  const rest = restOfOrderKey(title);
  if (key === "") return [];
  return beginsWith(key, rest);
}

function hasAuthor(text: string): Condition[] {
  const { data: author } = bookFields.author.rule.safeParse(text);
  if (author === undefined) return [NO_BOOK];
  const key = orderKey(author);
  const rest = restOfOrderKey(author);
  return [
    range("author_key", key, key),
    rest === null ? { column: "author_rest", isNull: true } : { column: "author_rest", from: rest, to: rest },
  ];
}

function hasLanguage(tag: string): Condition {
  const { data: language, error } = bookFields.language.rule.safeParse(tag);
  if (language === undefined) throw badFilter("language", error?.issues[0]?.message ?? "");
  return range("language", language, language);
}

function isPublished(from: string | null | undefined, to: string | null | undefined): Condition {
  if (from != null && to != null && from > to) throw badFilter("publishedFrom", "must not be after publishedTo");
  return { column: "published_date", ...(from != null && { from }), ...(to != null && { to }), indexed: true };
}

function named(name: "ids" | "isbns", values: readonly string[]): readonly string[] {
  if (values.length > MOST_NAMED) throw badFilter(name, `may be ${MOST_NAMED} at most, not ${values.length}`);
  return [...new Set(values)];
}

function badFilter(name: string, message: string): ServiceError {
  return new ServiceError("BAD_USER_INPUT", `filter.${name} ${message}.`);
}
