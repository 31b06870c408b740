import { getIntrospectionQuery } from "graphql";
import { describe, expect, test } from "vitest";
import type { Revisions } from "../../src/cqrs/revisions.ts";
import type { Replay } from "../../src/graphql/execution/replays.ts";
import { JSON_TYPE } from "../../src/graphql/execution/request.ts";
import { newDatabase } from "../support/database/database.ts";
import { startRedis } from "../support/redis/server.ts";
import { ADD_BOOK, BOOK } from "../support/service/book-requests.ts";
import { titleCursor } from "../support/service/cursors.ts";
import { openGraphql } from "../support/service/graphql.ts";
import type { GraphqlClient, GraphqlRequest } from "../support/service/graphql-client.ts";
import { READ_PATHS, sharedPath } from "../support/service/read-paths.ts";
import { startService } from "../support/service/service.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

const PAGE = `query Page($first: Int = 2, $after: String, $total: Boolean = true) {
  booksConnection(first: $first, after: $after) {
    totalCount @include(if: $total)
    edges { cursor node { __typename ...Named } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
fragment Named on Node { id ... on Book { name: title } }`;

const QUESTIONS: readonly [query: string, variables?: Record<string, unknown>, operationName?: string][] = [
  ["{ books { id title author publishedDate isbn stockQuantity version } }"],
  [BOOK, { title: "Ubik" }],
  [BOOK, { title: "There is none" }],
  [
    "query ($a: String!, $b: String!) { a: book(title: $a) { title } b: book(title: $b) { title } }",
    { a: "A", b: "B" },
  ],
  [PAGE, {}],
  [PAGE, { first: 1, after: titleCursor("A"), total: false }],
  ["query ($yes: Boolean!) { books { title isbn @include(if: $yes) author @skip(if: $yes) } }", { yes: true }],
  ["query One { books { title } } query Two { __typename books { version } }", {}, "Two"],
  [
    `query ($title: String!) { bookEditForm(title: $title) { book { title } mutation fields { name label value inputType
    required readOnly minLength maxLength min max pattern helpText } jsonSchema uiSchema formData } }`,
    { title: "Ubik" },
  ],
  [
    "query ($id: ID!) { node(id: $id) { __typename id ... on Book { title } } nodes(ids: [$id]) { id } }",
    { id: "Qm9vazox" },
  ],
  ['{ bookByIsbn(isbn: "0-30-640615-2") { title isbn } book(title: "Ubik") { isbn } }'],
  [getIntrospectionQuery()],
  // conditions hold where they stand, however often a fragment is spread
  [
    `query ($x: Boolean!) { a: book(title: "A") { ...F @include(if: $x) } b: book(title: "B") { ...F } }
    fragment F on Book { title }`,
    { x: false },
  ],
  [
    `query One($x: Boolean!) { book(title: "A") { ... @skip(if: $x) { ...F } } } query Two { book(title: "B") { ...F } }
    fragment F on Book { title }`,
    { x: true },
    "Two",
  ],
  ['query ($x: Boolean = true) { book(title: "A") { title author @include(if: $x) } }', { x: null }],
  ['query ($t: ID = "A") { nodes(ids: ["x", $t]) { id } }', { t: null }],
  ["query ($n: Int = 2) { booksConnection(first: $n) { edges { cursor } } }", { n: null }],
  ['{ __proto__: book(title: "A") { title } constructor: book(title: "B") { title } }'],
  ["query ($__proto__: String!) { book(title: $__proto__) { title } }", JSON.parse('{"__proto__":"A"}')],
  ["{ books { title } }", {}, ""],
  // errors have messages, codes, places and paths
  ["query ($first: Int!) { one: booksConnection(first: $first) { edges { cursor } } books { title } }", { first: 501 }],
  ["query ($first: Int!) { __typename\n booksConnection(first: $first) { totalCount } }", { first: "many" }],
  ["query ($title: String!) { book(title: $title) { title } }", {}],
  ["query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", { ids: [{}, null, 1.5] }],
];

async function fill(service: GraphqlClient): Promise<void> {
  for (const title of ["A", "B", "C"]) await service.addBook(title);
  await service.addBook("Ubik", { isbn: "0306406152", publishedDate: "1969-05-01", stockQuantity: 7 });
}

describe.each(READ_PATHS)("a query that comes again, when $store answers", ({ start }) => {
  const shared = sharedPath(start);

  test("has the answer that it had, whether it is executed, compiled or replayed", async () => {
    const { service } = shared();
    await fill(service);
    for (const [query, variables, operationName] of QUESTIONS) {
      const request = { ...(variables && { variables }), ...(operationName && { operationName }) };
      const said = async (extensions?: object) => {
        const { status, data, errors } = await service.send(query, { ...request, ...(extensions && { extensions }) });
        return { status, data, errors };
      };
      const executed = await said();
      // another request with the same document is compiled, a third is known to be compiled, and then comes again
      for (const extensions of [{ other: 1 }, { other: 2 }, { other: 2 }, { other: 2, consistency: { atLeast: 4 } }]) {
        expect(await said(extensions), query).toEqual(executed);
      }
    }
  });

  test("is refused alike when it is a mutation with wrong input", async () => {
    const { service } = shared();
    await service.addBook("Ubik");
    const inputs = [
      { title: "", author: "A" },
      { title: 5, author: "A" },
      { title: "A" },
      { title: "A", author: "A", publishedDate: "2024-02-30", stockQuantity: 2 ** 31 },
      { title: "A", author: "A", pages: 5, ["__proto__"]: 5 },
      [{ title: "A", author: "A" }, null],
      { title: "A", author: "A", stockQuantity: 2.5, isbn: "12-34" },
      { title: "Ubik", author: "A", stockQuantity: null },
    ];
    for (const [i, input] of inputs.entries()) {
      const document = ADD_BOOK.replace("AddBook", `AddBook${i}`);
      const said = async () => {
        const { status, data, errors } = await service.sendInvalid(document, { variables: { input } });
        return { status, data, errors };
      };
      const executed = await said();
      expect(executed.data?.addBook.__typename, document).not.toBe("Book");
      for (let again = 0; again < 3; again++) expect(await said(), document).toEqual(executed);
    }
  });

  test("does nothing more when the first of its mutations fails", async () => {
    const { service } = shared();
    await service.addBook("A");
    // what asks for too much fails, as what the database does not answer would
    const mutation =
      'mutation ($t: String = "A") { a: deleteBook(title: $t) { __typename } b: deleteBook(title: "A") { __typename } }';
    for (let i = 0; i < 4; i++) {
      const { data, errors } = await service.sendInvalid(mutation, {
        variables: { t: i % 2 ? null : "A" },
        extensions: { consistency: { atLeast: 99 + i } },
      });
      expect([data, errors?.length]).toEqual([null, 1]);
    }
    expect(await service.titles()).toEqual(["A"]);
  });

  test("is true at the revision that it reports, after every kind of change", async () => {
    const { service, ask } = await start();
    const found = async () => {
      const { data, consistency } = await ask('{ book(title: "Ubik") { title version } books { title version } }');
      return [
        data.book?.version ?? null,
        data.books.map(({ title }: { title: string }) => title),
        consistency.revision,
      ];
    };
    const twice = async () => {
      const first = await found();
      expect(await found()).toEqual(first);
      return first;
    };
    expect(await twice()).toEqual([null, [], 0]);
    await service.addBook("Ubik");
    expect(await twice()).toEqual([1, ["Ubik"], 1]);
    await service.addBook("VALIS");
    expect(await twice()).toEqual([1, ["Ubik", "VALIS"], 2]);
    await service.updateBook("Ubik", { stockQuantity: 3 });
    expect(await twice()).toEqual([3, ["Ubik", "VALIS"], 3]);
    await service.updateBook("Ubik", { title: "Eye in the Sky" });
    expect(await twice()).toEqual([null, ["Eye in the Sky", "VALIS"], 4]);
    await service.updateBook("Eye in the Sky", { title: "Ubik" });
    expect(await twice()).toEqual([5, ["Ubik", "VALIS"], 5]);
    await service.deleteBook("Ubik");
    expect(await twice()).toEqual([null, ["VALIS"], 6]);
  });
});

describe.each(READ_PATHS)("an answer that is known, when $store answers", ({ start }) => {
  const shared = sharedPath(start);

  test("is given to whoever asks for a revision that is reached, and to nobody else", async () => {
    const { service, ask } = shared();
    await service.addBook("Ubik");
    await service.addBook("VALIS");
    const question = '{ book(title: "Ubik") { title } }';
    const asking = (atLeast: number) => ({ extensions: { consistency: { atLeast } } });
    for (let again = 0; again < 3; again++) {
      for (const atLeast of [0, 1, 2]) {
        expect((await ask(question, asking(atLeast))).consistency.revision).toBe(2);
        const { data, errors } = await service.send(question, asking(3 + atLeast));
        expect([data, errors?.[0].extensions.code]).toEqual([{ book: null }, "REVISION_NOT_REACHED"]);
        const wrong = await service.send(question, asking(-1));
        expect([wrong.status, wrong.errors?.[0].extensions.code]).toEqual([400, "BAD_USER_INPUT"]);
      }
    }
    await service.addBook("Eye in the Sky");
    expect((await ask(question, asking(3))).consistency.revision).toBe(3);
  });
});

describe.each(["redis", "database"])("an answer that is known from the %s, for a text", (store) => {
  test("is rechecked for the revision of the request at hand", async () => {
    // a busy machine may overrun a short lease
    const redis = store === "redis" && { REDIS_URL: (await startRedis()).url, REDIS_TIMEOUT_MS: "1000" };
    const graphql = await openGraphql({ READ_LEASE_MS: "1000", ...redis });
    const answer = (query: string, atLeast?: Revisions) => {
      const params = { query };
      const text = JSON.stringify(params);
      return graphql.answer({ method: "POST", text, params, ...(atLeast && { atLeast }), accept: JSON_TYPE });
    };
    const question = '{ book(title: "Ubik") { title } }';
    await eventually(`the ${store} answers`, async () => (await answer(question)).text?.report?.servedBy === store);

    const replay = graphql.find(JSON.stringify({ query: question })) as Replay;
    expect(replay).toMatchObject({ kind: "query", cost: 2 });
    const replayed = async (atLeast?: Revisions) => (await graphql.replay(replay, atLeast))?.report;
    for (const atLeast of [undefined, {}, { books: 0 }]) {
      expect(await replayed(atLeast)).toEqual({ revision: 0, servedBy: store });
    }
    expect(await replayed({ books: 1 })).toBeUndefined();
    expect(await answer(question, { books: 1 })).toMatchObject({
      body: expect.stringContaining("REVISION_NOT_REACHED"),
    });

    await answer('mutation { addBook(input: { title: "VALIS", author: "Author" }) { __typename } }');
    expect(await replayed({ books: 1 })).toEqual({ revision: 1, servedBy: store });
    expect(await replayed({ books: 2 })).toBeUndefined();
    // what others ask for is not asked of those who come later
    expect(await replayed()).toEqual({ revision: 1, servedBy: store });
  });
});

describe("an answer that is known", () => {
  const REQUEST: GraphqlRequest = { variables: { title: "Ubik" } };

  test("is not given when another process has changed the book, nor when Redis is gone", async () => {
    const redis = await startRedis();
    const { url: DATABASE_URL } = await newDatabase();
    const [one, other] = await Promise.all([
      startService({ DATABASE_URL, REDIS_URL: redis.url }),
      startService({ DATABASE_URL, REDIS_URL: redis.url }),
    ]);
    await one.addBook("Ubik");
    await servedByRedis(one, other);
    const versions = async () =>
      (await Promise.all([one, other].map((s) => s.ask(BOOK, REQUEST)))).map(({ data }) => data.book?.version);
    for (let version = 1; version < 20; version++) {
      expect(await versions()).toEqual([version, version]);
      await [one, other][version % 2]?.updateBook("Ubik", { stockQuantity: version });
    }
    await redis.kill();
    expect(await versions()).toEqual([20, 20]);
    expect((await one.ask(BOOK, REQUEST)).consistency.servedBy).toBe("database");
  });

  test("is not given without Redis when another process has changed the list or a book of it", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const [one, other] = await Promise.all([startService({ DATABASE_URL }), startService({ DATABASE_URL })]);
    const query = "{ books { title stockQuantity } booksConnection(first: 1) { totalCount } }";
    const lists = async () =>
      (await Promise.all([one, other].map((service) => service.ask(query)))).map(({ data, consistency }) => [
        data.books.map(({ stockQuantity }: { stockQuantity: number }) => stockQuantity),
        data.booksConnection.totalCount,
        consistency.revision,
      ]);
    for (let stock = 1; stock < 10; stock++) {
      const writer = [one, other][stock % 2] as typeof one;
      await writer.addBook("Ubik", { stockQuantity: stock });
      for (let again = 0; again < 2; again++) {
        expect(await lists()).toEqual(Array(2).fill([[stock], 1, 3 * stock - 2]));
      }
      await writer.updateBook("Ubik", { stockQuantity: 100 + stock });
      expect(await lists()).toEqual(Array(2).fill([[100 + stock], 1, 3 * stock - 1]));
      await writer.deleteBook("Ubik");
      expect(await lists()).toEqual(Array(2).fill([[], 0, 3 * stock]));
    }
  });

  test("is refused like any other when Redis is lost and critical", async () => {
    const redis = await startRedis();
    const service = await startService({ REDIS_URL: redis.url, REDIS_CRITICAL: "true" });
    await service.addBook("Ubik");
    await servedByRedis(service);
    await service.ask(BOOK, REQUEST);
    await redis.kill();
    await eventually("queries are refused", async () => {
      const { errors } = await service.send(BOOK, REQUEST);
      return errors?.[0].extensions.code === "SERVICE_UNAVAILABLE";
    });
  });

  test("comes from Redis as soon as that answers again", async () => {
    const redis = await startRedis();
    const service = await startService({ REDIS_URL: redis.url });
    await service.addBook("Ubik");
    await servedByRedis(service);
    await redis.kill();
    const servedBy = async () => (await service.ask(BOOK, REQUEST)).consistency.servedBy;
    for (let i = 0; i < 3; i++) expect(await servedBy()).toBe("database");
    await redis.start();
    await eventually("Redis answers again", async () => (await servedBy()) === "redis");
  });

  test("is an answer to a POST of the same JSON only", async () => {
    const redis = await startRedis();
    const service = await startService({ REDIS_URL: redis.url });
    await servedByRedis(service);
    const search = `?${new URLSearchParams({ query: "{ books { title } }" })}`;
    for (let i = 0; i < 3; i++) expect((await fetch(service.url + search)).status).toBe(200);
    const headers = { "content-type": "application/json" };
    expect((await fetch(service.url, { method: "POST", headers, body: search })).status).toBe(400);

    const body = JSON.stringify({ query: "{ books { title } }" });
    const post = async (more: Record<string, string>) => {
      const response = await fetch(service.url, { method: "POST", headers: { ...headers, ...more }, body });
      return [response.status, response.headers.get("content-type")];
    };
    const type = "application/graphql-response+json";
    for (let i = 0; i < 3; i++) {
      expect(await post({})).toEqual([200, "application/json; charset=utf-8"]);
      expect(await post({ accept: type })).toEqual([200, `${type}; charset=utf-8`]);
      expect(await post({ "content-type": "text/plain" })).toEqual([415, "application/json; charset=utf-8"]);
    }
  });
});
