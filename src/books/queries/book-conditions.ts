import type { Condition, Range, Scalar } from "../../cqrs/queries/list-question.ts";

/** No book has such an id. */
export const NO_BOOK: Condition = { column: "id", oneOf: [] };

/** A book is met by its value of a column that has an index. */
export function range(column: string, from: Scalar, to?: Scalar): Range {
  return { column, from, ...(to !== undefined && { to }), indexed: true };
}

/** Its folded title is this one, as `orderKey` and `restOfOrderKey` have it. */
export function isTitle(key: string, rest: string | null): Condition[] {
  if (rest !== null) return [range("title_key", key, key), { column: "title_rest", from: rest, to: rest }];
  return [range("title_key", key, key), { not: [{ column: "title_rest", isNull: false }] }];
}

/** Its folded title begins so. */
export function beginsWith(key: string, rest: string | null): Condition[] {
  if (rest === null) return [{ column: "title_key", ...beginningWith(key), indexed: true }];
  return [range("title_key", key, key), { column: "title_rest", ...beginningWith(rest) }];
}

/** The texts that begin with this one. */
function beginningWith(text: string): { readonly from: string; readonly below?: string } {
  const points = Array.from(text, (character) => character.codePointAt(0) as number);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return { from: text };
  // there are no halves of surrogates in it
  const next = last === 0xd7ff ? 0xe000 : last + 1;
  return { from: text, below: String.fromCodePoint(...points, next) };
}
