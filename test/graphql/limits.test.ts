import { getIntrospectionQuery } from "graphql";
import { describe, expect, test } from "vitest";
import type { GraphqlRequest } from "../support/service/graphql-client.ts";
import { type Service, sharedService, startService } from "../support/service/service.ts";

const shared = sharedService();

const SCALARS =
  "id title author publishedDate isbn isbn10 language description coverUrl stockQuantity version addedAt updatedAt";

/** Fragments of which each spreads the next twice. */
function doubling(on: string, depth: number, last: string): string {
  const fragments = Array.from({ length: depth }, (_, n) => `fragment F${n} on ${on} { ...F${n + 1} ...F${n + 1} }`);
  return `${fragments.join(" ")} fragment F${depth} on ${on} { ${last} }`;
}

const repeated = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n)).join(" ");

/** What a request is told over POST and over GET, twice each: it must be the same. */
async function told(service: Service, query: string, request: GraphqlRequest = {}) {
  const parameters = Object.entries(request).map(([name, value]) => [name, JSON.stringify(value)]);
  const search = new URLSearchParams([["query", query], ...parameters]);
  const answers = [];
  for (let i = 0; i < 2; i++) {
    const posted = await service.sendInvalid(query, request);
    answers.push({ status: posted.status, data: posted.data, errors: posted.errors, cost: posted.cost });
    const got = await fetch(`${service.url}?${search}`);
    const { data, errors, extensions } = await got.json();
    answers.push({ status: got.status, data, errors, cost: extensions?.cost });
  }
  for (const answer of answers) expect(answer, query.slice(0, 100)).toEqual(answers[0]);
  return answers[0] as (typeof answers)[number];
}

async function refused(service: Service, query: string, limit: string, request: GraphqlRequest = {}) {
  const { status, data, errors } = await told(service, query, request);
  expect(data, query.slice(0, 100)).toBeUndefined();
  expect(status).toBe(400);
  expect(errors?.length).toBe(1);
  expect(errors?.[0].extensions).toMatchObject({ code: "LIMIT_EXCEEDED", limit });
  return errors?.[0].extensions as { max: number; actual: number };
}

async function answered(service: Service, query: string, request: GraphqlRequest = {}) {
  const { status, errors, data, cost } = await told(service, query, request);
  expect(errors, query.slice(0, 100)).toBeUndefined();
  expect(status).toBe(200);
  return { data, cost };
}

/** What it is told to cost. */
async function costOf(service: Service, query: string, variables: Record<string, unknown> = {}) {
  return (await told(service, query, { variables, extensions: { cost: true } })).cost;
}

describe("a request that multiplies", () => {
  test("is refused before anything runs, over POST and GET", async () => {
    const service = shared();
    const ids = `fragment F on Book { ${repeated(50, (n) => `${"abcdefghij"[n % 10]}${n}:id`)} }`;
    const books = `{ ${repeated(5, (n) => `${"abcde"[n]}:books{...F}`)} } ${ids}`;
    expect(await refused(service, books, "aliases")).toMatchObject({ max: 60, actual: 255 });

    const generous = await startService({ MAX_ALIASES: "10000", MAX_DEPTH: "1000" });
    expect(await refused(generous, books, "cost")).toEqual(expect.objectContaining({ actual: 5 + 5 * 10_000 * 50 }));
    const types = `{ ${repeated(25, (n) => `s${n}: __schema { types { ...T } }`)} }
      fragment T on __Type { fields { type { ...N } args { type { ...N } } } }
      fragment N on __Type { ${repeated(60, (n) => `n${n}: name`)} }`;
    expect((await refused(generous, types, "cost")).actual).toBeGreaterThan(150_000);
    await refused(service, types, "aliases");
    const type = (n: number) => `fragment F${n} on __Type { a: ofType { ...F${n + 1} } b: ofType { ...F${n + 1} } }`;
    const deep = `{ __schema { types { ...F0 } } } ${repeated(60, type)} fragment F60 on __Type { name }`;
    await refused(service, deep, "depth");
    expect((await refused(generous, deep, "aliases")).actual).toBeGreaterThan(2 ** 52);
  });

  test("by fragments that double takes no time, wherever they stand", async () => {
    const service = shared();
    const depth = 150;
    const at: readonly [string, string, string][] = [
      ["{ booksConnection(first: 0) { ...F0 } }", "BooksConnection", "totalCount"],
      ["{ booksConnection(first: 0) { pageInfo { ...F0 } } }", "PageInfo", "hasNextPage"],
      ["{ ...F0 }", "Query", "__typename"],
      ["{ books { ...F0 } }", "Book", "title"],
      ["{ __schema { ...F0 } }", "__Schema", "types { name }"],
      ['{ bookEditForm(title: "A") { ...F0 } }', "BookEditForm", "mutation"],
    ];
    for (const [query, on, last] of at) {
      await refused(service, `${query} ${doubling(on, depth, last)}`, on === "Query" ? "rootFields" : "cost");
    }
    const mutation = `mutation { deleteBook(title: "A") { ...F0 } } ${doubling("DeleteBookResult", depth, "__typename")}`;
    const { errors } = await service.sendInvalid(mutation);
    expect(errors?.[0].extensions).toMatchObject({ code: "LIMIT_EXCEEDED", limit: "cost" });
  });

  test("is not let into the walk for totalCount", async () => {
    const service = await startService({ MAX_COST: "1000000000" });
    // as many as the cost allows: without a memory of fragments it would take minutes to find that totalCount is not there
    await answered(service, `{ booksConnection(first: 0) { ...F0 } } ${doubling("BooksConnection", 28, "__typename")}`);
  });
});

describe("each limit", () => {
  test("lets what reaches it through, and refuses one more", async () => {
    const service = shared();
    const nested = (levels: number) =>
      `{ __type(name: "A") { ${"ofType { ".repeat(levels - 2)} name ${"} ".repeat(levels - 2)} } }`;
    await answered(service, nested(16));
    expect(await refused(service, nested(17), "depth")).toMatchObject({ max: 16, actual: 17 });

    const aliased = (count: number) => `{ booksConnection { ${repeated(count, (n) => `a${n}: totalCount`)} } }`;
    await answered(service, aliased(60));
    expect(await refused(service, aliased(61), "aliases")).toMatchObject({ max: 60, actual: 61 });

    const roots = (count: number) => `{ ${repeated(count, (n) => `a${n}: __typename`)} }`;
    await answered(service, roots(30));
    expect(await refused(service, roots(31), "rootFields")).toMatchObject({ max: 30, actual: 31 });
    const spread = `{ ${repeated(16, () => "...F")} } fragment F on Query { __typename a: __typename }`;
    expect(await refused(service, spread, "rootFields")).toMatchObject({ actual: 32 });
  });

  test("can be set", async () => {
    const service = await startService({ MAX_DEPTH: "2", MAX_ALIASES: "1", MAX_ROOT_FIELDS: "1", MAX_COST: "20001" });
    await answered(service, "{ a: books { title author } }");
    await refused(service, "{ booksConnection { edges { cursor } } }", "depth");
    await refused(service, "{ a: books { b: title } }", "aliases");
    await refused(service, "{ __typename books { title } }", "rootFields");
    expect(await refused(service, "{ books { title author id } }", "cost")).toEqual({
      ...{ code: "LIMIT_EXCEEDED", limit: "cost" },
      ...{ max: 20_001, actual: 30_001 },
    });
  });

  test("counts only the operation that runs", async () => {
    const service = shared();
    const query = `query A { __typename } query B { ${repeated(31, (n) => `a${n}: __typename`)} }`;
    for (let i = 0; i < 3; i++) {
      expect((await service.sendInvalid(query, { operationName: "A" })).data).toEqual({ __typename: "Query" });
      expect((await service.sendInvalid(query, { operationName: "B" })).errors?.[0].extensions.limit).toBe(
        "rootFields",
      );
    }
  });
});

describe("the limit of cost", () => {
  test.each([{}, { MAX_BOOKS: "3" }, { MAX_BOOKS: "1000000" }])(
    "admits all books with every scalar and what tools ask of the schema, with %o",
    async (env) => {
      const service = await startService(env);
      await answered(service, `{ books { __typename ${SCALARS} } }`);
      const everything = { inputValueDeprecation: true, oneOf: true, schemaDescription: true, specifiedByUrl: true };
      await answered(service, getIntrospectionQuery({ ...everything, directiveIsRepeatable: true }));
    },
  );

  test("does not admit all books twice", async () => {
    const service = shared();
    await refused(service, `{ a: books { ${SCALARS} } b: books { ${SCALARS} } }`, "cost");
  });
});

describe("the cost of a request", () => {
  test("is told when it is asked for, by what may be returned", async () => {
    const service = await startService({ MAX_BOOKS: "100" });
    for (const [query, cost] of [
      ["{ __typename }", 1],
      ['{ book(title: "A") { title author } }', 3],
      ["{ books { title author } }", 1 + 100 * 2],
      ["{ booksConnection { totalCount } }", 21],
      ["{ booksConnection { facets { isExact } } }", 202],
      [
        "{ booksConnection(first: 3) { nodes { title } facets { authors(first: 7) { value count } inStock { count } } } }",
        1 + 1 + 3 + 200 + 15 + 3,
      ],
      ["{ booksConnection { edges { node { title } } } }", 1 + 1 + 50 * 2],
      ["{ booksConnection(first: 7) { edges { cursor } pageInfo { hasNextPage } } }", 1 + 1 + 7 + 1 + 1],
      ["{ booksConnection(last: 7) { edges { cursor } } }", 1 + 1 + 7],
      ["{ booksConnection(first: 0) { edges { cursor } } }", 1 + 1],
      ['{ nodes(ids: ["a", "b", "c"]) { id ... on Book { title } } }', 1 + 3 * 2],
      ['{ nodes(ids: "a") { id } }', 2],
      ['{ bookEditForm(title: "A") { fields { name value } jsonSchema } }', 1 + 1 + 9 * 2 + 1],
      ["{ ...F ...F } fragment F on Query { books { title } }", 2 * (1 + 100)],
      ["{ ... { books { ... on Book { title } ... on Node { id } } } }", 1 + 100 * 2],
      ["{ books { title @skip(if: true) } }", 1 + 100],
    ] as const) {
      expect(await costOf(service, query), query).toBe(cost);
    }
    const { data } = await service.ask("{ books { title } }", { extensions: { cost: false } });
    expect(data).toEqual({ books: [] });
  });

  test("follows from the values of variables, whichever way the answer is made", async () => {
    const service = shared();
    const page =
      "query ($n: Int = 3) { booksConnection(first: $n) { ...F } } fragment F on BooksConnection { edges { cursor } }";
    const cases: [Record<string, unknown>, number][] = [
      [{ n: 7 }, 9],
      [{}, 5],
      [{ n: null }, 52],
      [{ n: 500 }, 502],
    ];
    // the first is executed, the second compiled, and the others find what was compiled
    for (let i = 0; i < 2; i++)
      for (const [variables, cost] of cases) expect(await costOf(service, page, variables)).toBe(cost);
    const nodes = "query ($ids: [ID!]!, $id: ID!) { nodes(ids: $ids) { id } one: nodes(ids: [$id, $id]) { id } }";
    expect(await costOf(service, nodes, { ids: ["a", "b", "c"], id: "x" })).toBe(1 + 3 + 1 + 2);

    const many = "query ($ids: [ID!]!) { a: nodes(ids: $ids) { id } b: nodes(ids: $ids) { id } }";
    const limited = await startService({ MAX_COST: "100" });
    await answered(limited, many, { variables: { ids: ["a"] } });
    const ids = Array.from({ length: 50 }, (_, n) => `${n}`);
    expect(await refused(limited, many, "cost", { variables: { ids } })).toMatchObject({ max: 100, actual: 102 });
    await answered(limited, many, { variables: { ids: ["a"] } });
  });

  test("is told with the refusal as well, where it is known", async () => {
    const service = await startService({ MAX_COST: "10" });
    expect(await costOf(service, "{ books { title } }")).toBe(10_001);
    expect(await costOf(service, "{ nothing }")).toBeUndefined();
  });

  test("does not hide what is wrong with an argument", async () => {
    const service = shared();
    const page = "query ($n: Int) { booksConnection(first: $n) { edges { node { title } } } }";
    for (const n of [-1, 501, 2 ** 31 - 1, 2 ** 40, 1e300, "5", [5], {}, true]) {
      const { errors } = await service.sendInvalid(page, { variables: { n } });
      expect(errors?.[0].extensions.code, JSON.stringify(n)).toBe("BAD_USER_INPUT");
    }
  });

  test("counts a mutation's field ten times", async () => {
    const service = shared();
    const response = await service.send('mutation { deleteBook(title: "A") { __typename } }', {
      extensions: { cost: true },
    });
    expect(response.cost).toBe(11);
  });

  test("is BAD_USER_INPUT when it is asked for by what is no boolean", async () => {
    const service = shared();
    for (const cost of ["yes", 1, {}, []]) {
      const { errors } = await service.sendInvalid("{ __typename }", { extensions: { cost } });
      expect(errors?.[0]).toMatchObject({ message: /extensions\.cost/, extensions: { code: "BAD_USER_INPUT" } });
    }
  });
});

describe("without introspection", () => {
  test("the schema is FORBIDDEN, not even guessed at, and all else is answered", async () => {
    const service = await startService({ INTROSPECTION: "false" });
    for (const query of [
      getIntrospectionQuery(),
      '{ __type(name: "Book") { name } }',
      "{ ...F } fragment F on Query { ... { __schema { types { name } } } }",
    ]) {
      const { status, data, errors } = await told(service, query);
      expect([status, data, errors?.[0].extensions.code]).toEqual([403, undefined, "FORBIDDEN"]);
    }
    expect((await answered(service, "{ __typename books { __typename } }")).data).toEqual({
      __typename: "Query",
      books: [],
    });
    expect((await told(service, "{ boks { id } }")).errors?.[0].message).not.toMatch(/did you mean/i);
  });
});

describe("nodes", () => {
  test("beyond ten thousand ids are BAD_USER_INPUT, however large a body may be", async () => {
    const service = await startService({ MAX_BODY_KB: "10000", MAX_COST: "100000000" });
    const NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    for (const length of [10_001, 40_000, 70_000]) {
      const ids = Array.from({ length }, (_, n) => Buffer.from(`Book:${n + 1}`).toString("base64"));
      const { errors } = await service.send(NODES, { variables: { ids } });
      expect(errors?.[0]).toMatchObject({ message: /10000/, extensions: { code: "BAD_USER_INPUT" } });
    }
    const ids = Array.from({ length: 10_000 }, (_, n) => Buffer.from(`Book:${n + 1}`).toString("base64"));
    expect((await service.ask(NODES, { variables: { ids } })).data.nodes).toHaveLength(10_000);
    const twice = "query ($ids: [ID!]!) { a: nodes(ids: $ids) { id } b: nodes(ids: $ids) { id } }";
    const { errors } = await service.send(twice, { variables: { ids: ids.slice(0, 5001) } });
    expect(errors?.[0].extensions.code).toBe("BAD_USER_INPUT");
    expect((await service.ask(twice, { variables: { ids: ids.slice(0, 5000) } })).data.b).toHaveLength(5000);
  });
});
