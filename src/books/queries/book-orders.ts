import { orderKey } from "../../cqrs/folding.ts";
import type { Order, Position, Scalar } from "../../cqrs/queries/list-question.ts";
import { isStorable } from "../../cqrs/storable.ts";
import { isDay, storedTime } from "../../graphql/field-rules.ts";
import { normalisedTitle } from "../book-keys.ts";
import { MAX_STOCK } from "../max-stock.ts";

/** The columns that books are in order by: the last of each make every book one of its own. */
const COLUMNS = {
  TITLE: ["title_key", "title"],
  AUTHOR: ["author_key", "id"],
  PUBLISHED_DATE: ["published_date", "id"],
  STOCK_QUANTITY: ["stock_quantity", "id"],
  ADDED_AT: ["added_at", "id"],
  UPDATED_AT: ["updated_at", "id"],
} as const;

export type BookOrderField = keyof typeof COLUMNS;

/** The column that may be null. */
const DATE = "published_date";

/** Books whose day of publication is not known come last in both directions. */
export function orderOf(field: BookOrderField, direction: Order["direction"]): Order {
  const by = COLUMNS[field];
  if (by[0] !== DATE) return { segments: [{ where: [], by }], direction };
  const known = { where: [{ column: DATE, isNull: false }], by };
  const unknown = { where: [{ column: DATE, isNull: true }], by: ["id"] };
  return { segments: [known, unknown], direction };
}

/** The order of the whole catalogue that the read model has, too. */
export const TITLE_ORDER = orderOf("TITLE", "asc");

/** Whether a value may stand in a column. */
const IS_VALUE: Readonly<Record<string, (value: unknown) => boolean>> = {
  title_key: isText,
  title: (value) => isText(value) && normalisedTitle(value) === value,
  author_key: isText,
  published_date: (value) => isText(value) && isDay(value),
  stock_quantity: (value) => isWhole(value, 0, MAX_STOCK),
  added_at: (value) => isText(value) && storedTime(value) === value,
  updated_at: (value) => isText(value) && storedTime(value) === value,
  id: (value) => isWhole(value, 1, 2 ** 31 - 1),
};

/** How the places of an order stand in its cursors. The folded title follows from the title. */
export function placesOf({ segments }: Order) {
  return {
    valuesOf: ({ segment, values }: Position): readonly unknown[] => {
      const by = segments[segment]?.by ?? [];
      return [segment, ...values.filter((_, i) => by[i] !== "title_key")];
    },
    placeOf: ([segment, ...rest]: readonly unknown[]): Position | undefined => {
      const by = typeof segment === "number" ? segments[segment]?.by : undefined;
      if (!by) return undefined;
      const title = rest.at(-1);
      const values = by[0] === "title_key" ? [isText(title) && orderKey(title), ...rest] : rest;
      const isPlace = values.length === by.length && by.every((column, i) => IS_VALUE[column]?.(values[i]));
      return isPlace ? { segment: segment as number, values: values as Scalar[] } : undefined;
    },
  };
}

/** The place of a title in title order as a cursor has it, which needs no folded title. */
export function placeOfTitle(title: string): Position {
  return { segment: 0, values: ["", title] };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && isStorable(value);
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}
