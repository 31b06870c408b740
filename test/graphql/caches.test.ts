import { hash } from "node:crypto";
import { expect, test } from "vitest";
import { JSON_TYPE } from "../../src/graphql/execution/request.ts";
import { paramsOfSearch } from "../../src/http/graphql-params.ts";
import { heldMemory } from "../support/memory.ts";
import { openGraphql } from "../support/service/graphql.ts";

/** What all that is kept of requests takes at most, by SECURITY.md. */
const ALL_BYTES = 104_000_000;

async function start(env: Record<string, string> = {}) {
  const graphql = await openGraphql(env);
  /** Answers a POST as the HTTP server does, and says what is kept of all that came. */
  const post = async (query: string, operationName?: string) => {
    const persistedQuery = { version: 1, sha256Hash: hash("sha256", query) };
    const params = { query, extensions: { persistedQuery }, ...(operationName && { operationName }) };
    const text = JSON.stringify(params);
    const replay = graphql.find(text);
    if (!replay || !(await graphql.replay(replay)))
      await graphql.answer({ method: "POST", text, params, accept: JSON_TYPE });
    return graphql.kept;
  };
  /** Answers a GET with this query string. */
  const get = async (text: string) => {
    const params = paramsOfSearch(text);
    if (!params) throw new Error("it is no request");
    await graphql.answer({ method: "GET", text, params, accept: JSON_TYPE });
  };
  return { post, get, kept: () => graphql.kept };
}

test("nothing is kept of a document that is refused", async () => {
  const { post, kept } = await start({ MAX_COST: "100000" });
  const refused = [
    ...Array.from({ length: 300 }, (_, n) => `{a${n}x}`),
    ...["{", "", "{ books { id } } }", "{ books }", "{ books { id nothing } }", "subscription { books { id } }"],
    `{ a: books { id title } ${Array.from({ length: 30 }, (_, n) => `a${n}: __typename`).join(" ")} }`,
    `{ books { ${"id ".repeat(11)} } }`,
    `{ ${"... { ".repeat(900)} books { id } ${"}".repeat(901)}`,
  ];
  for (const query of refused) for (let i = 0; i < 2; i++) await post(query);
  await post("{ books { id } }", "Missing");
  expect([kept().documents.bytes, kept().persisted.bytes, kept().replays.bytes]).toEqual([0, 0, 0]);
});

test("what is kept stays within its bounds, whatever it is, and all of them are what the documents say", async () => {
  const { post, kept } = await start();
  const many = (count: number, text: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => text(n)).join(" ");
  const kinds: ((i: number) => string)[] = [
    (i) => `{ book(title: "${String(i).padEnd(100_000, "Ж")}") { title } }`,
    (i) => `{ ${many(29, (n) => `a${n}: book(title: "${i}") { t: title }`)} }`,
    (i) => `{ a${i}: book(title: "") { ${"id ".repeat(100)} } }`,
    // last, for it is these that fill the cache
    (i) => `${"#\n".repeat(4900)}{ book(title: "${i}") { id } }`,
  ];
  for (const kind of kinds) {
    let most = 0;
    for (let i = 0; i < 40; i++) {
      for (let again = 0; again < 3; again++) await post(kind(i));
      const { documents, persisted, replays } = kept();
      expect(documents.bytes).toBeLessThanOrEqual(documents.maxBytes);
      expect(persisted.bytes).toBeLessThanOrEqual(persisted.maxBytes);
      expect(replays.bytes).toBeLessThanOrEqual(replays.maxBytes);
      most = Math.max(most, documents.bytes + replays.bytes);
    }
    expect(most).toBeGreaterThan(0);
  }
  const { documents, persisted, replays } = kept();
  // they were filled, or the bounds were not tried
  expect(documents.bytes).toBeGreaterThan(0.9 * documents.maxBytes);
  expect(persisted.bytes).toBeGreaterThan(0.9 * persisted.maxBytes);
  expect(documents.maxBytes + persisted.maxBytes + replays.maxBytes).toBe(ALL_BYTES);
});

test("a document that came by GET is kept without what came beside it", async () => {
  const { get, kept } = await start();
  const ask = async (count: number, name: string) => {
    for (let n = 0; n < count; n++) {
      const query = `{${name}${n}:__typename}`;
      const extensions = JSON.stringify({ persistedQuery: { version: 1, sha256Hash: hash("sha256", query) } });
      // as it comes from a socket, and not put together from parts
      const search = Buffer.from(
        `?query=${query}&extensions=${encodeURIComponent(extensions)}&x=${"x".repeat(15_000)}`,
      );
      await get(search.toString());
    }
    return heldMemory().heap;
  };
  const before = await ask(10, "first");
  const bytes = kept().documents.bytes + kept().persisted.bytes;
  const grown = (await ask(1000, "other")) - before;
  expect(grown).toBeLessThan(1.5 * (kept().documents.bytes + kept().persisted.bytes - bytes));
});
