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

/** How many entries the page has at most. What can be no size is refused when the page is read. */
export function largestPage({ first, last }: Readonly<Record<string, unknown>>): number {
  const size = first ?? last;
  return typeof size === "number" ? Math.min(Math.max(size, 0), LARGEST_PAGE) : DEFAULT_PAGE;
}

/**
 * What a connection in key order is asked for. `normalisedKey` says how a text is stored as a key, or that it can be none.
 *
 * @throws ServiceError `BAD_USER_INPUT` for a page size or cursor that cannot be
 */
export function pageRequest(
  args: ConnectionArgs,
  info: GraphQLResolveInfo,
  normalisedKey: (text: string) => string | undefined,
): PageRequest {
  const first = pageSize("first", args.first);
  const last = pageSize("last", args.last);
  return {
    after: keyOfCursor("after", args.after, normalisedKey),
    before: keyOfCursor("before", args.before, normalisedKey),
    limit: first ?? last ?? DEFAULT_PAGE,
    backwards: first === undefined && last !== undefined,
    withTotal: info.fieldNodes.some(({ selectionSet }) => selects(selectionSet, "totalCount", info)),
  };
}

/** The page as Relay names it. Of a page that `first` took, `last` keeps the end. */
export function connectionOf<T>(page: Page<T>, { first, last }: ConnectionArgs, keyOf: (row: T) => string) {
  const cut = first != null && last != null ? Math.max(0, page.rows.length - last) : 0;
  const edges = page.rows.slice(cut).map((node) => ({ node, cursor: cursorOf(keyOf(node)) }));
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

/** A cursor is a place in the key order, so it outlives the row that it was made for. */
function cursorOf(key: string): string {
  return Buffer.from(key).toString("base64url");
}

function keyOfCursor(
  name: "after" | "before",
  cursor: string | null | undefined,
  normalisedKey: (text: string) => string | undefined,
): string | undefined {
  if (cursor == null) return undefined;
  const key = Buffer.from(cursor, "base64url").toString();
  if (key === normalisedKey(key) && cursorOf(key) === cursor) return key;
  throw badUserInput(`${name} is no cursor of this connection.`);
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
