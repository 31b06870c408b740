import { expect, test } from "vitest";
import { startService } from "../support/service/service.ts";

const VARY = "Accept, Accept-Encoding, Origin";

/** Every kind of answer: what is asked, and its status. */
const kinds: [path: string, init: RequestInit, status: number][] = [
  ["/graphql?query={nothing}", {}, 200],

  ["/graphql", { method: "POST", body: '{"query":"{ __typename }"}' }, 200],
  [
    "/graphql",
    { method: "POST", body: '{"query":"{"}', headers: { accept: "application/graphql-response+json" } },
    400,
  ],
  ["/graphql?query=mutation{__typename}", {}, 405],
  ["/graphql", {}, 400],
  ["/graphql", { method: "POST", body: "{" }, 400],
  ["/graphql", { method: "POST", body: " ".repeat(200_000) }, 413],
  ["/graphql", { method: "POST", body: "{}", headers: { "content-type": "text/plain" } }, 415],
  ["/graphql", { headers: { accept: "image/png" } }, 406],
  ["/graphql", { method: "PUT", body: "{}" }, 405],
  ["/graphql", { method: "OPTIONS" }, 405],
  ["/elsewhere", {}, 404],
  ["/", { redirect: "manual" }, 302],
  ["/health", {}, 200],
  ["/ready", {}, 200],
];

test("no answer is kept by caches, is taken for another type, or is mixed up with that of another type", async () => {
  const service = await startService();
  for (const [path, init, status] of kinds) {
    const headers = { ...(init.body && { "content-type": "application/json" }), ...init.headers };
    const response = await fetch(new URL(path, service.url), { ...init, headers });
    const found = ["cache-control", "vary", "x-content-type-options"].map((name) => response.headers.get(name));
    expect([response.status, ...found], `${init.method} ${path}`).toEqual([status, "no-store", VARY, "nosniff"]);
    expect(response.headers.get("content-length"), path).not.toBeNull();
    await response.arrayBuffer();
  }
});

test("GraphiQL is in no frame, tells no other site what is edited, and is asked for anew", async () => {
  const service = await startService();
  const response = await fetch(service.url, { headers: { accept: "text/html" } });
  const { headers } = response;
  expect(headers.get("content-security-policy")).toMatch(
    /^default-src 'none'; script-src 'sha256-[^']+'; .*connect-src 'self'; .*frame-ancestors 'none'$/,
  );
  expect(headers.get("x-frame-options")).toBe("DENY");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect([headers.get("cache-control"), headers.get("vary")]).toEqual(["no-cache", VARY]);
  await response.arrayBuffer();
});
