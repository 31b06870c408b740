import { ServiceError } from "../cqrs/errors.ts";
import type { Cursors } from "./cursors.ts";

export const DEFAULT_PAGE = 50;
export const LARGEST_PAGE = 500;

interface ConnectionArgs {
  readonly first?: number | null | undefined;
  readonly last?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly before?: string | null | undefined;
}

/** Which part of a list a page is. */
export interface PageRange<Place> {
  readonly after: Place | undefined;
  readonly before: Place | undefined;
  readonly limit: number;
  readonly backwards: boolean;
}

/** What was found of a list. */
interface FoundPage<T, Place> {
  readonly rows: readonly T[];
  readonly places: readonly Place[];
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
}

/** How many entries the page has at most. What can be no size is refused when the page is read. */
export function largestPage({ first, last }: Readonly<Record<string, unknown>>): number {
  const size = first ?? last;
  return typeof size === "number" ? Math.min(Math.max(size, 0), LARGEST_PAGE) : DEFAULT_PAGE;
}

/**
 * The part of a list that a connection is asked for.
 *
 * @throws ServiceError `BAD_USER_INPUT` for a page size or cursor that cannot be
 */
export function pageRange<Place>(args: ConnectionArgs, cursors: Cursors<Place>): PageRange<Place> {
  const first = pageSize("first", args.first);
  const last = pageSize("last", args.last);
  return {
    after: cursors.place("after", args.after),
    before: cursors.place("before", args.before),
    limit: first ?? last ?? DEFAULT_PAGE,
    backwards: first === undefined && last !== undefined,
  };
}

/** The page as Relay names it. Of a page that `first` took, `last` keeps the end. */
export function connectionOf<T, Place>(
  page: FoundPage<T, Place>,
  { first, last }: ConnectionArgs,
  cursors: Cursors<Place>,
) {
  const cut = first != null && last != null ? Math.max(0, page.rows.length - last) : 0;
  const nodes = page.rows.slice(cut);
  const edges = nodes.map((node, i) => ({ node, cursor: cursors.of(page.places[cut + i] as Place) }));
  return {
    edges,
    nodes,
    pageInfo: {
      hasPreviousPage: page.hasBefore || cut > 0,
      hasNextPage: page.hasAfter,
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** @throws ServiceError `BAD_USER_INPUT` for a number that can be no size; null is not given */
export function pageSize(name: "first" | "last", value: number | null | undefined): number | undefined {
  if (value == null) return undefined;
  if (value >= 0 && value <= LARGEST_PAGE) return value;
  throw new ServiceError("BAD_USER_INPUT", `${name} must be 0 to ${LARGEST_PAGE}, not ${value}.`);
}
