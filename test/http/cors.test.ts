import { describe, expect, test } from "vitest";
import { type Service, sharedService, startService } from "../support/service/service.ts";

const shared = sharedService();

const QUESTION = JSON.stringify({ query: "{ __typename }" });

const LOCAL = [
  "http://localhost:5173",
  "https://localhost",
  "http://LOCALHOST:3000",
  "http://app.localhost:8080",
  "http://127.0.0.1:4001",
  "http://127.8.9.1",
  "http://[::1]:5173",
];
const FOREIGN = [
  "http://elsewhere.example",
  "https://localhost.example.com",
  "http://127.0.0.1.example.com",
  "http://10.0.0.1:5173",
  "http://localhost@elsewhere.example",
  "http://elsewhere.example#.localhost",
  "http://localhost\\.elsewhere.example",
  "ftp://localhost",
  "null",
  "localhost",
  "",
  `http://${"x".repeat(1000)}.example`,
];

/** What a page of this origin is told with an answer. */
async function answerTo(service: Service, origin: string, init: RequestInit = {}) {
  const response = await fetch(service.url, {
    method: "POST",
    body: QUESTION,
    ...init,
    headers: { origin, "content-type": "application/json", ...init.headers },
  });
  await response.arrayBuffer();
  const told = (name: string) => response.headers.get(`access-control-${name}`);
  return { status: response.status, allowed: told("allow-origin"), credentials: told("allow-credentials"), response };
}

/** What a browser is told that asks for a page of this origin. */
async function preflight(service: Service, origin: string, method: string, headers?: string) {
  const response = await fetch(service.url, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": method,
      ...(headers !== undefined && { "access-control-request-headers": headers }),
    },
  });
  const text = await response.text();
  const code = text === "" ? undefined : JSON.parse(text).errors[0].extensions.code;
  return { status: response.status, code, allowed: response.headers.get("access-control-allow-origin"), response };
}

describe("unless CORS_ORIGINS is set, on a loopback address", () => {
  test("pages of this machine may read every answer, whatever their port, and others none", async () => {
    const service = shared();
    for (const origin of LOCAL) {
      expect(await answerTo(service, origin), origin).toMatchObject({
        status: 200,
        allowed: origin,
        credentials: null,
      });
    }
    for (const origin of FOREIGN) {
      const { status, allowed, response } = await answerTo(service, origin);
      expect([status, allowed, response.headers.get("access-control-expose-headers")], origin).toEqual([
        200,
        null,
        null,
      ]);
    }
  });

  test("refusals can be read, too, so that a page knows what was wrong", async () => {
    const service = shared();
    const origin = "http://localhost:5173";
    const refused: [init: RequestInit, status: number][] = [
      [{ body: "{" }, 400],
      [{ body: " ".repeat(200_000) }, 413],
      [{ headers: { "content-type": "text/plain" } }, 415],
      [{ headers: { accept: "image/png" } }, 406],
      [{ method: "PUT" }, 405],
    ];
    for (const [init, status] of refused) {
      expect(await answerTo(service, origin, init)).toMatchObject({ status, allowed: origin });
    }
  });

  test("a page may read what an answer says of itself, and caches tell origins apart", async () => {
    const { response } = await answerTo(shared(), "http://localhost:5173");
    const exposed = response.headers.get("access-control-expose-headers")?.split(", ");
    for (const name of ["Consistency-Revision", "ETag", "Retry-After", "RateLimit"]) expect(exposed).toContain(name);
    expect(response.headers.get("vary")).toMatch(/\bOrigin\b/);
  });
});

describe("unless CORS_ORIGINS is set, on any other address", () => {
  test("no page of another origin may ask", async () => {
    const service = await startService({ HOST: "0.0.0.0" });
    for (const origin of [...LOCAL, ...FOREIGN]) expect((await answerTo(service, origin)).allowed, origin).toBeNull();
  });
});

describe("CORS_ORIGINS", () => {
  test("lists whose pages may ask, with credentials", async () => {
    const service = await startService({
      CORS_ORIGINS: "https://Books.example.com:443/, http://localhost:5173,app://books",
    });
    for (const origin of ["https://books.example.com", "http://localhost:5173", "app://books"]) {
      expect(await answerTo(service, origin), origin).toMatchObject({ allowed: origin, credentials: "true" });
      expect((await preflight(service, origin, "POST")).response.headers.get("access-control-allow-credentials")).toBe(
        "true",
      );
    }
    for (const origin of [
      "http://books.example.com",
      "https://books.example.com:8443",
      "http://localhost:5174",
      "null",
    ]) {
      expect(await answerTo(service, origin), origin).toMatchObject({ allowed: null, credentials: null });
    }
  });

  test("may be any, but without credentials", async () => {
    const service = await startService({ CORS_ORIGINS: "*" });
    for (const origin of ["http://elsewhere.example", "null"]) {
      expect(await answerTo(service, origin), origin).toMatchObject({ allowed: "*", credentials: null });
    }
  });
});

describe("a preflight", () => {
  const origin = "http://localhost:5173";

  test("says what a page may send, and for how long it need not be asked again", async () => {
    const service = shared();
    const headers =
      "Content-Type,authorization, consistency-at-least,if-none-match,apollo-require-preflight,traceparent,";
    for (const asked of [undefined, "", "content-type", headers]) {
      for (const method of ["GET", "HEAD", "POST"]) {
        const { status, allowed, response } = await preflight(service, origin, method, asked);
        expect([status, allowed, response.headers.get("content-length")], asked).toEqual([204, origin, null]);
        const told = (name: string) => response.headers.get(`access-control-${name}`);
        expect(told("allow-methods")).toBe("GET, HEAD, POST");
        expect(told("allow-headers")).toMatch(/\bcontent-type\b.*\bconsistency-at-least\b/);
        expect(Number(told("max-age"))).toBeGreaterThan(600);
      }
    }
  });

  test("of a foreign origin is refused in words", async () => {
    const service = shared();
    for (const foreign of FOREIGN) {
      expect(await preflight(service, foreign, "POST", "content-type"), foreign).toMatchObject({
        ...{ status: 403, code: "ORIGIN_NOT_ALLOWED", allowed: null },
      });
    }
  });

  test("for what a page may not send is told what it may, so that the browser can say what is wrong", async () => {
    const service = shared();
    for (const [method, headers] of [
      ["PUT", ""],
      ["x", ""],
      ["POST", "x-own"],
      ["POST", "a b;x"],
      ["POST", `x-${"y".repeat(5000)}`],
    ] as const) {
      const { status, response } = await preflight(service, origin, method, headers);
      const told = (name: string) => response.headers.get(`access-control-allow-${name}`);
      expect([status, told("methods")]).toEqual([204, "GET, HEAD, POST"]);
      expect(told("headers")).not.toMatch(/x-own|x-y|\*/);
    }
  });

  test("is asked of the API alone, and under a name that is allowed", async () => {
    const service = shared();
    const headers = { origin, "access-control-request-method": "POST" };
    for (const path of ["/", "/elsewhere"]) {
      const response = await fetch(new URL(path, service.url), { method: "OPTIONS", headers, redirect: "manual" });
      expect(response.headers.get("access-control-allow-origin"), path).toBeNull();
    }
  });

  test("runs nothing", async () => {
    const service = shared();
    const body = '{"query":"mutation { addBook(input: {title: \\"A\\", author: \\"B\\"}) { __typename } }"}';
    const headers = { origin, "access-control-request-method": "POST", "content-type": "application/json" };
    const { status } = await fetch(service.url, { method: "OPTIONS", headers, body });
    expect(status).toBe(204);
    expect(await service.titles()).toEqual([]);
  });
});
