import { expect, test } from "vitest";
import { Random } from "../../../proof/clients/random.ts";
import { fold } from "../../../src/cqrs/folding.ts";
import {
  type AskedList,
  type Filter,
  Oracle,
  type OracleBook,
  type OrderBy,
  placeOf,
} from "../../support/catalogue/oracle.ts";
import { type Service, startService } from "../../support/service/service.ts";
import { ODD_TITLES, ORDERED_TITLES } from "../titles.ts";

const BOOK = "id title author publishedDate isbn language stockQuantity addedAt updatedAt";
const PAGE = `query Catalogue(
  $search: String, $filter: BookFilter, $orderBy: BookOrder, $first: Int, $last: Int, $after: String, $before: String
) {
  booksConnection(search: $search, filter: $filter, orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before) {
    edges { cursor node { ${BOOK} } }
    nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
    totalCountIsExact
    facets { authors(first: 500) { value count } languages { value count } inStock { value count } isExact }
  }
}`;

const FIELDS = ["TITLE", "AUTHOR", "PUBLISHED_DATE", "STOCK_QUANTITY", "ADDED_AT", "UPDATED_AT"] as const;
const LONG_AUTHOR = "\u{1F9D1}".repeat(1023);
const AUTHORS = [
  "Ann Écrivain",
  "ANN ECRIVAIN",
  "ann écrivain",
  "Øystein",
  "oystein",
  "李白",
  `${LONG_AUTHOR}a`,
  `${LONG_AUTHOR}b`,
];
const LANGUAGES = [null, "en", "en-GB", "fr", "zh-Hant"];
const DATES = [null, null, "0001-01-01", "1969-12-31", "1999-05-05", "1999-05-05", "2024-02-29", "9999-12-31"];
const LONG_TITLE = "𝕃".repeat(511);
const TITLES = [
  ...ORDERED_TITLES,
  ...ODD_TITLES,
  ...[
    "Écran",
    "ecran",
    "ÉCRAN 2",
    "Straße",
    "strasse 9",
    "Zebra",
    "zebra",
    "100%",
    "a_b",
    "a'b",
    'a"b',
    "\\",
    "ﷺ",
    "日本",
  ],
  ...["a", "b", "c"].map((last) => LONG_TITLE + last),
];

/** Changes the catalogue and what is known of it. */
async function write(service: Service, { books }: Oracle, random: Random): Promise<OracleBook[]> {
  const free = TITLES.filter((one) => !books.some(({ title }) => title === one));
  const known = free.length === 0 || (books.length > 20 && random.chance(0.6)) ? random.pick(books) : undefined;
  if (known && random.chance(0.3)) {
    await service.deleteBook(known.title);
    return books.filter((book) => book !== known);
  }
  const isbn = random.chance(0.3) ? null : `97800000${String(random.between(0, 99_999)).padStart(5, "0")}`;
  const input = {
    author: random.pick(AUTHORS),
    publishedDate: random.pick(DATES),
    language: random.pick(LANGUAGES),
    stockQuantity: random.pick([0, 0, 1, 2, 2147483647]),
    ...(books.some((book) => book.isbn === isbn) ? {} : { isbn }),
  };
  const { data } = known
    ? await service.updateBook(known.title, {
        ...input,
        ...(free.length > 0 && random.chance(0.5) && { title: random.pick(free) }),
      })
    : await service.addBook(random.pick(free), input);
  const written = data.addBook ?? data.updateBook;
  expect(written.__typename).toBe("Book");
  const book = Object.fromEntries(BOOK.split(" ").map((field) => [field, written[field]])) as unknown as OracleBook;
  return [...books.filter((one) => one !== known), book];
}

/** Some of the words of a book, as somebody may type them. */
function someSearch({ title, author }: OracleBook, random: Random): string {
  const texts = random.pick([[title], [title], [author], [title, author], ["100% a'b \\"]]);
  const all = texts.flatMap((text) => text.split(" "));
  const from = random.pick([0, 0, random.between(0, all.length - 1)]);
  const some = all.slice(from, from + random.between(1, 3)).join(" ");
  const points = Array.from(some);
  const text = points.slice(0, random.pick([1, 2, 3, 200, 512])).join("");
  // what holds no letter and no digit at all asks for nothing
  return random.pick([text, text, text.toUpperCase(), ` ${text}  `, text.normalize("NFD"), `-${text}`]).slice(0, 1024);
}

function someFilter({ books }: Oracle, random: Random): Filter {
  const any = () => random.pick(books);
  const begin = (text: string) =>
    Array.from(text)
      .slice(0, random.pick([1, 2, 3, 200, 512]))
      .join("");
  const fields: { [Name in keyof Required<Filter>]: () => Filter[Name] } = {
    titleStartsWith: () => begin(any().title),
    author: () => random.pick([any().author, any().author.toUpperCase(), "Nobody"]),
    authorContains: () => someSearch(any(), random),
    language: () => random.pick(["en", "fr", "sv"]),
    publishedFrom: () => random.pick(["0001-01-01", "1999-05-05"]),
    publishedTo: () => random.pick(["1999-05-05", "9999-12-31"]),
    inStock: () => random.chance(0.5),
    addedSince: () => any().addedAt,
    ids: () => Array.from({ length: random.between(0, books.length) }, () => any().id),
    isbns: () => Array.from({ length: random.between(0, 9) }, () => any().isbn ?? "9780000000000"),
  };
  const names = Object.keys(fields) as (keyof Filter)[];
  const chosen = Array.from({ length: random.pick([0, 0, 1, 1, 2, 3]) }, () => random.pick(names));
  return Object.fromEntries(chosen.map((name) => [name, fields[name]()]));
}

test("any page in any order, of whatever passes a filter, is that of a plain list", async () => {
  const service = await startService();
  const oracle = new Oracle();
  const random = new Random(20261126);
  /** Of each list that was asked for, the cursors that were handed out, and for which book as it then was. */
  const handedOut = new Map<string, Map<string, OracleBook>>();
  let pages = 0;
  let filled = 0;
  const lists: AskedList[] = [];
  for (let i = 0; i < 60; i++) oracle.books = await write(service, oracle, random);
  for (let i = 0; i < 200; i++) {
    if (random.chance(0.15)) oracle.books = await write(service, oracle, random);
    const searched = random.chance(0.6) ? someSearch(random.pick(oracle.books), random) : undefined;
    const search = fold(searched?.trim() ?? "") === "" ? undefined : searched;
    const field: OrderBy["field"] = search !== undefined && random.chance(0.7) ? "RELEVANCE" : random.pick(FIELDS);
    const orderBy = { field, direction: random.pick(["ASC", "ASC", "DESC"] as const) };
    const list =
      lists.length > 0 && random.chance(0.7)
        ? random.pick(lists)
        : { search, filter: someFilter(oracle, random), orderBy };
    lists.push(list);
    const key = JSON.stringify(list);
    const cursors = handedOut.get(key) ?? new Map<string, OracleBook>();
    handedOut.set(key, cursors);
    const some = () => (cursors.size > 0 && random.chance(0.4) ? random.pick([...cursors.keys()]) : undefined);
    const [after, before] = [some(), some()];
    const size = () => random.pick([0, 1, 2, 7, 500]);
    const sizes = random.pick([
      {},
      { first: size() },
      { first: size() },
      { last: size() },
      { first: size(), last: size() },
    ]);

    const { data } = await service.ask(PAGE, { variables: { ...list, ...sizes, after, before } });
    const { rows, hasNextPage, hasPreviousPage, ...rest } = oracle.page(list, {
      ...sizes,
      ...(after && { after: cursors.get(after) as OracleBook }),
      ...(before && { before: cursors.get(before) as OracleBook }),
    });
    const { edges, pageInfo, ...found } = data.booksConnection;
    const asked = JSON.stringify({
      ...list,
      ...sizes,
      after: cursors.get(after ?? ""),
      before: cursors.get(before ?? ""),
    });
    expect(
      edges.map(({ node }: { node: OracleBook }) => node),
      asked,
    ).toEqual(rows);
    expect(found, asked).toEqual({ nodes: rows.map(({ id }) => ({ id })), totalCountIsExact: true, ...rest });
    const places = edges.map(({ cursor }: { cursor: string }) =>
      JSON.parse(Buffer.from(cursor, "base64url").toString()),
    );
    expect(
      places.map(([, ...place]: unknown[]) => place),
      asked,
    ).toEqual(rows.map((row) => placeOf(row, list)));
    const [startCursor = null, endCursor = null] = [edges.at(0)?.cursor, edges.at(-1)?.cursor];
    expect(pageInfo, asked).toEqual({ hasNextPage, hasPreviousPage, startCursor, endCursor });
    for (const [n, { cursor }] of edges.entries()) cursors.set(cursor, rows[n] as OracleBook);
    pages++;
    if (rows.length > 0) filled++;
  }
  // most of what was asked had something to say
  expect(filled).toBeGreaterThan(pages / 3);
});
