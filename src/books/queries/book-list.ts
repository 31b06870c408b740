import type { Condition, Order, Position } from "../../cqrs/queries/list-question.ts";
import { Cursors } from "../../graphql/cursors.ts";
import { type BookFilter, conditionsOf } from "./book-filter.ts";
import { type BookOrderField, orderOf, placesOf, TITLE_ORDER } from "./book-orders.ts";

/** Which books, in which order. */
export interface BookList {
  readonly conditions: readonly Condition[];
  readonly order: Order;
  readonly cursors: Cursors<Position>;
}

interface Asked {
  readonly filter?: BookFilter | null | undefined;
  readonly orderBy?: BookOrder | null | undefined;
}

interface BookOrder {
  readonly field: BookOrderField;
  readonly direction?: Order["direction"] | null | undefined;
}

/** All books in title order, which the read model has, too. */
export const WHOLE_CATALOGUE = listOf([], TITLE_ORDER);

/** @throws ServiceError `BAD_USER_INPUT` */
export function bookListOf({ filter, orderBy }: Asked): BookList {
  const conditions = filter ? conditionsOf(filter) : [];
  const { field = "TITLE", direction } = orderBy ?? {};
  const isTitleOrder = field === "TITLE" && direction !== "desc";
  if (conditions.length === 0 && isTitleOrder) return WHOLE_CATALOGUE;
  return listOf(conditions, isTitleOrder ? TITLE_ORDER : orderOf(field, direction ?? "asc"));
}

function listOf(conditions: readonly Condition[], order: Order): BookList {
  return { conditions, order, cursors: new Cursors({ conditions, order }, placesOf(order)) };
}
