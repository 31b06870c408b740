import { describe, expect, test } from "vitest";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import { sharedService, startService } from "../support/service/service.ts";

const shared = sharedService();

const JSON_TYPE = "application/json";
const GRAPHQL = "application/graphql-response+json";
const HTML = "text/html";
const EVENTS = "text/event-stream";
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/** What a GET is answered with; undefined for 406. */
const answers: [accept: string, type: string | undefined][] = [
  ["", JSON_TYPE],
  ["*/*", JSON_TYPE],
  ["application/*", JSON_TYPE],
  [JSON_TYPE, JSON_TYPE],
  ["APPLICATION/JSON", JSON_TYPE],
  ["multipart/mixed, application/json;q=0.5", JSON_TYPE],
  [`${GRAPHQL};q=0, ${JSON_TYPE}`, JSON_TYPE],
  [`${JSON_TYPE};q=0.2, ${HTML};q=0.1`, JSON_TYPE],
  [`text/html;q=0, */*`, JSON_TYPE],
  [GRAPHQL, GRAPHQL],
  ["Application/GraphQL-Response+JSON", GRAPHQL],
  [`${GRAPHQL}; charset=utf-8, ${JSON_TYPE}; charset=utf-8`, GRAPHQL],
  [`${JSON_TYPE};q=0.9, ${GRAPHQL}`, GRAPHQL],
  [`${JSON_TYPE};q=0, */*`, GRAPHQL],
  [BROWSER, HTML],
  [HTML, HTML],
  ["TEXT/HTML", HTML],
  ["text/*", HTML],
  ["text/html;q=0.1", HTML],
  [`${JSON_TYPE};q=0.1, ${HTML};q=0.2`, HTML],
  ["text/html;q=0", undefined],
  [`${JSON_TYPE};q=0`, undefined],
  ["*/*;q=0", undefined],
  ["image/png", undefined],
  ["text/event-stream", EVENTS],
  [`${JSON_TYPE};q=0.5, text/event-stream`, EVENTS],
  [`${JSON_TYPE}, text/event-stream`, JSON_TYPE],
  ["nonsense", undefined],
  // of what is longer than anybody has need of, nothing is read
  [`${"image/png,".repeat(1000)}text/html`, JSON_TYPE],
];

const plain = (type: string | null) => type?.split(";")[0];

describe("what a request accepts", () => {
  test("is what a GET is answered with, a page for people among it", async () => {
    const service = shared();
    for (const [accept, type] of answers) {
      const response = await fetch(`${service.url}?query={__typename}`, { headers: { accept } });
      const found = response.status === 406 ? undefined : plain(response.headers.get("content-type"));
      expect(found, accept).toBe(type);
      expect(response.headers.get("vary"), accept).toMatch(/^Accept,/);
      await response.arrayBuffer();
    }
  });

  test("is what a POST is answered with, and what accepts neither type runs nothing", async () => {
    const service = shared();
    const send = (accept: string, title: string) =>
      fetch(service.url, {
        method: "POST",
        headers: { accept, "content-type": JSON_TYPE },
        body: JSON.stringify({ query: ADD_BOOK, variables: { input: { title, author: "A" } } }),
      });
    for (const [accept, title, type] of [
      ["*/*", "One", JSON_TYPE],
      [GRAPHQL, "Two", GRAPHQL],
      [BROWSER, "Three", JSON_TYPE],
    ] as const) {
      const response = await send(accept, title);
      expect([response.status, plain(response.headers.get("content-type"))], accept).toEqual([200, type]);
    }
    for (const accept of [HTML, "image/*", `${JSON_TYPE};q=0`]) {
      const response = await send(accept, "Four");
      expect(response.status, accept).toBe(406);
      expect((await response.json()).errors[0].extensions.code).toBe("BAD_REQUEST");
    }
    expect(await service.titles()).toEqual(["One", "Three", "Two"]);
  });
});

describe("a refusal", () => {
  test("is of the type that the answer would be, and of plain JSON where that is none", async () => {
    const service = shared();
    const types = {
      [GRAPHQL]: GRAPHQL,
      [JSON_TYPE]: JSON_TYPE,
      "image/png": JSON_TYPE,
      "*/*": JSON_TYPE,
      [HTML]: JSON_TYPE,
    };
    const refused: [RequestInit, status: number][] = [
      [{ method: "PUT" }, 405],
      [{ method: "POST", body: "{}" }, 415],
      [{ method: "POST", headers: { "content-type": JSON_TYPE }, body: "{}" }, 400],
      [{ method: "POST", headers: { "content-type": JSON_TYPE }, body: " ".repeat(200_000) }, 413],
    ];
    for (const [accept, type] of Object.entries({ ...types, [`${GRAPHQL};q=0.9, ${JSON_TYPE};q=0.8`]: GRAPHQL })) {
      for (const [init, status] of refused) {
        const response = await fetch(service.url, { ...init, headers: { ...init.headers, accept } });
        const isUnacceptable = (accept === HTML || accept === "image/png") && init.method === "POST";
        expect(response.status, accept).toBe(isUnacceptable ? 406 : status);
        expect(plain(response.headers.get("content-type")), accept).toBe(type);
        expect((await response.json()).errors[0].extensions.code).toBe("BAD_REQUEST");
      }
    }
  });
});

describe("when GraphiQL is turned off", () => {
  test("a browser gets data, and what accepts only a page gets nothing", async () => {
    const service = await startService({ GRAPHIQL: "false" });
    const ask = (accept: string) => fetch(`${service.url}?query={__typename}`, { headers: { accept } });
    expect(await (await ask(BROWSER)).json()).toEqual({ data: { __typename: "Query" } });
    expect((await ask(HTML)).status).toBe(406);
  });
});
