import { describe, expect, test } from "vitest";
import { newDatabase } from "../support/database/database.ts";
import { plainHttp } from "../support/network/plain-http.ts";
import { READ_PATHS, sharedPath } from "../support/service/read-paths.ts";
import { type Service, sharedService, startService } from "../support/service/service.ts";

const shared = sharedService();

const BOOK = "query Book($title: String!) { book(title: $title) { title version } }";

async function get(service: Service, parameters: Record<string, string>, headers: Record<string, string> = {}) {
  const answer = await plainHttp(`${service.url}?${new URLSearchParams(parameters)}`, { headers });
  const text = answer.bytes.toString();
  const { etag, "cache-control": caching, "consistency-revision": revision } = answer.headers;
  return { ...answer, body: text === "" ? undefined : JSON.parse(text), etag, caching, revision };
}

const dune = { query: BOOK, variables: '{"title":"Dune"}' };

describe.each(READ_PATHS)("a GET when $store answers", ({ start }) => {
  const shared = sharedPath(start);

  test("is answered alike when it comes again, and as a POST is", async () => {
    const { service } = shared();
    await service.addBook("Dune");
    const two =
      "query A { books { title } } query B($first: Int = 1) { booksConnection(first: $first) { totalCount } }";
    const questions: Record<string, string>[] = [
      dune,
      { ...dune, variables: '{"title":"None"}' },
      { ...dune, operationName: "Book" },
      { ...dune, extensions: '{"cost":true}' },
      { ...dune, extensions: '{"consistency":{"atLeast":1}}' },
      { query: two, operationName: "A" },
      { query: two, operationName: "B" },
      { query: two, operationName: "B", variables: '{"first":0}' },
      { query: "{ __typename }" },
    ];
    for (const question of questions) {
      const { variables = "null", extensions = "null", ...others } = question;
      const request = { ...others, variables: JSON.parse(variables), extensions: JSON.parse(extensions) };
      const { data, cost } = await service.send(question.query as string, request);
      const answers = [];
      for (let again = 0; again < 4; again++) answers.push(await get(service, question));
      for (const { status, body, etag, caching } of answers) {
        expect({ status, data: body.data, cost: body.extensions?.cost, caching }).toEqual({
          ...{ status: 200, data, cost, caching: "private, no-cache" },
        });
        expect(etag).toBe(answers[0]?.etag);
      }
      expect(answers[0]?.etag, question.query).toMatch(/^W\/"[\w-]{22}"$/);
    }
  });

  test("is not sent again to who has it, until it has become another; the header tells the revision", async () => {
    const { service } = await start();
    await service.addBook("Dune");
    const { etag = "" } = await get(service, dune);
    const again = () => get(service, dune, { "if-none-match": etag });
    for (let i = 0; i < 3; i++)
      expect(await again()).toMatchObject({ status: 304, etag, revision: "1", body: undefined });
    // another book's change makes the answer true at another revision
    await service.addBook("Ubik");
    for (let i = 0; i < 3; i++) {
      expect(await again()).toMatchObject({ status: 304, etag, revision: "2", caching: "private, no-cache" });
    }
    await service.updateBook("Dune", {});
    const changed = await again();
    expect(changed).toMatchObject({ status: 200, revision: "3", body: { data: { book: { version: 3 } } } });
    expect(changed.etag).not.toBe(etag);
    await service.deleteBook("Dune");
    expect(await again()).toMatchObject({ status: 200, revision: "4", body: { data: { book: null } } });
  });

  test("has the answer at least as new as it asks for, or an error, though its client has the same", async () => {
    const { service } = await start();
    await service.addBook("Dune");
    const { etag = "" } = await get(service, dune);
    const again = (atLeast: string) => get(service, dune, { "if-none-match": etag, "consistency-at-least": atLeast });
    for (let i = 0; i < 3; i++) {
      expect((await again("1")).status).toBe(304);
      const refused = await again("2");
      expect(refused.body.errors[0].extensions.code).toBe("REVISION_NOT_REACHED");
      expect([refused.status, refused.caching, refused.etag]).toEqual([200, "no-store", undefined]);
    }
  });
});

describe("If-None-Match", () => {
  test("is a list of tags of any strength, or any at all", async () => {
    const service = shared();
    await service.addBook("Dune");
    const { etag = "" } = await get(service, dune);
    const { etag: other = "" } = await get(service, { ...dune, variables: '{"title":"None"}' });
    const strong = etag.slice(2);
    const held = [etag, strong, `${other}, ${etag}`, `"a,b" ,${strong}`, `${etag},`, "*", " * "];
    const notHeld = [
      other,
      "",
      ",",
      "W/",
      '""',
      '"*"',
      "**",
      strong.slice(1, -1),
      strong.slice(0, -1),
      `"x${strong}`,
      `w/"x"`,
    ];
    for (let again = 0; again < 3; again++) {
      for (const tags of held) expect((await get(service, dune, { "if-none-match": tags })).status, tags).toBe(304);
      for (const tags of notHeld) expect((await get(service, dune, { "if-none-match": tags })).status, tags).toBe(200);
    }
    const long = `${`${other}, `.repeat(500)}${etag}`;
    expect((await get(service, dune, { "if-none-match": long })).status).toBe(304);
  });

  test("does not keep an error from who asks, nor a POST's answer, and makes no HEAD longer", async () => {
    const service = shared();
    await service.addBook("Dune");
    for (const parameters of [{ query: "{" }, { query: "{ nothing }" }, { query: BOOK }]) {
      const { status, body, etag, caching } = await get(service, parameters as typeof dune, { "if-none-match": "*" });
      expect([status, etag, caching]).toEqual([200, undefined, "no-store"]);
      expect(body.errors).toHaveLength(1);
    }
    const { etag = "" } = await get(service, dune);
    const url = `${service.url}?${new URLSearchParams(dune)}`;
    const head = await plainHttp(url, { method: "HEAD" });
    expect([head.status, head.headers.etag, head.bytes.length]).toEqual([200, etag, 0]);
    expect((await plainHttp(url, { method: "HEAD", headers: { "if-none-match": etag } })).status).toBe(304);
    const posted = await plainHttp(service.url, {
      method: "POST",
      headers: { "content-type": "application/json", "if-none-match": "*" },
      body: JSON.stringify({ query: BOOK, variables: { title: "Dune" } }),
    });
    expect([posted.status, posted.headers.etag, posted.headers["cache-control"]]).toEqual([200, undefined, "no-store"]);
  });

  test("is of the data, wherever that was made", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const services = [await startService({ DATABASE_URL }), await startService({ DATABASE_URL })] as const;
    await services[0].addBook("Dune");
    const { etag = "" } = await get(services[0], dune);
    expect(await get(services[1], dune, { "if-none-match": etag })).toMatchObject({ status: 304, etag });
  });
});

describe("a replay of a GET", () => {
  test("answers no POST of the same text", async () => {
    const service = shared();
    await service.addBook("Dune");
    for (let i = 0; i < 3; i++) await get(service, dune);
    const { status } = await plainHttp(service.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `?${new URLSearchParams(dune)}`,
    });
    expect(status).toBe(400);
  });
});
