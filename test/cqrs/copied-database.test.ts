import { describe, expect, test } from "vitest";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { startRedis } from "../support/redis/server.ts";
import { type Service, startService } from "../support/service/service.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

/** A database with one book, a copy of it, and one Redis for both, which has the read model that both know. */
async function startCopied() {
  const redis = await startRedis();
  const original = await migratedDatabase();
  const before = await startService({ DATABASE_URL: original.url, REDIS_URL: redis.url });
  await before.addBook("In both");
  await servedByRedis(before);
  await before.close();
  const copy = await original.copy();
  const start =
    (database: { url: string }) =>
    (env: { REDIS_URL?: string | undefined } = {}) =>
      startService({ DATABASE_URL: database.url, REDIS_URL: redis.url, ...env });
  return { startOriginal: start(original), startCopy: start(copy) };
}

/** Adds a book through `writer`, and fails if any reader of the same database does not have just the books of it. */
async function addAndSee(books: string[], writer: Service, readers: readonly Service[], title: string): Promise<void> {
  await writer.addBook(title);
  books.push(title);
  for (const reader of readers) {
    expect((await reader.book(title)).data.book?.title).toBe(title);
    expect(await reader.titles()).toEqual(books.toSorted());
  }
}

describe("a copy of the database in use beside it, over one Redis", () => {
  test("neither shows the other's books after a write of its own, nor loses one", async () => {
    const { startOriginal, startCopy } = await startCopied();
    const [a, b, c, d] = [await startOriginal(), await startOriginal(), await startCopy(), await startCopy()];
    await servedByRedis(a, b, c, d);
    const [inOriginal, inCopy] = [["In both"], ["In both"]];
    // each is ahead of the other in turn
    for (const [turn, timesOriginal] of [3, 1, 1, 5].entries()) {
      for (let i = 0; i < timesOriginal; i++) await addAndSee(inOriginal, a, [b, a], `Of the original ${turn}.${i}`);
      for (let i = 0; i < 4 - timesOriginal; i++) await addAndSee(inCopy, c, [d, c], `Of the copy ${turn}.${i}`);
      await addAndSee(inCopy, d, [c, d], `Of the copy ${turn}, again`);
    }
    await servedByRedis(a, b, c, d);
    expect(await a.titles()).toEqual(inOriginal.toSorted());
    expect(await d.titles()).toEqual(inCopy.toSorted());
  });

  test("a process that meets the other's state first still shows what was acknowledged to its own clients", async () => {
    const { startOriginal, startCopy } = await startCopied();
    const [original, reader] = [await startOriginal(), await startCopy()];
    const writer = await startCopy({ REDIS_URL: undefined });
    await servedByRedis(original, reader);
    for (const n of [1, 2, 3]) await original.addBook(`Of the original ${n}`);
    // it has nothing to do with Redis, so it cannot find out, and the reader has not read since
    await writer.addBook("Of the copy");
    expect((await reader.book("Of the copy")).data.book).not.toBeNull();
    expect((await reader.book("Of the original 1")).data.book).toBeNull();
    expect(await reader.titles()).toEqual(["In both", "Of the copy"]);
  });

  test("a reader whose own database stands still comes back to it by itself", async () => {
    const { startOriginal, startCopy } = await startCopied();
    const [original, reader] = [await startOriginal(), await startCopy()];
    await servedByRedis(original, reader);
    await original.addBook("Of the original");
    // in one read model they would show the same
    await eventually("each shows its own catalogue, from Redis", async () => {
      const answers = await Promise.all([original, reader].map((service) => service.ask("{ books { title } }")));
      const [ofOriginal, ofCopy] = answers.map(({ data }) => data.books.length);
      return ofOriginal === 2 && ofCopy === 1 && answers.every(({ consistency }) => consistency.servedBy === "redis");
    });
    expect(await reader.titles()).toEqual(["In both"]);
    expect(await original.titles()).toEqual(["In both", "Of the original"]);
  });

  test("a client that has seen a revision of its own database is not shown the other's", async () => {
    const { startOriginal, startCopy } = await startCopied();
    const [original, reader] = [await startOriginal(), await startCopy()];
    const writer = await startCopy({ REDIS_URL: undefined });
    await servedByRedis(original, reader);
    for (const n of [1, 2, 3]) await original.addBook(`Of the original ${n}`);
    const { consistency } = await writer.addBook("Of the copy");
    const { data } = await reader.book("Of the copy", consistency.revision);
    expect(data.book).not.toBeNull();
  });
});
