import { booksOf, type Mutation, type Operation, type Query, type Request, revisionOf } from "../history/operation.ts";
import type { Namespace } from "./namespace.ts";
import type { Random } from "./random.ts";

/** Ids that are remembered; of some of them the books are gone. */
const REMEMBERED_IDS = 30;
/** The most that can be in stock. */
const MOST = 2_147_483_647;
/** No book has it yet. */
const FREE_ID = 900_000_000;

/** What clients have seen of an installation. */
export class Seen {
  readonly names: Namespace;
  /** The newest version of each book, for `expectedVersion`. */
  readonly versions = new Map<string, number>();
  /** The newest revision, for `atLeast`. */
  revision = 0;
  #ids: number[] = [];

  constructor(names: Namespace) {
    this.names = names;
  }

  note({ outcome }: Operation): void {
    if (outcome?.kind === "refused") return;
    this.revision = Math.max(this.revision, revisionOf(outcome) ?? 0);
    for (const { id, title, version } of booksOf(outcome)) {
      this.versions.set(title, version);
      if (!this.#ids.includes(id)) this.#ids = [id, ...this.#ids.slice(0, REMEMBERED_IDS - 1)];
    }
  }

  /** The id of a book that there is or was, or seldom one that there is not. */
  id(random: Random): number {
    return random.chance(0.1) || this.#ids.length === 0 ? FREE_ID : random.pick(this.#ids);
  }
}

/** What a client does next. A mutation is signed with `number`, which no other has. */
export function drawRequest(random: Random, seen: Seen, number: number): Request {
  return random.chance(0.45) ? drawMutation(random, seen, number) : drawReading(random, seen);
}

/** A query, several in one request, or one that is to be refused. */
export function drawReading(random: Random, seen: Seen): Request {
  switch (random.weighted({ one: 60, several: 9, improper: 1 })) {
    case "one":
      return drawQuery(random, seen);
    case "several":
      return { kind: "several", queries: drawQueries(random, seen) };
    case "improper":
      return random.pick<Request>([
        { kind: "improper", first: 501 },
        { kind: "improper", first: -1 },
        { kind: "improper", first: 5, after: "no cursor!" },
      ]);
  }
}

function drawQueries(random: Random, seen: Seen): Query[] {
  const queries: Query[] = [];
  for (let left = random.between(2, 3); left > 0; left--) {
    const [last] = queries.slice(-1);
    // the same one twice may well be answered at two revisions
    const query = last && random.chance(0.2) ? last : drawQuery(random, seen);
    // a request may cost as much as one list
    const isDear = query.kind === "books" && queries.some(({ kind }) => kind === "books");
    queries.push(isDear ? { kind: "page", limit: 20, backwards: false } : query);
  }
  return queries;
}

function drawQuery(random: Random, seen: Seen): Query {
  const { names } = seen;
  const title = random.pick(names.titles);
  switch (random.weighted({ book: 25, form: 6, books: 14, page: 12, search: 8, isbn: 2, node: 2, nodes: 3 })) {
    case "book":
      return { kind: "book", title };
    case "form":
      return { kind: "form", title };
    case "books":
      return names.list;
    case "page": {
      const backwards = random.chance(0.4);
      const bound = backwards ? { before: title } : { after: title };
      const outermost = names.bounds && (backwards ? { before: names.bounds.before } : { after: names.bounds.after });
      const other = backwards ? { after: random.pick(names.titles) } : { before: random.pick(names.titles) };
      return {
        kind: "page",
        limit: random.between(0, 6),
        backwards,
        ...(random.chance(0.7) ? bound : outermost),
        ...(random.chance(0.2) && other),
      };
    }
    case "search":
      return { kind: "search", text: random.pick(names.searches) };
    case "isbn":
      return { kind: "isbn", isbn: random.pick(names.isbns) };
    case "node":
      return { kind: "node", id: seen.id(random) };
    case "nodes":
      return { kind: "nodes", ids: Array.from({ length: random.between(1, 4) }, () => seen.id(random)) };
  }
}

export function drawMutation(random: Random, seen: Seen, number: number): Mutation {
  const mutation = drawUnkeyed(random, seen, number);
  // nothing of a delete is left that would tell which of several it was: those with a key have titles of their own
  return mutation.kind === "delete" || random.chance(0.4) ? mutation : { ...mutation, key: seen.names.key(number) };
}

function drawUnkeyed(random: Random, seen: Seen, number: number): Mutation {
  const { names } = seen;
  const title = random.pick(names.busy);
  const input = drawInput(random, names.author(number));
  const expected = () => {
    const version = seen.versions.get(title);
    return version !== undefined && random.chance(0.4) ? { expectedVersion: version } : {};
  };
  switch (random.weighted({ add: 12, still: 1, update: 20, adjust: 10, rename: 6, delete: 7, invalid: 1 })) {
    case "add":
      return { kind: "add", title, input: random.chance(0.3) ? { ...input, isbn: random.pick(names.isbns) } : input };
    case "still":
      return { kind: "add", title: random.pick(names.still), input };
    case "update": {
      const isbn = random.chance(0.1) ? { isbn: random.chance(0.5) ? random.pick(names.isbns) : null } : {};
      return { kind: "update", title, input: { ...input, ...isbn }, ...expected() };
    }
    case "rename":
      return { kind: "update", title, input: { ...input, title: random.pick(names.busy) }, ...expected() };
    case "adjust":
      return { kind: "adjust", title, by: drawAdjustment(random, number) };
    case "delete":
      return { kind: "delete", title, ...expected() };
    case "invalid":
      return random.pick<Mutation>([
        { kind: "add", title: " ", input: { ...input, isbn: "978" } },
        { kind: "update", title, input: { ...input, stockQuantity: -1 } },
        { kind: "adjust", title, by: 0 },
      ]);
  }
}

/** A number that no other operation has: a few, or so many that there may not be as many or no room for them. */
function drawAdjustment(random: Random, number: number): number {
  const by = random.chance(0.7) ? number + 1 : MOST - number;
  return random.chance(0.6) ? -by : by;
}

export function drawInput(random: Random, author: string) {
  const language = random.chance(0.2) ? { language: random.pick(["en-GB", "pl", null]) } : {};
  return { author, stockQuantity: random.between(0, MOST), ...language };
}

/** What to read after a mutation: the book where it now is or was, or all. */
export function afterthought(request: Mutation, names: Namespace, random: Random): Query {
  if (random.chance(0.3)) return names.list;
  const newTitle = request.kind === "update" ? request.input.title : undefined;
  return { kind: "book", title: newTitle && random.chance(0.5) ? newTitle : request.title };
}
