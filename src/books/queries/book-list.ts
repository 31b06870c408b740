import { ServiceError } from "../../cqrs/errors.ts";
import type { Condition, Order, Position } from "../../cqrs/queries/list-question.ts";
import { Cursors } from "../../graphql/cursors.ts";
import { type BookFilter, conditionsOf } from "./book-filter.ts";
import { type BookOrderField, orderOf, placesOf, TITLE_ORDER } from "./book-orders.ts";
import { relevanceOrder, searchOf } from "./book-search.ts";

/** Which books, in which order. */
export interface BookList {
  readonly conditions: readonly Condition[];
  readonly order: Order;
  readonly cursors: Cursors<Position>;
}

interface Asked {
  readonly search?: string | null | undefined;
  readonly filter?: BookFilter | null | undefined;
  readonly orderBy?: BookOrder | null | undefined;
}

interface BookOrder {
  readonly field: BookOrderField | "RELEVANCE";
  readonly direction?: Order["direction"] | null | undefined;
}

/** All books in title order, which the read model has, too. */
export const WHOLE_CATALOGUE = listOf([], TITLE_ORDER);

/** @throws ServiceError `BAD_USER_INPUT` */
export function bookListOf({ search: text, filter, orderBy }: Asked): BookList {
  const search = text == null ? undefined : searchOf(text);
  const conditions = [...(search?.conditions ?? []), ...(filter ? conditionsOf(filter) : [])];
  const { field = search ? "RELEVANCE" : "TITLE", direction } = orderBy ?? {};
  if (field === "RELEVANCE") {
    if (search) return listOf(conditions, relevanceOrder(search, direction ?? "asc"));
    throw new ServiceError("BAD_USER_INPUT", "orderBy.field may be RELEVANCE with a search only.");
  }
  const isTitleOrder = field === "TITLE" && direction !== "desc";
  if (conditions.length === 0 && isTitleOrder) return WHOLE_CATALOGUE;
  return listOf(conditions, isTitleOrder ? TITLE_ORDER : orderOf(field, direction ?? "asc"));
}

function listOf(conditions: readonly Condition[], order: Order): BookList {
  return { conditions, order, cursors: new Cursors({ conditions, order }, placesOf(order)) };
}
