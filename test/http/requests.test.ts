import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { openConnection, postOf } from "../support/network/raw-connection.ts";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import { type Service, sharedService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

const shared = sharedService();

const LIMIT = 128_000;
const addition = JSON.stringify({ query: ADD_BOOK, variables: { input: { title: "Dune", author: "Frank Herbert" } } });
const question = JSON.stringify({ query: "{ books { title } }" });

function post(service: Service, body: BodyInit, type: string | null = "application/json"): Promise<Response> {
  const headers = type === null ? {} : { "content-type": type };
  return fetch(service.url, { method: "POST", headers, body, duplex: "half" } as RequestInit);
}

/** `body` with spaces around it, `bytes` long in all. */
const padded = (body: string, bytes: number) => body.padEnd(bytes);

/** The body in portions and without a length ahead of it. */
const chunked = (body: string) => new Blob([body]).stream();

const status = async (response: Promise<Response>) => (await response).status;

describe("a POST", () => {
  test.each(["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])(
    "of the type %s runs",
    async (type) => {
      const service = shared();
      expect(await status(post(service, addition, type))).toBe(200);
      expect(await service.titles()).toEqual(["Dune"]);
    },
  );

  test("of any other type is refused, and nothing runs", async () => {
    const service = shared();
    const types = [
      "text/plain",
      "text/plain; application/json",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/graphql",
      "application/jsonp",
      "application/graphql-response+json",
      "",
    ];
    for (const type of types) expect(await status(post(service, addition, type)), type).toBe(415);
    expect(await status(post(service, new Blob([addition]), null)), "no type").toBe(415);
    expect(await service.titles()).toEqual([]);
  });

  test("whose body is no JSON object with a query in UTF-8 is refused", async () => {
    const service = shared();
    const bodies = ["", "{", "null", "7", '"x"', "[]", `[${question}]`, "{}", '{"query":null}', '{"query":{}}', "\0"];
    for (const body of bodies) {
      const response = await post(service, body);
      expect(response.status, body).toBe(400);
      expect((await response.json()).errors[0].extensions.code, body).toBe("BAD_REQUEST");
    }
    const batch = await post(service, `[${question}, ${question}]`);
    expect((await batch.json()).errors[0].message).toMatch(/not taken in batches; send them one by one/);
    const labelled = 'application/json; charset="utf-16"';
    expect(await status(post(service, question, labelled))).toBe(415);
    const latin1 = Buffer.from(question.replace("title", "título"), "latin1");
    expect(await status(post(service, latin1))).toBe(400);
  });

  test("whose parameters are of the wrong kind is refused, however well its query is known", async () => {
    const service = shared();
    for (let spaces = 0; spaces < 5; spaces++)
      expect(await status(post(service, question + " ".repeat(spaces)))).toBe(200);
    for (const part of ['"variables":"x"', '"variables":[1]', '"operationName":"Other"', '"extensions":"x"', '"x":1']) {
      expect(await status(post(service, `${question.slice(0, -1)},${part}}`)), part).toBe(400);
    }
  });

  test("of 128 kB is served, of one byte more is refused, with a length ahead of it or in chunks", async () => {
    const service = shared();
    expect(await status(post(service, padded(question, LIMIT)))).toBe(200);
    expect(await status(post(service, chunked(padded(question, LIMIT))))).toBe(200);
    expect(await status(post(service, padded(addition, LIMIT + 1)))).toBe(413);
    expect(await status(post(service, chunked(padded(addition, LIMIT + 1))))).toBe(413);
    expect(await service.titles()).toEqual([]);
  });

  test("of many megabytes is answered although nobody reads it", async () => {
    const service = shared();
    const large = padded(addition, 30_000_000);
    for (const body of [large, chunked(large)]) {
      const response = await post(service, body);
      expect(response.status).toBe(413);
      expect((await response.json()).errors[0].message).toBe("The body may have at most 128000 bytes.");
    }
    expect(await service.titles()).toEqual([]);
  });

  test("that is too large is answered before it is sent, and its connection closed", async () => {
    const service = shared();
    const connection = await openConnection(service.url);
    await connection.send(postOf("", "").replace("Content-Length: 0", "Content-Length: 900000000"));
    expect((await connection.response()).status).toBe(413);
    await eventually("the connection is closed", () => connection.ended === "closed");
    expect(await service.titles()).toEqual([]);
  });

  test("that is compressed is refused in words", async () => {
    const service = shared();
    for (const encoding of ["gzip", "br, gzip", "x"]) {
      const headers = { "content-type": "application/json", "content-encoding": encoding };
      const response = await fetch(service.url, { method: "POST", headers, body: gzipSync(addition) });
      expect(response.status, encoding).toBe(415);
      expect((await response.json()).errors[0].message, encoding).toMatch(/compressed/);
    }
    const headers = { "content-type": "application/json", "content-encoding": "identity" };
    expect(await status(fetch(service.url, { method: "POST", headers, body: question }))).toBe(200);
    expect(await service.titles()).toEqual([]);
  });

  test("that its client gives up half way runs nothing and harms nobody", async () => {
    const service = shared();
    const connection = await openConnection(service.url);
    await connection.send(postOf(addition).slice(0, -10));
    connection.close();
    await eventually("it is gone", () => connection.ended);
    expect(await service.titles()).toEqual([]);
  });
});

describe("a GET", () => {
  const get = (service: Service, parameters: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${service.url}?${new URLSearchParams(parameters)}`, { headers });

  test("runs a query", async () => {
    const service = shared();
    await service.addBook("Dune");
    const query = "query Book($title: String!) { book(title: $title) { title } }";
    const response = await get(service, { query, variables: '{"title":"Dune"}', operationName: "Book" });
    expect(await response.json()).toMatchObject({ data: { book: { title: "Dune" } } });
  });

  test("never runs a mutation", async () => {
    const service = shared();
    await service.addBook("Dune");
    const query = 'mutation { deleteBook(title: "Dune") { __typename } }';
    expect(await status(get(service, { query }))).toBe(405);
    const both = `query Q { books { title } } ${query.replace("mutation", "mutation M")}`;
    expect(await status(get(service, { query: both, operationName: "M" }))).toBe(405);
    expect(await service.titles()).toEqual(["Dune"]);
  });

  test("without a query, or with variables that are no JSON, is refused", async () => {
    const service = shared();
    expect(await status(fetch(service.url))).toBe(400);
    for (const name of ["variables", "extensions"]) {
      expect(await status(get(service, { query: "{ __typename }", [name]: "{" })), name).toBe(400);
      expect(await status(get(service, { query: "{ __typename }", [name]: "5" })), name).toBe(400);
    }
  });

  test("that fails is answered with a status to those who ask for GraphQL's own type", async () => {
    const service = shared();
    const response = await get(service, { query: "{" }, { accept: "application/graphql-response+json" });
    expect([response.status, response.headers.get("content-type")]).toEqual([
      400,
      "application/graphql-response+json; charset=utf-8",
    ]);
  });
});

describe("any other method", () => {
  test.each(["PUT", "DELETE", "PATCH", "OPTIONS"])("%s is refused, and no other origin is let in", async (method) => {
    const service = shared();
    const response = await fetch(service.url, {
      method,
      headers: { origin: "http://elsewhere.example" },
      ...(method !== "OPTIONS" && { body: addition }),
    });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect(await service.titles()).toEqual([]);
  });

  test("HEAD is a GET without a body", async () => {
    const service = shared();
    const response = await fetch(`${service.url}?query={__typename}`, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });
});

describe("a strange request", () => {
  const strange: [line: string, host: string, status: number][] = [
    ["GET //", "localhost", 404],
    ["GET //graphql?query={__typename}", "localhost", 404],
    ["GET /%", "localhost", 404],
    ["GET /graphql/", "localhost", 404],
    ["GET /graphql?query=%", "localhost", 200],
    ["GET /graphql?query=%C3%28", "localhost", 200],
    ["GET /graphql?%%%", "localhost", 400],
    ["GET /x/../graphql?query={__typename}", "localhost", 404],
    ["GET /%67raphql?query={__typename}", "localhost", 404],
    ["GET /graphql;x?query={__typename}", "localhost", 404],
    ["GET /graphql#?query={__typename}", "localhost", 404],
    ["GET /ready/../graphql", "localhost", 404],
    ["GET http://localhost/graphql?query={__typename}", "localhost", 200],
    ["GET HTTP://LOCALHOST:1/graphql?query={__typename}", "localhost", 200],
    ["GET http://localhost/x/../graphql?query={__typename}", "localhost", 404],
    ["GET ftp://localhost/graphql?query={__typename}", "localhost", 404],
    ["OPTIONS *", "localhost", 404],
    ["TRACE /graphql", "localhost", 405],
    ["GET /__proto__", "localhost", 404],
    [`GET /${"x".repeat(20_000)}`, "localhost", 431],
    ["NONSENSE /", "localhost", 400],
  ];

  test("is answered calmly", async () => {
    const service = shared();
    for (const [line, host, expected] of strange) {
      const connection = await openConnection(service.url);
      await connection.send(`${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      const response = await connection.response();
      expect(response.status, `${line.slice(0, 80)} at ${host}`).toBe(expected);
      expect(response.body).not.toMatch(/ {4}at |node_modules|\/src\//);
    }
    expect(await service.titles()).toEqual([]);
  });

  test("/ leads to /graphql", async () => {
    const service = shared();
    const response = await fetch(new URL("/", service.url), { redirect: "manual" });
    expect([response.status, response.headers.get("location")]).toEqual([302, "/graphql"]);
  });
});
