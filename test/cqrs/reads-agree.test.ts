import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { orderKey } from "../../src/cqrs/folding.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { MESSY_BOOKS, writeFixture } from "../support/import/csv-files.ts";
import { importFile } from "../support/import/import-file.ts";
import { startRedis } from "../support/redis/server.ts";
import { titleCursor } from "../support/service/cursors.ts";
import type { GraphqlClient } from "../support/service/graphql-client.ts";
import { startService } from "../support/service/service.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

const PAGE = `query Page($first: Int, $last: Int, $after: String, $before: String) {
  booksConnection(first: $first, last: $last, after: $after, before: $before) {
    totalCount
    edges { cursor node { title } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

test("the table and the read model answer every page alike, cursors in the wrong order included", async () => {
  const redis = await startRedis();
  const { url: DATABASE_URL } = await migratedDatabase();
  const withRedis = await startService({ DATABASE_URL, REDIS_URL: redis.url });
  const without = await startService({ DATABASE_URL });
  for (const title of ["b", "d", "f"]) await withRedis.addBook(title);
  await servedByRedis(withRedis);

  const page = async (service: GraphqlClient, variables: Record<string, unknown>, servedBy: string) =>
    eventually(`an answer from ${servedBy}`, async () => {
      const { data, consistency } = await service.ask(PAGE, { variables });
      return consistency.servedBy === servedBy && data.booksConnection;
    });
  const cursors = [null, ..."abcdefg"].map((title) => title && titleCursor(title));
  const sizes = [
    { first: 0 },
    { first: 1 },
    { first: 2 },
    { last: 0 },
    { last: 1 },
    { last: 2 },
    { first: 2, last: 1 },
  ];
  for (const after of cursors) {
    for (const before of cursors) {
      await Promise.all(
        sizes.map(async (size) => {
          const variables = { ...size, after, before };
          const [one, other] = await Promise.all([
            page(withRedis, variables, "redis"),
            page(without, variables, "database"),
          ]);
          expect(one, JSON.stringify(variables)).toEqual(other);
        }),
      );
    }
  }
});

test("the titles of a messy catalogue come in title order from either store", async () => {
  const redis = await startRedis();
  const { url: DATABASE_URL } = await migratedDatabase();
  await importFile(DATABASE_URL, writeFixture("books.csv", readFileSync(MESSY_BOOKS)), "title=title,author=authors");
  const byCodePoint = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const inTitleOrder = (a: string, b: string) => byCodePoint(orderKey(a), orderKey(b)) || byCodePoint(a, b);

  const without = await startService({ DATABASE_URL });
  const fromDatabase = await without.titles();
  expect(fromDatabase.length).toBeGreaterThan(40);
  expect(fromDatabase).toEqual([...fromDatabase].sort(inTitleOrder));
  const withRedis = await startService({ DATABASE_URL, REDIS_URL: redis.url, REDIS_TIMEOUT_MS: "1000" });
  await servedByRedis(withRedis);
  expect(await withRedis.titles()).toEqual(fromDatabase);
});
