import { expect, test } from "vitest";
import { type AskedList, Oracle } from "../../support/catalogue/oracle.ts";
import { migratedDatabase } from "../../support/database/migrated-database.ts";
import { fillWithSearched, searchedBooks } from "../../support/database/searched-catalogue.ts";
import { type Service, startService } from "../../support/service/service.ts";

const SEARCH = `query Search($search: String, $orderBy: BookOrder) {
  booksConnection(search: $search, orderBy: $orderBy) { totalCount nodes { title } pageInfo { hasNextPage } }
}`;
const PAGE = `query SearchPage(
  $search: String, $filter: BookFilter, $orderBy: BookOrder, $first: Int, $last: Int, $after: String, $before: String
) {
  booksConnection(
    search: $search, filter: $filter, orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before
  ) { edges { cursor node { title } } pageInfo { hasNextPage hasPreviousPage } totalCount totalCountIsExact }
}`;

const LONGEST = "𐐀".repeat(512);

async function withBooks(books: readonly (readonly [title: string, author: string])[]): Promise<Service> {
  const service = await startService();
  await Promise.all(books.map(([title, author]) => service.addBook(title, { author })));
  return service;
}

async function found(service: Service, search: string, orderBy?: object): Promise<string[]> {
  const { data } = await service.ask(SEARCH, { variables: { search, orderBy } });
  const { nodes, totalCount, pageInfo } = data.booksConnection;
  expect(totalCount).toBe(nodes.length);
  expect(pageInfo.hasNextPage).toBe(false);
  return nodes.map(({ title }: { title: string }) => title);
}

test("the best matches come first, and those that are as good in title order", async () => {
  const service = await withBooks([
    ["Tolkien", "Humphrey Carpenter"],
    ["Tolkien: a Life", "X"],
    ["The Letters of J. R. R. Tolkien", "Y"],
    ["A Tolkien Bestiary", "David Day"],
    ["The Hobbit", "J. R. R. Tolkien"],
    ["Roverandom", "Tolkien"],
    ["Dune", "Frank Herbert"],
  ]);
  expect(await found(service, "tolkien")).toEqual([
    "Tolkien",
    "Tolkien: a Life",
    "A Tolkien Bestiary",
    "The Letters of J. R. R. Tolkien",
    "Roverandom",
    "The Hobbit",
  ]);
  expect(await found(service, "tolkien hob")).toEqual(["The Hobbit"]);
  // title and author together are better than the author alone
  expect(await found(service, "r tolk")).toEqual(["The Letters of J. R. R. Tolkien", "The Hobbit"]);
  // title and author together are better than the author alone
  expect(await found(service, "j hob")).toEqual(["The Hobbit"]);
  expect(await found(service, "david be")).toEqual(["A Tolkien Bestiary"]);
  const reversed = await found(service, "tolkien", { field: "RELEVANCE", direction: "DESC" });
  expect(reversed).toEqual((await found(service, "tolkien")).reverse());
});

test("whatever is typed finds what it says, or nothing", async () => {
  const service = await withBooks([
    ...["Łódź", "Straße", "100%", "שלום עולם", "السلام عليكم", "A’s B"].map((one) => [one, "X"] as const),
    ...["1Q84 村上", "NOT AND OR", "\\ back", '"quoted"', "!!!", "😀 smile"].map((one) => [one, "春"] as const),
    [LONGEST, `𐐀 Writer ${"𐐀".repeat(1000)}`],
  ]);
  const cases: [string, string[]][] = [
    ["lodz", ["Łódź"]],
    ["ŁÓDŹ", ["Łódź"]],
    ["strasse", ["Straße"]],
    ["100", ["100%"]],
    ["村", ["1Q84 村上"]],
    ["村春", ["1Q84 村上"]],
    ["上村", ["1Q84 村上"]],
    ["שלום", ["שלום עולם"]],
    ["السلام", ["السلام عليكم"]],
    // one letter, also as the only one of its word
    ["s", ["Straße", "A’s B", "😀 smile"]],
    // words that mean something to the databases
    ["not", ["NOT AND OR"]],
    ["near", []],
    ['"not"', ["NOT AND OR"]],
    ["not AND or", ["NOT AND OR"]],
    ["NOT * AND (", ["NOT AND OR"]],
    ["title_words:not", []],
    ["not:*", ["NOT AND OR"]],
    ["'; drop table book; --", []],
    ["\\", ["\\ back"]],
    ["%", []],
    ["_", []],
    ['"', ['"quoted"']],
    ["!!!", ["!!!"]],
    ["!", ["!!!"]],
    ["😀", ["😀 smile"]],
    ["smile 😀", ["😀 smile"]],
    ["🙃", []],
    ["a\u0000", []],
    ["\ud83d", []],
    ["a \udc00", []],
    ["𐐀".repeat(70), [LONGEST]],
    [LONGEST, [LONGEST]],
    ["writer ".repeat(64), [LONGEST]],
  ];
  for (const [search, expected] of cases) {
    expect(await found(service, search), search.slice(0, 20)).toEqual(expected);
  }
});

test("a blank search is none; what is too much, or no search at all, is refused", async () => {
  const service = await withBooks([
    ["B", "X"],
    ["A", "X"],
  ]);
  for (const blank of ["", "  \n", "\u0301"]) expect(await found(service, blank)).toEqual(["A", "B"]);
  expect(await found(service, "x", { field: "TITLE", direction: "DESC" })).toEqual(["B", "A"]);
  const refused: [object, string][] = [
    [{ search: "x".repeat(513) }, "search must have at most 512 characters."],
    [{ search: "x ".repeat(5000) }, "search must have at most 512 characters."],
    [
      { search: Array.from({ length: 65 }, (_, i) => `w${i}`).join(" ") },
      "search must have at most 64 different words.",
    ],
    [{ search: " ", orderBy: { field: "RELEVANCE" } }, "orderBy.field may be RELEVANCE with a search only."],
    [{ orderBy: { field: "RELEVANCE" } }, "orderBy.field may be RELEVANCE with a search only."],
    [{ filter: { authorContains: "x".repeat(513) } }, "filter.authorContains must have at most 512 characters."],
  ];
  for (const [variables, message] of refused) {
    const { data, errors } = await service.send(PAGE, { variables: { ...variables } });
    expect(data).toEqual({ booksConnection: null });
    expect(errors).toMatchObject([{ message, extensions: { code: "BAD_USER_INPUT" } }]);
  }
  const { data } = await service.ask(PAGE, { variables: { search: "x", first: 1 } });
  const [{ cursor }] = data.booksConnection.edges;
  for (const other of [{ search: "X a" }, {}, { search: "x", filter: { inStock: true } }]) {
    const { errors } = await service.send(PAGE, { variables: { ...other, after: cursor } });
    expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT" } }]);
  }
});

test("of very many books, any page of any search is that of a plain list", { timeout: 120_000 }, async () => {
  const { url } = await migratedDatabase();
  const oracle = new Oracle();
  oracle.books = searchedBooks(36_000);
  await fillWithSearched(url, oracle.books);
  const service = await startService({ DATABASE_URL: url });
  const best = { field: "RELEVANCE", direction: "ASC" } as const;
  const lists: AskedList[] = [
    { search: "the", filter: {}, orderBy: best },
    { search: "the", filter: { inStock: true }, orderBy: best },
    { search: "smi", filter: {}, orderBy: best },
    { search: "smith", filter: { inStock: false }, orderBy: { field: "RELEVANCE", direction: "DESC" } },
    { search: "quagga", filter: {}, orderBy: best },
    { search: "okapi", filter: {}, orderBy: { field: "TITLE", direction: "DESC" } },
    { search: "the okapi", filter: {}, orderBy: best },
    { search: "work 12", filter: {}, orderBy: best },
    { search: "mary the", filter: { inStock: true }, orderBy: best },
    { search: "late", filter: {}, orderBy: { field: "ADDED_AT", direction: "ASC" } },
    // more have the word than are counted, and fewer of these are in stock
    { search: "late", filter: { inStock: true }, orderBy: { field: "ADDED_AT", direction: "ASC" } },
    { search: "late smith", filter: { authorContains: "anne" }, orderBy: { field: "ADDED_AT", direction: "DESC" } },
    { search: "nowhere", filter: {}, orderBy: best },
  ];
  for (const list of lists) {
    const cursors = new Map<string, (typeof oracle.books)[number]>();
    const page = async (range: { first?: number; last?: number; after?: string; before?: string }) => {
      const { data } = await service.ask(PAGE, { variables: { ...list, ...range } });
      const { after, before, ...size } = range;
      const expected = oracle.page(list, {
        ...size,
        ...(after !== undefined && { after: cursors.get(after) as (typeof oracle.books)[number] }),
        ...(before !== undefined && { before: cursors.get(before) as (typeof oracle.books)[number] }),
      });
      const { edges, pageInfo, totalCount, totalCountIsExact } = data.booksConnection;
      const asked = JSON.stringify({ ...list, ...range });
      const titles = expected.rows.map(({ title }) => title);
      expect(
        edges.map(({ node }: { node: { title: string } }) => node.title),
        asked,
      ).toEqual(titles);
      const { hasNextPage, hasPreviousPage } = expected;
      expect(pageInfo, asked).toEqual({ hasNextPage, hasPreviousPage });
      expect(totalCountIsExact, asked).toBe(expected.totalCount <= 10_000);
      expect(totalCount, asked).toBe(Math.min(10_000, expected.totalCount));
      for (const [n, { cursor }] of edges.entries()) cursors.set(cursor, expected.rows[n] as never);
      return edges.map(({ cursor }: { cursor: string }) => cursor);
    };
    const first = await page({ first: 20 });
    const second = first.length > 0 ? await page({ first: 20, after: first.at(-1) }) : [];
    const last = await page({ last: 20 });
    if (second.length > 0) await page({ last: 7, before: second.at(-1) });
    if (last.length > 0) await page({ last: 20, before: last[0] });
  }
});
