import { expect, test } from "vitest";
import { bearer, SECRET, tokenWith } from "../../support/auth/tokens.ts";
import { migratedDatabase } from "../../support/database/migrated-database.ts";
import { sqlOn } from "../../support/database/sql.ts";
import { ADD_BOOK, ADJUST_STOCK, UPDATE_BOOK } from "../../support/service/book-requests.ts";
import { type Service, startService } from "../../support/service/service.ts";

const scope = "books:write";

async function send(service: Service, query: string, variables: object, headers: Record<string, string> = {}) {
  const type = { "content-type": "application/json" };
  const body = JSON.stringify({ query, variables });
  const response = await fetch(service.url, { method: "POST", headers: { ...type, ...headers }, body });
  const { data, errors } = await response.json();
  expect(errors).toBeUndefined();
  return Object.values(data)[0] as Record<string, unknown>;
}

const authorsIn = async (url: string) =>
  (await sqlOn(url, "select who from book_change order by revision")).map(({ who }) => who);

test("the change log has who asked, and nobody where nobody is known or is to be kept", async () => {
  const { url: DATABASE_URL } = await migratedDatabase();
  const [open, service, silent] = await Promise.all([
    startService({ DATABASE_URL }),
    startService({ DATABASE_URL, AUTH_JWT_SECRET: SECRET }),
    startService({ DATABASE_URL, AUTH_JWT_SECRET: SECRET, AUTH_LOG_SUBJECT: "false" }),
  ]);
  const bob = 'bob o\'Brien | "é" 日本';
  const [asAlice, asBob] = await Promise.all(
    ["alice", bob].map(async (sub) => bearer(await tokenWith({ sub, scope }))),
  );
  await send(open, ADD_BOOK, { input: { title: "A", author: "A" } });
  await send(service, UPDATE_BOOK, { title: "A", input: { stockQuantity: 9 } }, asAlice);
  await send(silent, UPDATE_BOOK, { title: "A", input: { stockQuantity: 8 } }, asAlice);
  await send(open, UPDATE_BOOK, { title: "A", input: { stockQuantity: 7 } }, asAlice);
  await Promise.all(
    [asAlice, asBob, asAlice, asBob].map((by) => send(service, ADJUST_STOCK, { title: "A", by: 1 }, by)),
  );
  const authors = await authorsIn(DATABASE_URL);
  expect(authors.slice(0, 4)).toEqual([null, "alice", null, null]);
  expect(authors.slice(4).sort()).toEqual(["alice", "alice", bob, bob]);
  // nor is the name anywhere else
  expect(JSON.stringify(await sqlOn(DATABASE_URL, "select * from book"))).not.toContain("alice");
});

test("a key of repeats is its sender's own: another's does another thing, and is told nothing of the first", async () => {
  const { url: DATABASE_URL } = await migratedDatabase();
  const open = await startService({ DATABASE_URL });
  const service = await startService({ DATABASE_URL, AUTH_JWT_SECRET: SECRET });
  const [asAlice, asBob, anew] = await Promise.all([
    tokenWith({ sub: "alice", scope }),
    tokenWith({ sub: "bob", scope }),
    tokenWith({ sub: "alice", scope: "books:read books:write" }),
  ]);
  await send(open, ADD_BOOK, { input: { title: "A", author: "A" } });
  const take = (by: number, where: Service, token?: string) =>
    send(where, ADJUST_STOCK, { title: "A", by, idempotencyKey: "key" }, token === undefined ? {} : bearer(token));
  expect(await take(1, open)).toMatchObject({ stockQuantity: 1 });
  expect(await take(1, service, asAlice)).toMatchObject({ stockQuantity: 2 });
  expect(await take(5, service, asBob)).toMatchObject({ stockQuantity: 7 });
  for (const token of [asAlice, anew]) expect(await take(1, service, token)).toMatchObject({ stockQuantity: 2 });
  expect(await take(5, service, asBob)).toMatchObject({ stockQuantity: 7 });
  expect(await take(1, open)).toMatchObject({ stockQuantity: 1 });
  expect(await take(5, service, asAlice)).toMatchObject({ __typename: "IdempotencyKeyReusedError" });
  expect(await authorsIn(DATABASE_URL)).toEqual([null, null, "alice", "bob"]);
  const keys = JSON.stringify(await sqlOn(DATABASE_URL, "select subject from idempotency_key"));
  expect(keys).not.toMatch(/alice|bob/);
});
