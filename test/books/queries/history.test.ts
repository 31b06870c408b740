import { expect, test } from "vitest";
import { type Service, startService } from "../../support/service/service.ts";

const FIELDS =
  "fragment F on Book { id title author publishedDate isbn language description coverUrl stockQuantity version addedAt updatedAt }";
const CHANGE = `${FIELDS} fragment C on BookChange { revision kind at who before { ...F } after { ...F } }`;
const CHANGES = `${CHANGE} query ($after: Revision!, $first: Int) { changes(after: $after, first: $first) { ...C } }`;
const HISTORY = `${CHANGE} query ($id: ID!, $first: Int, $after: String) { node(id: $id) { ... on Book {
  history(first: $first, after: $after) {
    edges { cursor node { ...C } } nodes { revision } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } } } }`;
const AS_OF = `${FIELDS} query ($title: String, $id: ID, $isbn: String, $asOf: Revision) {
  book(title: $title, id: $id, isbn: $isbn, asOf: $asOf) { ...F } }`;

type Book = Record<string, string | number | null>;

async function books(service: Service): Promise<Book[]> {
  return (await service.ask(`${FIELDS} { books { ...F } }`)).data.books;
}

async function asOf(service: Service, revision: number, by: object) {
  const { data, consistency } = await service.ask(AS_OF, { variables: { ...by, asOf: revision } });
  return { book: data.book, revision: consistency.revision };
}

/** What is answered to the first 500 changes. */
async function changes(service: Service, after = 0) {
  return (await service.ask(CHANGES, { variables: { after, first: 500 } })).data.changes;
}

async function codeOf(service: Service, query: string, variables: object = {}) {
  const { data, errors } = await service.sendInvalid(query, { variables: { ...variables } });
  return { data, code: errors?.[0].extensions.code, message: errors?.[0].message, extensions: errors?.[0].extensions };
}

const ISBNS = ["0306406152", "9780306406157", "1234567890"];

/** Titles and ISBNs that go from book to book and come back, so that each was several books' and nobody's in between. */
async function makeHistory(service: Service): Promise<Book[][]> {
  const states: Book[][] = [await books(service)];
  const remember = async (done: Promise<unknown>) => {
    await done;
    states.push(await books(service));
  };
  await remember(service.addBook("A", { isbn: ISBNS[0], description: "one\ntwo", language: "en" }));
  await remember(service.addBook("B", { isbn: ISBNS[2] }));
  await remember(service.updateBook("A", { stockQuantity: 3 }));
  await remember(service.updateBook("A", { title: "C", isbn: null }));
  await remember(service.updateBook("B", { title: "A" }));
  await remember(service.updateBook("A", { isbn: ISBNS[1] }));
  await remember(service.deleteBook("A"));
  await remember(service.addBook("B", { isbn: ISBNS[1] }));
  await remember(service.updateBook("C", { title: "A", author: "Another" }));
  await remember(service.updateBook("B", { title: 'Ω \u{1F4DA} "quoted": \\' }));
  await remember(service.deleteBook("A"));
  await remember(service.addBook("A", { publishedDate: "2024-02-29" }));
  return states;
}

test("book answers as of each revision what it answered then, by title, id and ISBN", async () => {
  const service = await startService();
  const states = await makeHistory(service);
  const all = states.flat();
  const valuesOf = (field: string) => [...new Set(all.map((book) => book[field]))].filter((value) => value !== null);
  expect([valuesOf("title").length, valuesOf("id").length]).toEqual([4, 4]);
  for (const [revision, state] of states.entries()) {
    for (const field of ["title", "id", "isbn"]) {
      for (const value of valuesOf(field)) {
        const found = state.find((book) => book[field] === value) ?? null;
        expect(await asOf(service, revision, { [field]: value }), `${field} ${value} at ${revision}`).toEqual({
          book: found,
          revision: 12,
        });
      }
    }
    // either form of an ISBN finds it
    const [ten, thirteen] = await Promise.all(ISBNS.slice(0, 2).map((isbn) => asOf(service, revision, { isbn })));
    expect(ten).toEqual(thirteen);
    for (const by of [{ title: "Nobody's" }, { id: "garbage" }, { isbn: "no" }, { title: "\uD800" }]) {
      expect((await asOf(service, revision, by)).book).toBeNull();
    }
  }
});

test("changes tells each change once, in order, whole, and from any revision on", async () => {
  const service = await startService();
  const states = await makeHistory(service);
  const all = await changes(service);
  expect(all.map(({ revision }: { revision: number }) => revision)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  for (const { revision, kind, before, after, at, who } of all) {
    const [was, is] = [states[revision - 1] as Book[], states[revision] as Book[]];
    const without = (state: Book[], book: Book | null) => state.filter(({ id }) => id !== book?.id);
    expect(without(was, before ?? after)).toEqual(without(is, before ?? after));
    expect(was.find(({ id }) => id === (before ?? after).id) ?? null).toEqual(before);
    expect(is.find(({ id }) => id === (before ?? after).id) ?? null).toEqual(after);
    expect(kind).toBe(before === null ? "ADDED" : after === null ? "DELETED" : "UPDATED");
    expect(at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    if (after) expect(after.updatedAt).toBe(at);
    expect(who).toBeNull();
  }
  expect(await changes(service, 5)).toEqual(all.slice(5));
  expect(await changes(service, 12)).toEqual([]);
  expect((await service.ask(CHANGES, { variables: { after: 3, first: 2 } })).data.changes).toEqual(all.slice(3, 5));
  expect((await service.ask(CHANGES, { variables: { after: 3, first: 0 } })).data.changes).toEqual([]);
});

test("history tells what became of one book, the newest first, page by page, whatever it was called", async () => {
  const service = await startService();
  await makeHistory(service);
  const all = (await changes(service)).toReversed();
  const [{ after: last }] = all;
  const seen = new Set(all.map(({ before, after }: { before: Book; after: Book }) => (before ?? after).id));
  for (const id of seen) {
    const own = all.filter(({ before, after }: { before: Book; after: Book }) => (before ?? after).id === id);
    // of those that are gone, too: whoever has one of the past has its id
    const past = own[0].after ?? own[0].before;
    const { data } = await service.ask(
      `${CHANGE} query ($title: String, $asOf: Revision) { book(title: $title, asOf: $asOf) { id history { nodes { ...C } } } }`,
      { variables: { title: past.title, asOf: own[0].after ? own[0].revision : own[0].revision - 1 } },
    );
    expect(data.book).toEqual({ id, history: { nodes: own } });
  }
  const { id } = last;
  await service.updateBook("A", { stockQuantity: 1 });
  await service.updateBook("A", { stockQuantity: 2 });
  const page = async (first: number | null, after?: string) =>
    (await service.ask(HISTORY, { variables: { id, first, after } })).data.node.history;
  const newest = await page(2);
  expect(newest.nodes).toEqual([{ revision: 14 }, { revision: 13 }]);
  expect(newest.edges.map(({ node }: { node: { revision: number } }) => node.revision)).toEqual([14, 13]);
  expect(newest.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  const older = await page(2, newest.pageInfo.endCursor);
  expect(older.nodes).toEqual([{ revision: 12 }]);
  expect(older.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  const ofAnother = await codeOf(
    service,
    `query ($after: String) { book(title: "A", asOf: 1) { history(after: $after) { nodes { revision } } } }`,
    { after: newest.pageInfo.endCursor },
  );
  expect(ofAnother.code).toBe("BAD_USER_INPUT");
  // a change that comes meanwhile moves no page
  await service.deleteBook("A");
  const { data } = await service.ask(
    `query ($after: String) { book(title: "A", asOf: 14) { history(after: $after) { nodes { revision } } } }`,
    { variables: { after: newest.pageInfo.startCursor } },
  );
  expect(data.book.history.nodes).toEqual([{ revision: 13 }, { revision: 12 }]);
});

test("a book of the past has the id under which the book as it now is can be fetched", async () => {
  const service = await startService();
  await service.addBook("Old");
  await service.updateBook("Old", { title: "New", author: "Another" });
  const { id } = (await asOf(service, 1, { title: "Old" })).book;
  const { data } = await service.ask("query ($id: ID!) { node(id: $id) { ... on Book { title author } } }", {
    variables: { id },
  });
  expect(data.node).toEqual({ title: "New", author: "Another" });
});

test("what cannot be answered is refused by a code that says so", async () => {
  const service = await startService();
  await service.addBook("A");
  await service.addBook("B");
  const cursors = ["", "1", "MA", "LTE", "MWUz", "OTAwNzE5OTI1NDc0MDk5Mw", "MQ==", "Ω"];
  const requests: readonly (readonly [query: string, code: string])[] = [
    ['{ book(title: "A", asOf: 3) { title } }', "REVISION_NOT_REACHED"],
    [`{ book(title: "A", asOf: ${Number.MAX_SAFE_INTEGER}) { title } }`, "REVISION_NOT_REACHED"],
    ["{ changes(after: 3) { revision } }", "REVISION_NOT_REACHED"],
    ['{ book(title: "A", asOf: -1) { title } }', "BAD_USER_INPUT"],
    ["{ changes(after: -1) { revision } }", "BAD_USER_INPUT"],
    ['{ book(title: "A", asOf: 1e3) { title } }', "BAD_USER_INPUT"],
    ['{ book(title: "A", asOf: "1") { title } }', "BAD_USER_INPUT"],
    ['{ book(title: "A", isbn: "1234567890", asOf: 1) { title } }', "BAD_USER_INPUT"],
    ["{ book(asOf: 1) { title } }", "BAD_USER_INPUT"],
    ["{ changes(after: 0, first: 501) { revision } }", "BAD_USER_INPUT"],
    ["{ changes(after: 0, first: -1) { revision } }", "BAD_USER_INPUT"],
    ['{ book(title: "A") { history(first: 501) { nodes { at } } } }', "BAD_USER_INPUT"],
    ['{ book(title: "A") { history(first: -1) { nodes { at } } } }', "BAD_USER_INPUT"],
    ...cursors.map(
      (cursor) =>
        [
          `{ book(title: "A") { history(after: ${JSON.stringify(cursor)}) { nodes { at } } } }`,
          "BAD_USER_INPUT",
        ] as const,
    ),
  ];
  // executed, compiled and, if it could be, sent again
  for (let again = 0; again < 3; again++) {
    for (const [query, code] of requests) expect((await codeOf(service, query)).code, query).toBe(code);
  }
});

test("an error in changes leaves the rest of a request its answer", async () => {
  const service = await startService();
  await service.addBook("A");
  const { data, code } = await codeOf(service, '{ changes(after: 7) { revision } book(title: "A") { title } }');
  expect({ data, code }).toEqual({ data: { changes: null, book: { title: "A" } }, code: "REVISION_NOT_REACHED" });
});

test("an answer of the past is as new as the request asks for, or refused", async () => {
  const service = await startService();
  await service.addBook("A");
  const ask = (atLeast: number) =>
    service.send('{ book(title: "A", asOf: 1) { title } }', { extensions: { consistency: { atLeast } } });
  expect(await ask(1)).toMatchObject({ data: { book: { title: "A" } }, consistency: { revision: 1 } });
  expect((await ask(2)).errors?.[0].extensions.code).toBe("REVISION_NOT_REACHED");
});

test("pages of changes cost as much as they may hold", async () => {
  const service = await startService({ MAX_COST: "1000" });
  await service.addBook("A");
  const costOf = async (query: string) => (await service.send(query, { extensions: { cost: true } })).cost;
  expect(await costOf("{ changes(after: 0) { revision after { title } } }")).toBe(1 + 50 * 3);
  expect(await costOf("{ changes(after: 0, first: 3) { revision after { title } } }")).toBe(1 + 3 * 3);
  expect(await costOf('{ book(title: "A") { history(first: 9) { nodes { at } edges { cursor } } } }')).toBe(22);
  expect(
    (await codeOf(service, "{ changes(after: 0, first: 500) { revision after { title } } }")).extensions,
  ).toMatchObject({
    code: "LIMIT_EXCEEDED",
    actual: 1501,
  });
});
