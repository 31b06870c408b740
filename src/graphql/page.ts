import type { GraphQLResolveInfo, SelectionSetNode } from "graphql";
import { ServiceError } from "../cqrs/errors.ts";
import type { Page, PageRequest } from "../cqrs/queries/reads.ts";

const DEFAULT_PAGE = 50;
const LARGEST_PAGE = 500;

interface ConnectionArgs {
  readonly first?: number | null | undefined;
  readonly last?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly before?: string | null | undefined;
}

/** The cursors of one order of a connection: places in that order, which outlive the rows that they were made for. */
export interface CursorKind {
  /** Tells them from those of other orders. It holds no NUL. */
  readonly name: string;
  /** The text that a place is made of, as it is stored; undefined for one that no row can have. */
  readonly normalised: (text: string) => string | undefined;
}

/** How many entries the page has at most. What can be no size is refused when the page is read. */
export function largestPage({ first, last }: Readonly<Record<string, unknown>>): number {
  const size = first ?? last;
  return typeof size === "number" ? Math.min(Math.max(size, 0), LARGEST_PAGE) : DEFAULT_PAGE;
}

/**
 * What a connection is asked for whose cursors are of this kind, and made of keys.
 *
 * @throws ServiceError `BAD_USER_INPUT` for a page size or cursor that cannot be
 */
export function pageRequest(args: ConnectionArgs, info: GraphQLResolveInfo, kind: CursorKind): PageRequest {
  const first = pageSize("first", args.first);
  const last = pageSize("last", args.last);
  return {
    after: textOfCursor("after", args.after, kind),
    before: textOfCursor("before", args.before, kind),
    limit: first ?? last ?? DEFAULT_PAGE,
    backwards: first === undefined && last !== undefined,
    withTotal: info.fieldNodes.some(({ selectionSet }) => selects(selectionSet, "totalCount", info)),
  };
}

/** The page as Relay names it. Of a page that `first` took, `last` keeps the end. */
export function connectionOf<T>(
  page: Page<T>,
  { first, last }: ConnectionArgs,
  kind: CursorKind,
  textOf: (row: T) => string,
) {
  const cut = first != null && last != null ? Math.max(0, page.rows.length - last) : 0;
  const edges = page.rows.slice(cut).map((node) => ({ node, cursor: cursorOf(kind, textOf(node)) }));
  return {
    edges,
    totalCount: page.total,
    pageInfo: {
      hasPreviousPage: page.hasBefore || cut > 0,
      hasNextPage: page.hasAfter,
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

function pageSize(name: "first" | "last", value: number | null | undefined): number | undefined {
  if (value == null) return undefined;
  if (value >= 0 && value <= LARGEST_PAGE) return value;
  throw badUserInput(`${name} must be 0 to ${LARGEST_PAGE}, not ${value}.`);
}

/** No text of a place holds a NUL, so that none is taken for another kind's, or for one of the time before there were kinds. */
function cursorOf({ name }: CursorKind, text: string): string {
  return Buffer.from(`${name}\0${text}`).toString("base64url");
}

function textOfCursor(
  argument: "after" | "before",
  cursor: string | null | undefined,
  kind: CursorKind,
): string | undefined {
  if (cursor == null) return undefined;
  const [, text = ""] = Buffer.from(cursor, "base64url").toString().split("\0");
  if (text === kind.normalised(text) && cursorOf(kind, text) === cursor) return text;
  throw badUserInput(`${argument} is no cursor of this connection in this order.`);
}

function badUserInput(message: string): ServiceError {
  return new ServiceError("BAD_USER_INPUT", message);
}

/** Whether `name` is selected. Each fragment is looked into once: those that nest multiply. */
function selects(selectionSet: SelectionSetNode | undefined, name: string, { fragments }: GraphQLResolveInfo): boolean {
  const seen = new Set<string>();
  const isIn = (set: SelectionSetNode | undefined): boolean =>
    (set?.selections ?? []).some((selection) => {
      if (selection.kind === "Field") return selection.name.value === name;
      if (selection.kind === "InlineFragment") return isIn(selection.selectionSet);
      const spread = selection.name.value;
      if (seen.has(spread)) return false;
      seen.add(spread);
      return isIn(fragments[spread]?.selectionSet);
    });
  return isIn(selectionSet);
}
