import { describe, expect, test } from "vitest";
import { bearer, inSeconds, SECRET, tokenWith } from "../support/auth/tokens.ts";
import { plainHttp } from "../support/network/plain-http.ts";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import { type Service, startService } from "../support/service/service.ts";

const READ = "{ books { title } }";
const MEET = 'mutation M { deleteBook(title: "None") { __typename } }';
const INTROSPECTION = "{ __schema { queryType { name } } }";

type Headers = Record<string, string>;

function told(status: number, bytes: Buffer, headers: { "www-authenticate"?: string | undefined }) {
  const { data, errors } = JSON.parse(bytes.toString());
  const [error] = errors ?? [];
  return {
    ...{ status, data: data ?? undefined, code: error?.extensions.code, message: error?.message },
    challenge: headers["www-authenticate"],
  };
}

async function post(service: Service, query: string, headers: Headers = {}, more: object = {}) {
  const body = JSON.stringify({ query, ...more });
  const type = { "content-type": "application/json" };
  const answer = await plainHttp(service.url, { method: "POST", headers: { ...type, ...headers }, body });
  return told(answer.status, answer.bytes, answer.headers);
}

async function get(service: Service, query: string, headers: Headers = {}) {
  const answer = await plainHttp(`${service.url}?${new URLSearchParams({ query })}`, { headers });
  return told(answer.status, answer.bytes, answer.headers);
}

const WAYS = [
  { way: "POST", ask: post },
  { way: "GET", ask: get },
  {
    way: "POST for GraphQL's media type",
    ask: (service: Service, query: string, headers: Headers = {}) =>
      post(service, query, { ...headers, accept: "application/graphql-response+json" }),
  },
] as const;

describe("with a secret", () => {
  test("whoever has the scope may write, over and over; nobody else may, and everybody may read", async () => {
    const service = await startService({ AUTH_JWT_SECRET: SECRET });
    const scopes: [claim: Record<string, unknown>, mayWrite: boolean][] = [
      [{ scope: "books:write" }, true],
      [{ scope: "openid books:write profile" }, true],
      [{ scope: ["books:read", "books:write"] }, true],
      [{ scp: ["books:write"] }, true],
      [{ scp: "books:write" }, true],
      [{}, false],
      [{ scope: "" }, false],
      [{ scope: "books:read" }, false],
      [{ scope: "books:writer xbooks:write BOOKS:WRITE books" }, false],
      [{ scope: "films:write" }, false],
      [{ scope: 42 }, false],
      [{ scope: { "books:write": true } }, false],
      [{ scope: [["books:write"]] }, false],
      [{ scope: null, scp: ["books:read"] }, false],
      [{ permissions: ["books:write"] }, false],
    ];
    for (const [claim, mayWrite] of scopes) {
      const headers = bearer(await tokenWith(claim));
      // executed, kept, known again
      for (let again = 0; again < 3; again++) {
        const answer = await post(service, MEET, headers);
        if (mayWrite) expect(answer, JSON.stringify(claim)).toMatchObject({ status: 200, data: expect.anything() });
        else {
          expect(answer, JSON.stringify(claim)).toEqual({
            ...{ status: 403, data: undefined, code: "FORBIDDEN" },
            message: "The token does not have the scope books:write.",
            challenge: 'Bearer realm="graphql", error="insufficient_scope", scope="books:write"',
          });
        }
        for (const { ask } of WAYS) expect(await ask(service, READ, headers)).toMatchObject({ data: { books: [] } });
      }
    }
    for (let again = 0; again < 3; again++) {
      expect(await post(service, MEET)).toEqual({
        ...{ status: 401, data: undefined, code: "UNAUTHENTICATED" },
        message: "This needs a token with the scope books:write.",
        challenge: 'Bearer realm="graphql", scope="books:write"',
      });
      for (const { ask } of WAYS) expect(await ask(service, READ)).toMatchObject({ data: { books: [] } });
    }
  });

  test("a token that is not good is refused whatever it asks for, with the reason", async () => {
    const service = await startService({
      ...{ AUTH_JWT_SECRET: SECRET, AUTH_ISSUER: "https://issuer.example", AUTH_AUDIENCE: "books,films" },
    });
    const own = { iss: "https://issuer.example", aud: "books", scope: "books:write" };
    const [header = "", payload = "", signature = ""] = (await tokenWith(own)).split(".");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    const good = [
      await tokenWith(own),
      await tokenWith({ ...own, aud: ["others", "films"] }),
      // clocks differ
      await tokenWith({ ...own, exp: inSeconds(-20), nbf: inSeconds(20), iat: inSeconds(20) }),
      await tokenWith(own, { alg: "HS384", key: Buffer.from(SECRET) }),
    ];
    for (const token of good) expect(await post(service, MEET, bearer(token))).toMatchObject({ status: 200 });
    for (const scheme of ["bearer", "BEARER"]) {
      expect(await post(service, MEET, { authorization: `${scheme} ${good[0]}` })).toMatchObject({ status: 200 });
    }
    const bad: [authorization: string, message: string][] = [
      [await tokenWith({ ...own, exp: inSeconds(-40) }), "The token has expired."],
      [await tokenWith({ ...own, nbf: inSeconds(60) }), "The token is not valid yet."],
      [await tokenWith({ ...own, aud: "others" }), "The token is not for this service."],
      [await tokenWith({ ...own, aud: undefined }), "The token is not for this service."],
      [
        await tokenWith({ ...own, iss: "https://other.example" }),
        "The token is not of the issuer that is trusted here.",
      ],
      [await tokenWith({ ...own, iss: undefined }), "The token is not of the issuer that is trusted here."],
      [await tokenWith({ ...own, exp: undefined }), "The token has no claim exp as it must be."],
      [await tokenWith({ ...own, exp: "tomorrow" }), "The token has no claim exp as it must be."],
      [await tokenWith({ ...own, sub: undefined }), "The token has no claim sub as it must be."],
      ...(await Promise.all(
        ["", "a\0b", "x".repeat(256), 42, "\ud800"].map(
          async (sub): Promise<[string, string]> => [
            await tokenWith({ ...own, sub }),
            "The claim sub of the token must be a text of 1 to 255 characters.",
          ],
        ),
      )),
      [await tokenWith(own, { key: Buffer.from(`${SECRET}.`) }), "The token is not valid."],
      [`${none}.${payload}.`, "The token is not valid."],
      [`${none}.${payload}.${signature}`, "The token is not valid."],
      [`${header}.${payload}.`, "The token is not valid."],
      [`${header}.${payload}`, "The token is not valid."],
      [`${header}.${Buffer.from('{"sub":"root"}').toString("base64url")}.${signature}`, "The token is not valid."],
      ["x", "The token is not valid."],
      ["..", "The token is not valid."],
    ].map(([token, message]) => [`Bearer ${token}`, message as string]);
    const unreadable = [
      "",
      "Bearer",
      "Bearer  ",
      "Basic YWxpY2U6c2VjcmV0",
      `Bearer ${good[0]} x`,
      `Token ${good[0]}`,
      "\xff",
    ];
    for (const one of unreadable) bad.push([one, "Authorization must be Bearer and a token."]);
    for (const [authorization, message] of bad) {
      for (const query of [MEET, READ]) {
        for (const { ask } of WAYS) {
          const answer = await ask(service, query, { authorization });
          expect(answer, authorization).toMatchObject({
            status: 401,
            code: "UNAUTHENTICATED",
            message,
            data: undefined,
          });
          expect(answer.challenge).toMatch(/^Bearer realm="graphql", error="invalid_(token|request)"/);
        }
      }
    }
    const endless = await plainHttp(service.url, { headers: bearer("x".repeat(100_000)) });
    expect(endless.status).toBe(431);
  });

  test("with AUTH_READS all else needs a scope, too, however often it was answered to those who have it", async () => {
    const service = await startService({ AUTH_JWT_SECRET: SECRET, AUTH_READS: "true" });
    const reader = bearer(await tokenWith({ scope: "books:read" }));
    const writer = bearer(await tokenWith({ scope: "books:write" }));
    const both = bearer(await tokenWith({ scope: "books:read books:write" }));
    await post(service, ADD_BOOK, both, { variables: { input: { title: "Dune", author: "A" } } });
    const reads = [
      READ,
      INTROSPECTION,
      "{ __typename }",
      '{ node(id: "x") { id } }',
      "{ ...on Query { ...F } } fragment F on Query { books { title } }",
    ];
    for (const query of reads) {
      for (const { ask, way } of WAYS) {
        for (let again = 0; again < 4; again++) {
          const allowed = await ask(service, query, reader);
          expect(allowed, `${way} ${query}`).toMatchObject({ status: 200, data: expect.anything(), code: undefined });
          expect(await ask(service, query, both)).toEqual(allowed);
          expect(await ask(service, query), query).toMatchObject({ status: 401, code: "UNAUTHENTICATED" });
          expect(await ask(service, query, writer), query).toMatchObject({
            ...{ status: 403, code: "FORBIDDEN", message: "The token does not have the scope books:read." },
          });
        }
      }
    }
    expect(await post(service, MEET, reader)).toMatchObject({ status: 403, code: "FORBIDDEN" });
    expect(await post(service, MEET, writer)).toMatchObject({ status: 200 });
    for (const query of ["{", "{ nothing }", ""]) expect(await post(service, query)).toMatchObject({ status: 401 });
    // what is no data is open: the page, and what looks after the process
    const page = await plainHttp(service.url, { headers: { accept: "text/html" } });
    const health = await plainHttp(new URL("/health", service.url));
    expect([page.status, health.status]).toEqual([200, 200]);
  });

  test("with AUTH_READS a document's hash, an ETag and a revision ask for the scope as well", async () => {
    const service = await startService({ AUTH_JWT_SECRET: SECRET, AUTH_READS: "true" });
    const reader = bearer(await tokenWith({ scope: "books:read" }));
    const writer = bearer(await tokenWith({ scope: "books:write" }));
    const { createHash } = await import("node:crypto");
    const sha256Hash = createHash("sha256").update(READ).digest("hex");
    const extensions = { persistedQuery: { version: 1, sha256Hash }, consistency: { atLeast: 0 } };
    expect(await post(service, READ, reader, { extensions })).toMatchObject({ data: { books: [] } });
    const named = async (headers: Headers) => post(service, undefined as never, headers, { extensions });
    const url = `${service.url}?${new URLSearchParams({ query: READ })}`;
    const { etag = "" } = (await plainHttp(url, { headers: reader })).headers;
    for (let again = 0; again < 3; again++) {
      expect(await named(reader)).toMatchObject({ data: { books: [] } });
      expect(await named(writer)).toMatchObject({ status: 403 });
      expect(await named({})).toMatchObject({ status: 401 });
      const statusFor = async (headers: Headers) =>
        (await plainHttp(url, { headers: { ...headers, "if-none-match": etag } })).status;
      expect([await statusFor(reader), await statusFor(writer), await statusFor({})]).toEqual([304, 403, 401]);
    }
  });

  test("a token that was good is good no longer when it has expired", async () => {
    const service = await startService({ AUTH_JWT_SECRET: SECRET });
    // the clocks may differ by 30 s
    const headers = bearer(await tokenWith({ scope: "books:write", exp: inSeconds(-28) }));
    expect(await post(service, MEET, headers)).toMatchObject({ status: 200 });
    await expect
      .poll(async () => (await post(service, MEET, headers)).message, { timeout: 10_000 })
      .toBe("The token has expired.");
  });
});

describe("without tokens", () => {
  test("anybody may write on a loopback address; elsewhere nobody, unless the operator says so", async () => {
    const beyond = { HOST: "0.0.0.0", ALLOWED_HOSTS: "*" };
    const cases: [env: Record<string, string>, mayWrite: boolean][] = [
      [{}, true],
      [{ HOST: "localhost" }, true],
      [{ ALLOW_ANONYMOUS_WRITES: "false" }, false],
      [beyond, false],
      [{ ...beyond, ALLOW_ANONYMOUS_WRITES: "false" }, false],
      [{ ...beyond, ALLOW_ANONYMOUS_WRITES: "true" }, true],
    ];
    for (const [env, mayWrite] of cases) {
      const service = await startService(env);
      for (const headers of [{}, bearer("of anybody")]) {
        const answer = await post(service, MEET, headers);
        if (mayWrite) expect(answer, JSON.stringify(env)).toMatchObject({ status: 200, data: expect.anything() });
        else {
          expect(answer, JSON.stringify(env)).toMatchObject({ status: 403, code: "FORBIDDEN", data: undefined });
          expect(answer.message).toContain("Nothing can be changed");
        }
        expect(await post(service, READ, headers)).toMatchObject({ data: { books: [] } });
      }
      await service.close();
    }
  });
});
