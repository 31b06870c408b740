import { expect, test } from "vitest";
import { type Filter, Oracle, type OracleBook, type OrderBy } from "../../support/catalogue/oracle.ts";
import { openBooks } from "../../support/database/books.ts";
import { fillWith, largeTitles } from "../../support/database/large-catalogue.ts";
import { migratedDatabase } from "../../support/database/migrated-database.ts";
import { startService } from "../../support/service/service.ts";

const COUNT = 17_000;
const COUNTS = `fragment Counts on BooksConnection {
  totalCount
  totalCountIsExact
  facets { authors(first: 500) { value count } languages { value count } inStock { value count } isExact }
}`;
const COUNTS_ALONE = `query ($filter: BookFilter) { booksConnection(filter: $filter) { ...Counts } } ${COUNTS}`;
const PAGE = `query Large(
  $filter: BookFilter, $orderBy: BookOrder, $first: Int, $last: Int, $after: String, $before: String
  $counts: Boolean = false
) {
  booksConnection(filter: $filter, orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before) {
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage }
    ...Counts @include(if: $counts)
  }
}
${COUNTS}`;

/** Where books lie in one order says where they lie in the others, so that filters meet none in most of an order. */
function bookAt(n: number): OracleBook {
  const at = new Date(Date.UTC(2001, 0, 1) + n * 1000).toISOString();
  return {
    id: btoa(`Book:${n}`),
    title: `Title ${String(n).padStart(5, "0")}`,
    author: n % 40 === 0 ? "Än Author" : `Author ${n % 7}`,
    publishedDate: n % 3 === 0 ? null : `${1000 + Math.floor(n / 12)}-01-01`,
    isbn: null,
    language: n > COUNT - 150 ? "is" : n > 3000 ? "en" : "fr",
    stockQuantity: n > 7500 ? 0 : n,
    addedAt: at,
    updatedAt: new Date(Date.UTC(2001, 0, 2) - n * 1000).toISOString(),
  };
}

/** Puts them into the table as if a process of the version before had: what is derived of them is made at the start. */
async function fill(url: string, books: readonly OracleBook[]): Promise<void> {
  const { orm } = await openBooks(url);
  const rows = books.map((book, i) => ({
    id: i + 1,
    title: book.title,
    author: book.author,
    published_date: book.publishedDate,
    language: book.language,
    stock_quantity: book.stockQuantity,
    version: 1,
    added_at: book.addedAt,
    updated_at: book.updatedAt,
  }));
  await orm.transaction(async (tx) => {
    for (let i = 0; i < rows.length; i += 1000)
      await tx.sql((sql) =>
        sql
          .insertInto("book")
          .values(rows.slice(i, i + 1000))
          .execute(),
      );
  });
  await orm.close();
}

const by = (field: OrderBy["field"], direction: OrderBy["direction"] = "ASC"): OrderBy => ({ field, direction });

const ASKED: readonly [Filter, OrderBy][] = [
  // few, which are collected
  [{ author: "än author" }, by("TITLE")],
  [{ author: "AN AUTHOR", inStock: false }, by("UPDATED_AT", "DESC")],
  [{ language: "is" }, by("PUBLISHED_DATE", "DESC")],
  [{ language: "is" }, by("PUBLISHED_DATE")],
  [{ titleStartsWith: "TITLE 119" }, by("STOCK_QUANTITY")],
  // thousands, which the order meets at once, late, or behind all others
  [{ inStock: true }, by("TITLE")],
  [{ inStock: true }, by("TITLE", "DESC")],
  [{ inStock: false }, by("ADDED_AT")],
  [{ inStock: false, language: "is" }, by("ADDED_AT")],
  [{ publishedFrom: "1500-01-01" }, by("TITLE")],
  [{ publishedTo: "1100-01-01" }, by("UPDATED_AT")],
  [{ publishedFrom: "1400-01-01", inStock: true }, by("PUBLISHED_DATE")],
  [{ addedSince: bookAt(6000).addedAt, publishedTo: "1600-01-01" }, by("AUTHOR", "DESC")],
  [{ titleStartsWith: "title 0", inStock: false }, by("AUTHOR")],
  // more than are counted of either, and fewer of both
  [{ addedSince: bookAt(6950).addedAt, language: "en" }, by("TITLE")],
  [{ language: "en", publishedFrom: "1000-01-01" }, by("TITLE")],
];

test("pages of thousands of books are those of a plain list, wherever the matches lie", async () => {
  const { url: DATABASE_URL } = await migratedDatabase();
  const oracle = new Oracle();
  oracle.books = Array.from({ length: COUNT }, (_, n) => bookAt(n + 1));
  await fill(DATABASE_URL, oracle.books);
  const service = await startService({ DATABASE_URL });
  const byId = new Map(oracle.books.map((book) => [book.id, book]));

  for (const [filter, orderBy] of ASKED) {
    let counts = true;
    const compare = async (sizes: { first?: number; last?: number }, after?: string, before?: string) => {
      const bookOf = (cursor: string | undefined) => cursor && byId.get(cursors.get(cursor) as string);
      const { data } = await service.ask(PAGE, { variables: { filter, orderBy, ...sizes, after, before, counts } });
      const { edges, pageInfo, ...found } = data.booksConnection;
      for (const { cursor, node } of edges) cursors.set(cursor, node.id);
      const [from, to] = [bookOf(after), bookOf(before)];
      const { rows, hasNextPage, hasPreviousPage, ...rest } = oracle.page(
        { filter, orderBy },
        {
          ...sizes,
          ...(from && { after: from }),
          ...(to && { before: to }),
        },
      );
      const asked = JSON.stringify({ filter, orderBy, sizes, from, to });
      expect(
        edges.map(({ node }: { node: OracleBook }) => node.id),
        asked,
      ).toEqual(rows.map(({ id }) => id));
      expect(pageInfo, asked).toEqual({ hasNextPage, hasPreviousPage });
      expect(found, asked).toEqual(counts ? { totalCountIsExact: true, ...rest } : {});
      if (counts) {
        const alone = await service.ask(COUNTS_ALONE, { variables: { filter } });
        expect(alone.data.booksConnection, asked).toEqual(found);
      }
      counts = false;
      return edges as { cursor: string }[];
    };
    const cursors = new Map<string, string>();
    const first = await compare({ first: 40 });
    const last = await compare({ last: 40 });
    await compare({ first: 500 }, first.at(-1)?.cursor);
    await compare({ last: 7 }, first.at(3)?.cursor, last.at(-2)?.cursor);
    await compare({ first: 7 }, last.at(-2)?.cursor, first.at(3)?.cursor);
    await compare({ last: 500 }, undefined, last.at(0)?.cursor);
  }

  // more than are counted
  for (const [filter, authors] of [
    [{ language: "en" }, 8],
    [{ addedSince: "2000-01-01T00:00:00Z", language: "en" }, 8],
    [{ addedSince: "2000-01-01T00:00:00Z", authorContains: "author" }, 8],
  ] as const) {
    const { data } = await service.ask(PAGE, { variables: { filter, first: 0, counts: true } });
    const { totalCount, totalCountIsExact, facets } = data.booksConnection;
    expect({ totalCount, totalCountIsExact, isExact: facets.isExact }).toEqual({
      ...{ totalCount: 10_000, totalCountIsExact: false, isExact: false },
    });
    expect(facets.authors).toHaveLength(authors);
    for (const facet of [facets.authors, facets.languages, facets.inStock]) {
      expect(facet.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(10_000);
    }
  }
  // without a filter the catalogue is counted to its end
  const { data } = await service.ask(PAGE, { variables: { first: 0, orderBy: by("AUTHOR"), counts: true } });
  expect(data.booksConnection).toMatchObject({
    totalCount: COUNT,
    totalCountIsExact: true,
    facets: { isExact: false },
  });
});

test("pages of large books are whole, or refused when they take more than MAX_ANSWER_MB", async () => {
  const { url: DATABASE_URL } = await migratedDatabase();
  const titles = largeTitles(260);
  await fillWith(DATABASE_URL, titles);
  const service = await startService({ DATABASE_URL, MAX_ANSWER_MB: "1" });
  const ask = (first: number) =>
    service.send(
      "query ($first: Int) { booksConnection(first: $first, filter: { inStock: true }) { nodes { title } } }",
      {
        variables: { first },
      },
    );
  const { data } = await ask(120);
  expect(data.booksConnection.nodes.map(({ title }: { title: string }) => title)).toEqual(titles.slice(0, 120));
  const { errors } = await ask(260);
  expect(errors).toMatchObject([{ extensions: { code: "LIMIT_EXCEEDED" } }]);
});
