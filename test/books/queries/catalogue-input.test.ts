import { expect, test } from "vitest";
import { type Service, startService } from "../../support/service/service.ts";

const PAGE = `query Catalogue(
  $filter: BookFilter, $orderBy: BookOrder, $first: Int, $last: Int, $after: String, $before: String
) {
  booksConnection(filter: $filter, orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before) {
    edges { cursor node { title } }
    totalCount
    facets { authors { value } isExact }
  }
}`;

type Variables = Readonly<Record<string, unknown>>;

/** A service with three books, and their ids by title. */
async function startCatalogue() {
  const service = await startService();
  const ids: Record<string, string> = {};
  for (const [title, fields] of [
    ["A", { author: "Ann Écrivain", isbn: "0-306-40615-2", language: "en", publishedDate: "2001-01-01" }],
    ["Émile", { author: "ann ecrivain", stockQuantity: 3, language: "en-GB" }],
    ["zebra", { author: "B", isbn: "1234567890" }],
  ] as const) {
    const { data } = await service.addBook(title, fields);
    ids[title] = data.addBook.id;
  }
  return { service, ids };
}

async function ask(service: Service, variables: Variables) {
  const { data, errors, status } = await service.send(PAGE, { variables });
  const [error] = errors ?? [];
  return {
    status,
    code: error?.extensions.code as string | undefined,
    message: error?.message as string | undefined,
    titles: data?.booksConnection?.edges.map(({ node }: { node: { title: string } }) => node.title) as string[],
    cursors: data?.booksConnection?.edges.map(({ cursor }: { cursor: string }) => cursor) as string[],
    page: data?.booksConnection,
  };
}

const REFUSED: readonly [what: string, Variables, message: string][] = [
  ["a first that is negative", { first: -1 }, "first must be 0 to 500, not -1."],
  ["a first over 500", { first: 501, filter: { inStock: true } }, "first must be 0 to 500, not 501."],
  ["a last over 500", { last: 501, orderBy: { field: "AUTHOR" } }, "last must be 0 to 500, not 501."],
  [
    "dates out of order",
    { filter: { publishedFrom: "2002-01-01", publishedTo: "2001-12-31" } },
    "filter.publishedFrom must not be after publishedTo.",
  ],
  ["an unknown language", { filter: { language: "klingonese!" } }, "filter.language must be a language tag such as"],
  ["no language", { filter: { language: "" } }, "filter.language must be a language tag such as"],
  ["more ids than 500", { filter: { ids: Array(501).fill("a") } }, "filter.ids may be 500 at most, not 501."],
  ["more ISBNs than 500", { filter: { isbns: Array(501).fill("a") } }, "filter.isbns may be 500 at most, not 501."],
  [
    "a beginning that no title has for its length",
    { filter: { titleStartsWith: "𝕏".repeat(513) } },
    "filter.titleStartsWith must have at most 512 characters.",
  ],
  ["a beginning of ten kilobytes", { filter: { titleStartsWith: "\u0301".repeat(10_240) } }, "filter.titleStartsWith"],
  ["a day that is none", { filter: { publishedFrom: "2001-02-30" } }, "Date must be a day of the form YYYY-MM-DD"],
  ["a time that is none", { filter: { addedSince: "2001-02-30T00:00:00Z" } }, "DateTime must be a time of RFC 3339"],
  ["a time without a zone", { filter: { addedSince: "2001-02-03T00:00:00" } }, "DateTime must be a time of RFC 3339"],
  ["a time before year 1", { filter: { addedSince: "0001-01-01T00:00:00+12:00" } }, "DateTime must be a time"],
  ["a time that is a number", { filter: { addedSince: 5 } }, "DateTime must be a time of RFC 3339"],
  ["an order of nothing", { orderBy: { field: "PRICE" } }, "PRICE"],
  ["an order without a field", { orderBy: { direction: "ASC" } }, "field"],
  ["a filter of nothing", { filter: { publisher: "x" } }, "publisher"],
];

test("booksConnection refuses what it cannot mean, and says what", async () => {
  const { service } = await startCatalogue();
  for (const [what, variables, message] of REFUSED) {
    // the second answer is a compiled one
    for (let again = 0; again < 2; again++) {
      const answer = await ask(service, variables);
      expect(answer.code, what).toBe("BAD_USER_INPUT");
      expect(answer.message, what).toContain(message);
    }
  }
  const query = "query ($n: Int) { booksConnection { facets { authors(first: $n) { count } } } }";
  for (const n of [-1, 501]) {
    const { errors } = await service.send(query, { variables: { n } });
    expect(errors).toMatchObject([
      { extensions: { code: "BAD_USER_INPUT" }, message: `first must be 0 to 500, not ${n}.` },
    ]);
  }
});

test("booksConnection refuses cursors of another list, of the time before, and forged ones", async () => {
  const { service } = await startCatalogue();
  const lists: Variables[] = [
    {},
    { filter: { inStock: false } },
    { filter: { language: "en" } },
    ...["TITLE", "AUTHOR", "PUBLISHED_DATE"].map((field) => ({ orderBy: { field, direction: "DESC" } })),
    { orderBy: { field: "PUBLISHED_DATE" } },
  ];
  const cursors = await Promise.all(lists.map(async (list) => (await ask(service, list)).cursors[0] as string));
  for (const [i, list] of lists.entries()) {
    for (const [j, cursor] of cursors.entries()) {
      const same = cursors[i] === cursor;
      for (const name of ["after", "before"]) {
        const { code, message } = await ask(service, { ...list, [name]: cursor });
        expect([code, message], `${JSON.stringify(list)} ${j}`).toEqual(
          same ? [undefined, undefined] : ["BAD_USER_INPUT", `${name} is a cursor of another order, filter or search.`],
        );
      }
    }
    const [tag, ...values] = JSON.parse(Buffer.from(cursors[i] as string, "base64url").toString());
    const forged = [
      ...[[], [tag], [tag, 0], [tag, 9, ...values.slice(1)], [tag, -1], [tag, "0", ...values.slice(1)]],
      ...[null, true, {}, [], "\0", "\uD800", -1, 0.5, "2001-02-30", 2 ** 31].map((value) => [tag, 0, value, value]),
      [tag, ...values, 1],
      { tag },
    ].map((content) => Buffer.from(JSON.stringify(content)).toString("base64url"));
    const garbled = ["", "!", "a===", `${cursors[i]}=`, ` ${cursors[i]}`, Buffer.from("A").toString("base64url")];
    for (const cursor of [...forged, ...garbled]) {
      const { code, message } = await ask(service, { ...list, after: cursor });
      expect([code, message], `${JSON.stringify(list)} ${cursor}`).toEqual([
        "BAD_USER_INPUT",
        "after is no cursor of this connection.",
      ]);
    }
  }
});

const nobody: string[] = [];

type Ids = Readonly<Record<string, string>>;

const FOUND: readonly [what: string, (ids: Ids) => Variables, titles: string[]][] = [
  ["all with a filter of nulls", () => ({ titleStartsWith: null, ids: null, inStock: null }), ["A", "Émile", "zebra"]],
  ["titles by their folded beginning", () => ({ titleStartsWith: "EM" }), ["Émile"]],
  ["all titles by no beginning", () => ({ titleStartsWith: "" }), ["A", "Émile", "zebra"]],
  ["titles without regard to blanks before them", () => ({ titleStartsWith: "  z" }), ["zebra"]],
  ["no title by a wildcard", () => ({ titleStartsWith: "%" }), nobody],
  ["no title by half a surrogate", () => ({ titleStartsWith: "\uD83D" }), nobody],
  ["no title by a NUL", () => ({ titleStartsWith: "\0" }), nobody],
  ["no title past the last code point", () => ({ titleStartsWith: "\u{10FFFF}" }), nobody],
  ["authors folded", () => ({ author: "ANN ÉCRIVAIN" }), ["A", "Émile"]],
  ["no author by a part", () => ({ author: "Ann" }), nobody],
  ["no author that can be none", () => ({ author: "" }), nobody],
  ["no author of a megabyte's worth", () => ({ author: "x".repeat(10_240) }), nobody],
  ["a language as it is", () => ({ language: "en" }), ["A"]],
  ["a language by another form of its tag", () => ({ language: " EN-gb " }), ["Émile"]],
  ["no language that no book has", () => ({ language: "sv" }), nobody],
  ["a day by both ends", () => ({ publishedFrom: "2001-01-01", publishedTo: "2001-01-01" }), ["A"]],
  ["nothing without a day", () => ({ publishedTo: "9999-12-31" }), ["A"]],
  ["what is in stock", () => ({ inStock: true }), ["Émile"]],
  ["what is not", () => ({ inStock: false }), ["A", "zebra"]],
  [
    "what was added since, in any zone",
    () => ({ addedSince: "2001-01-01T00:00:00.123456789-05:30" }),
    ["A", "Émile", "zebra"],
  ],
  ["nothing that is still to be added", () => ({ addedSince: "9999-12-31t23:59:59z" }), nobody],
  ["books by ids", (ids) => ({ ids: [ids.zebra, ids.A, ids.A] }), ["A", "zebra"]],
  ["none by garbage and by others' ids", () => ({ ids: ["Ω", "", btoa("Film:1"), btoa("Book:0")] }), nobody],
  ["none of no ids", () => ({ ids: [] }), nobody],
  ["books by ISBNs in every form", () => ({ isbns: ["978-0-306-40615-7", "０３０６４０６１５２"] }), ["A"]],
  ["one by an ISBN whose check digit is wrong", () => ({ isbns: ["1234567890", "12345"] }), ["zebra"]],
  ["none of no ISBNs", () => ({ isbns: [] }), nobody],
  ["only what passes all of it", () => ({ author: "ann ecrivain", inStock: true, language: "en" }), nobody],
  ["500 ids", (ids) => ({ ids: [...Array(499).fill(btoa("Book:999999")), ids.A] }), ["A"]],
];

test("booksConnection finds what passes a filter, however that is written", async () => {
  const { service, ids } = await startCatalogue();
  for (const [what, filter, titles] of FOUND) {
    for (const field of ["TITLE", "PUBLISHED_DATE"]) {
      for (let again = 0; again < 2; again++) {
        const { code, titles: found, page } = await ask(service, { filter: filter(ids), orderBy: { field } });
        expect(code, what).toBeUndefined();
        expect(found.sort(), what).toEqual(titles.toSorted());
        expect(page.totalCount, what).toBe(titles.length);
      }
    }
  }
  for (const size of [{ first: 0 }, { last: 0 }, { first: 2, last: 0 }]) {
    expect((await ask(service, { ...size, filter: { inStock: false } })).titles).toEqual([]);
  }
});
