import { describe, expect, test } from "vitest";
import { ADD_BOOK, UPDATE_BOOK } from "../support/service/book-requests.ts";
import type { GraphqlResponse } from "../support/service/graphql-client.ts";
import { sharedService, startService } from "../support/service/service.ts";

const shared = sharedService();

/** The one code of all errors of a response, which must be the client's fault and tell nothing of the inside. */
function codeOf({ status, errors }: GraphqlResponse, what: string): string {
  expect(status, what).toBeLessThan(500);
  const text = JSON.stringify(errors);
  expect(text.length, what).toBeLessThan(30_000);
  expect(text).not.toMatch(/INTERNAL|node_modules|\.ts:|SQLITE|select .* from|stack/i);
  const codes = new Set(errors?.map(({ extensions }) => extensions.code));
  expect(codes.size, `${what}: ${text}`).toBe(1);
  return [...codes][0];
}

describe("a variable of the wrong type", () => {
  test("is BAD_USER_INPUT, and nothing runs", async () => {
    const service = shared();
    const valid = { title: "A", author: "B" };
    const inputs: unknown[] = [
      null,
      undefined,
      "x",
      5,
      [],
      {},
      { title: "A" },
      { ...valid, title: 5 },
      { ...valid, title: null },
      { ...valid, title: ["A"] },
      { ...valid, author: { a: 1 } },
      { ...valid, unknown: 1 },
      { ...valid, version: 1 },
      { ...valid, stockQuantity: "1" },
      { ...valid, stockQuantity: 1.5 },
      { ...valid, stockQuantity: 2147483648 },
      { ...valid, stockQuantity: true },
      { ...valid, isbn: 1234567890 },
      JSON.parse('{ "title": "A", "author": "B", "__proto__": { "isbn": "1234567890" } }'),
      JSON.parse('{ "title": "A", "author": "B", "constructor": {} }'),
    ];
    for (const input of inputs) {
      const response = await service.send(ADD_BOOK, { variables: { input } });
      expect(response.data, JSON.stringify(input)).toBeUndefined();
      expect(codeOf(response, JSON.stringify(input))).toBe("BAD_USER_INPUT");
    }
    expect(await service.titles()).toEqual([]);
  });

  test("is BAD_USER_INPUT for a day that does not exist or is not written YYYY-MM-DD", async () => {
    const service = shared();
    const days = [
      ...["2023-02-29", "1900-02-29", "2023-13-01", "2023-04-31", "2023-00-01", "2023-01-00", "0000-01-01"],
      ...[
        "2023-01-01T00:00:00Z",
        "2023-01-01 ",
        "2023-1-1",
        "20230101",
        "01.01.2023",
        "-001-01-01",
        "12023-01-01",
        "",
        "x",
      ],
      ...[20230101, 1672531200000, 1.5, true, [], ["2023-01-01"], {}],
    ];
    for (const publishedDate of days) {
      for (const [query, variables] of [
        [ADD_BOOK, { input: { title: "A", author: "B", publishedDate } }],
        [UPDATE_BOOK, { title: "A", input: { publishedDate } }],
      ] as const) {
        const response = await service.send(query, { variables });
        expect(response.data, JSON.stringify(publishedDate)).toBeUndefined();
        expect(codeOf(response, JSON.stringify(publishedDate))).toBe("BAD_USER_INPUT");
        expect(response.errors?.[0].message).toContain("YYYY-MM-DD");
      }
    }
  });

  test("is BAD_USER_INPUT in every argument", async () => {
    const service = shared();
    const requests: [string, Record<string, unknown>][] = [
      ["query ($v: String!) { book(title: $v) { id } }", { v: 5 }],
      ["query ($v: String!) { book(title: $v) { id } }", {}],
      ["query ($v: String!) { book(title: $v) { id } }", { v: null }],
      ["query ($v: String) { book(title: $v) { id } }", { v: null }],
      ["query ($v: ID) { book(id: $v) { id } }", { v: 1.5 }],
      ["query ($v: ID) { book(id: $v) { id } }", { v: [] }],
      ["query ($v: Int) { booksConnection(first: $v) { totalCount } }", { v: "5" }],
      ["query ($v: Int) { booksConnection(last: $v) { totalCount } }", { v: 1.5 }],
      ["query ($v: ID!) { node(id: $v) { id } }", { v: 1.5 }],
      ["query ($v: ID!) { node(id: $v) { id } }", { v: {} }],
      ["query ($v: [ID!]!) { nodes(ids: $v) { id } }", { v: [null] }],
      ['mutation ($v: Revision) { deleteBook(title: "A", expectedVersion: $v) { __typename } }', { v: "1" }],
      ["query ($__proto__: String!) { book(title: $__proto__) { id } }", {}],
      ["query ($constructor: String!) { book(title: $constructor) { id } }", {}],
    ];
    for (const [query, variables] of requests) {
      expect(codeOf(await service.send(query, { variables }), query)).toBe("BAD_USER_INPUT");
    }
  });
});

describe("a literal of the wrong type", () => {
  test("is BAD_USER_INPUT for a date, else GRAPHQL_VALIDATION_FAILED", async () => {
    const service = shared();
    const add = (fields: string) =>
      `mutation { addBook(input: { title: "A", author: "B", ${fields} }) { __typename } }`;
    for (const day of [
      '"2023-02-29"',
      '"2023-01-01T00:00:00Z"',
      '""',
      "20230101",
      "1.5",
      "true",
      "[]",
      "{}",
      "today",
    ]) {
      expect(codeOf(await service.sendInvalid(add(`publishedDate: ${day}`)), day)).toBe("BAD_USER_INPUT");
    }
    const invalid = [
      add("stockQuantity: 2147483648"),
      add('stockQuantity: "1"'),
      add("stockQuantity: 1.5"),
      add("isbn: 1234567890"),
      add("unknown: 1"),
      'mutation { addBook(input: { title: "A" }) { __typename } }',
      "mutation { addBook(input: null) { __typename } }",
      "mutation { addBook { __typename } }",
      "{ book(title: 5) { id } }",
      "{ book(id: 1.5) { id } }",
      "{ bookByIsbn(isbn: null) { id } }",
      "{ bookByIsbn { id } }",
    ];
    for (const query of invalid) {
      expect(codeOf(await service.sendInvalid(query), query)).toBe("GRAPHQL_VALIDATION_FAILED");
    }
    expect(await service.titles()).toEqual([]);
  });
});

describe("a document that the schema does not allow", () => {
  test("is GRAPHQL_VALIDATION_FAILED", async () => {
    const service = shared();
    const invalid = [
      "{ nothing }",
      "{ books }",
      "{ books { id { id } } }",
      "{ books { nothing } }",
      '{ book(titel: "A") { id } }',
      "subscription { books { id } }",
      "query ($a: Nothing) { books { id } }",
      "query ($a: Book) { books { id } }",
      "{ ...Missing }",
      "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
      "{ ...A } fragment A on Query { books { id } } fragment A on Query { books { id } }",
      'mutation { addBook(input: { title: "A", author: "B" }) { title } }',
      "{ books @nothing { id } }",
      "{ books { id } } query B { books { id } }",
      "type Book { id: ID }",
      "{ ... @defer { books { id } } }",
      "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
    ];
    for (const query of invalid) {
      const response = await service.sendInvalid(query, { operationName: "B" });
      expect(codeOf(response, query), query).toMatch(/^(GRAPHQL_VALIDATION_FAILED|OPERATION_RESOLUTION_FAILURE)$/);
      expect(response.data).toBeUndefined();
    }
  });

  test("is GRAPHQL_PARSE_FAILED when it is no document", async () => {
    const service = shared();
    for (const query of [
      "",
      " ",
      "{",
      "{ book(",
      "query",
      "{ books { id } } }",
      "\0",
      "\uD800",
      '{ book(title: "\\ud800") { id } }',
    ]) {
      expect(codeOf(await service.sendInvalid(query), JSON.stringify(query))).toBe("GRAPHQL_PARSE_FAILED");
    }
  });

  test("is the client's fault when the operation to run is not in it", async () => {
    const service = shared();
    const two = 'query A { books { id } } mutation B { deleteBook(title: "A") { __typename } }';
    for (const operationName of ["C", "", "a", "__proto__", undefined]) {
      const response = await service.sendInvalid(two, operationName === undefined ? {} : { operationName });
      expect(response.data).toBeUndefined();
      expect(codeOf(response, String(operationName))).toBe("OPERATION_RESOLUTION_FAILURE");
    }
    expect((await service.send(two, { operationName: "A" })).data).toEqual({ books: [] });
    expect((await service.send(two, { operationName: "B" })).data.deleteBook.__typename).toBe("BookNotFoundError");
  });
});

describe("a huge request within the body limit", () => {
  test("gets a small answer soon when its variables hold fifty thousand unknown fields", async () => {
    const service = await startService({ MAX_BODY_KB: "1000" });
    const input = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`f${n}`, 1]));
    const before = process.cpuUsage();
    const response = await service.send(ADD_BOOK, { variables: { input } });
    const { user } = process.cpuUsage(before);
    expect(codeOf(response, "unknown fields")).toBe("BAD_USER_INPUT");
    // microseconds; with the fifty errors that graphql reports by default it is several times as much
    expect(user).toBeLessThan(1_500_000);
  });

  test("gets a small answer when one name or value is huge", async () => {
    const service = shared();
    const huge = "x".repeat(100_000);
    const texts = [
      `{ ${huge} }`,
      `{ book(${huge}: 1) { id } }`,
      `{ book(title: 5) { ${huge} } }`,
      `query ${huge} { ${Array.from({ length: 100 }, (_, n) => `a${n}: book(title: $a) { id }`).join(" ")} }`,
      `query ($${huge}: Int) { books { id } }`,
      `{ ...${huge} }`,
      `{ books { id } } # ${huge}\n }`,
      `{ ${Array.from({ length: 1900 }, (_, n) => `a${n}`).join(" ")} }`,
      `{ ${Array.from({ length: 180 }, (_, n) => `a: book(title: "${n}") { id }`).join(" ")} }`,
    ];
    for (const query of texts) {
      expect(codeOf(await service.sendInvalid(query), query.slice(0, 60))).toMatch(/^GRAPHQL_/);
    }
    for (const input of [huge, { title: "A", author: "B", stockQuantity: huge }, Array(50_000).fill(1)]) {
      expect(codeOf(await service.send(ADD_BOOK, { variables: { input } }), "value")).toBe("BAD_USER_INPUT");
    }
    const { data } = await service.ask(ADD_BOOK, { variables: { input: { title: huge, author: "B" } } });
    expect(data.addBook.__typename).toBe("ValidationError");
    expect(JSON.stringify(data).length).toBeLessThan(1000);
  });

  test("is refused when it has too many tokens", async () => {
    const service = shared();
    expect(codeOf(await service.sendInvalid(`{ ${"id ".repeat(20_000)} }`), "tokens")).toBe("GRAPHQL_PARSE_FAILED");
  });

  test("does not crash the service when it nests deeply, wherever it does", async () => {
    const service = shared();
    const nested = (open: string, inner: string, close: string, depth: number) =>
      open.repeat(depth) + inner + close.repeat(depth);
    // the deepest first: code that has run often needs less of the stack
    const documents = [40_000, 1990, 990, 900, 600, 300].flatMap((depth) => [
      `{ ${nested("a {", "a", "}", depth)} }`,
      `{ ${nested("... {", "books { id }", "}", depth)} }`,
      `{ ${nested("... on Query {", "nothing", "}", depth)} }`,
      `{ nodes(ids: ${nested("[", "1", "]", depth)}) { id } }`,
      `{ nodes(ids: ${"[".repeat(depth)}`,
      `{ book(title: ${nested("{ a: ", "1", "}", depth)}) { id } }`,
      `mutation { addBook(input: ${nested("{ title: ", "1", "}", depth)}) { __typename } }`,
      `query ($a: ${nested("[", "Int", "]", depth)}) { book(title: $a) { id } }`,
      `query ($a: [Int] = ${nested("[", "1", "]", depth)}) { books { id } }`,
      `query ($a: ${"[".repeat(depth)}`,
    ]);
    const chain = Array.from({ length: 180 }, (_, n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`).join(
      " ",
    );
    documents.push(`{ ...F0 } ${chain} fragment F180 on Query { nothing }`);
    for (const query of documents) {
      if (query.length > 120_000) continue;
      const response = await service.sendInvalid(query);
      if (response.errors) codeOf(response, query.slice(0, 40));
    }
    expect(await service.titles()).toEqual([]);
  });

  test("is answered soon, however often it comes, when its fragments multiply", async () => {
    const service = shared();
    const depth = 60;
    const fragments = Array.from({ length: depth }, (_, i) => {
      return `fragment F${i} on __Type { a: ofType { ...F${i + 1} } b: ofType { ...F${i + 1} } }`;
    });
    const query = `{ __type(name: "Book") { ...F0 } } ${fragments.join(" ")} fragment F${depth} on __Type { name }`;
    for (let i = 0; i < 3; i++) {
      expect(codeOf(await service.sendInvalid(query), query)).toBe("LIMIT_EXCEEDED");
    }
  });

  test("does not crash the service when its variables nest deeply", async () => {
    const service = shared();
    const list = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    const object = `${'{"title":'.repeat(10_000)}1${"}".repeat(10_000)}`;
    for (const value of [list, object]) {
      for (const [query, name] of [
        [ADD_BOOK, "input"],
        ["query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", "ids"],
        ["query ($title: String!) { book(title: $title) { id } }", "title"],
      ] as const) {
        const response = await fetch(service.url, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: `{"query":${JSON.stringify(query)},"variables":{"${name}":${value}}}`,
        });
        expect(response.status).toBeLessThan(500);
        const { errors } = await response.json();
        expect(errors[0].extensions.code).toBe("BAD_USER_INPUT");
      }
    }
  });
});
