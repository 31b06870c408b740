import type { Mutation, Query, Request } from "../history.ts";
import type { Random } from "../random.ts";

/** Few, so that clients meet. The last three sort otherwise by UTF-16 unit or by locale than by code point. */
const BUSY_TITLES = [
  ...Array.from({ length: 11 }, (_, index) => `Book ${String.fromCharCode("A".charCodeAt(0) + index)}`),
  "book a",
  "Ärger",
  "\uff21",
  "\u{1f600}",
];
/** Books that are added and then left alone: what is wrong with their rows no later write puts right. */
export const STILL_TITLES: readonly string[] = ["Still 1", "Still 2", "Still 3"];
export const TITLES: readonly string[] = [...BUSY_TITLES, ...STILL_TITLES];
const ISBNS = Array.from({ length: 6 }, (_, index) => `978000000000${index}`);
/** Ids that books have had, or not yet: the count begins at 1. */
const HIGHEST_ID = 40;

/** What clients have seen of an installation. */
export interface Seen {
  /** The newest version of each book, for `expectedVersion`. */
  readonly versions: Map<string, number>;
  /** The newest revision, for `atLeast`. */
  revision: number;
}

/** What a client does next. A mutation is signed with `author`. */
export function drawRequest(random: Random, seen: Seen, author: string): Request {
  return random.chance(0.45) ? drawMutation(random, seen, author) : drawQuery(random);
}

export function drawQuery(random: Random): Query {
  const title = random.pick(TITLES);
  switch (random.weighted({ book: 25, form: 5, books: 15, page: 10, isbn: 2, nodes: 3 })) {
    case "book":
      return { kind: "book", title };
    case "form":
      return { kind: "form", title };
    case "books":
      return { kind: "books" };
    case "page": {
      const cursor = random.chance(0.7) ? { cursor: title } : {};
      return { kind: "page", limit: random.between(1, 6), backwards: random.chance(0.4), ...cursor };
    }
    case "isbn":
      return { kind: "isbn", isbn: random.pick(ISBNS) };
    case "nodes":
      return { kind: "nodes", ids: Array.from({ length: random.between(1, 4) }, () => random.between(1, HIGHEST_ID)) };
  }
}

function drawMutation(random: Random, seen: Seen, author: string): Mutation {
  const title = random.pick(BUSY_TITLES);
  const input = drawInput(random, author);
  const expected = () => {
    const version = seen.versions.get(title);
    return version !== undefined && random.chance(0.4) ? { expectedVersion: version } : {};
  };
  switch (random.weighted({ add: 12, still: 1, update: 20, rename: 6, delete: 7 })) {
    case "add":
      return { kind: "add", title, input: random.chance(0.3) ? { ...input, isbn: random.pick(ISBNS) } : input };
    case "still":
      return { kind: "add", title: random.pick(STILL_TITLES), input };
    case "update": {
      const isbn = random.chance(0.1) ? { isbn: random.chance(0.5) ? random.pick(ISBNS) : null } : {};
      return { kind: "update", title, input: { ...input, ...isbn }, ...expected() };
    }
    case "rename":
      return { kind: "update", title, input: { ...input, title: random.pick(BUSY_TITLES) }, ...expected() };
    case "delete":
      return { kind: "delete", title, ...expected() };
  }
}

export function drawInput(random: Random, author: string) {
  return { author, stockQuantity: random.between(0, 2147483647) };
}

/** What to read after a mutation: the book where it now is or was, or all. */
export function afterthought(request: Mutation, random: Random): Query {
  if (random.chance(0.3)) return { kind: "books" };
  const newTitle = request.kind === "update" ? request.input.title : undefined;
  return { kind: "book", title: newTitle && random.chance(0.5) ? newTitle : request.title };
}
