import { describe, expect, test } from "vitest";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { startRedis } from "../support/redis/server.ts";
import { ADD_BOOK, BOOK } from "../support/service/book-requests.ts";
import { READ_PATHS, sharedPath } from "../support/service/read-paths.ts";
import { sharedService, startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

const shared = sharedService();

const consistency = (atLeast: unknown) => ({ extensions: { consistency: { atLeast } } });
const ADD_INVALID = { variables: { input: { title: "", author: "" } } };

describe.each(READ_PATHS)("extensions.consistency when $store answers", ({ store, start }) => {
  const shared = sharedPath(start);

  const servedBy = store === "Redis" ? "redis" : "database";

  test("says at which revision a query is true and what served it", async () => {
    const { service, ask } = shared();
    expect((await ask("{ books { id } }")).consistency).toEqual({ revision: 0, servedBy });
    await service.addBook("A");
    await service.addBook("B");
    const queries = [
      "{ books { id } }",
      '{ book(title: "A") { id } }',
      '{ book(title: "None") { id } }',
      '{ bookEditForm(title: "A") { mutation } }',
      "{ booksConnection { totalCount } }",
      '{ a: book(title: "A") { id } b: book(title: "B") { id } books { id } }',
    ];
    for (const query of queries) expect((await ask(query)).consistency, query).toEqual({ revision: 2, servedBy });
  });

  test("is granted what it asks for, up to the newest revision", async () => {
    const { service, ask } = shared();
    await service.addBook("A");
    const { revision } = (await service.addBook("B")).consistency;
    for (const atLeast of [0, 1, revision, null, undefined, {}, { books: revision }, { books: null }]) {
      expect((await ask("{ books { id } }", consistency(atLeast))).data.books, `${atLeast}`).toHaveLength(2);
    }
    for (const extensions of [{}, { consistency: {} }, { consistency: null }, { other: { atLeast: 9 } }, null]) {
      expect((await ask("{ books { id } }", { extensions })).data.books).toHaveLength(2);
    }
  });

  test("is refused with REVISION_NOT_REACHED when the database is older, and nothing is changed", async () => {
    const { service } = await start();
    await service.addBook("A");
    const requests = [
      "{ books { id } }",
      '{ book(title: "A") { id } }',
      '{ bookByIsbn(isbn: "1234567890") { id } }',
      '{ node(id: "Qm9vazox") { id } }',
      "{ booksConnection { totalCount } }",
      'mutation { addBook(input: { title: "B", author: "B" }) { __typename } }',
      'mutation { addBook(input: { title: "", author: "B" }) { __typename } }',
      'mutation { addBook(input: { title: "A", author: "B" }) { __typename } }',
      'mutation { updateBook(title: "A", input: {}) { __typename } }',
      'mutation { deleteBook(title: "A") { __typename } }',
    ];
    for (const query of requests) {
      for (const atLeast of [2, { books: 2 }, Number.MAX_SAFE_INTEGER]) {
        const { status, data, errors } = await service.send(query, consistency(atLeast));
        expect(status).toBe(200);
        for (const value of Object.values(data ?? {})) expect(value).toBeNull();
        expect(errors, query).toEqual([
          expect.objectContaining({
            message: expect.stringContaining("at revision 1"),
            extensions: {
              code: "REVISION_NOT_REACHED",
              reached: 1,
              atLeast: typeof atLeast === "number" ? atLeast : atLeast.books,
            },
          }),
        ]);
      }
    }
    expect((await service.ask("{ books { title version } }")).data.books).toEqual([{ title: "A", version: 1 }]);
    expect((await service.ask("{ books { id } }")).consistency.revision).toBe(1);
  });
});

describe("extensions.consistency of a mutation", () => {
  test("is the revision that it made, from the database", async () => {
    const service = shared();
    expect((await service.addBook("A")).consistency).toEqual({ revision: 1, servedBy: "database" });
    expect((await service.updateBook("A", {})).consistency).toEqual({ revision: 2, servedBy: "database" });
    expect((await service.deleteBook("A")).consistency).toEqual({ revision: 3, servedBy: "database" });
    expect(
      (await service.ask(ADD_BOOK, { variables: { input: { title: "B", author: "B" } }, ...consistency(3) }))
        .consistency,
    ).toEqual({ revision: 4, servedBy: "database" });
  });

  test("is the revision at which it was refused", async () => {
    const service = await startService();
    const at = async (revision: number) => {
      const report = { revision, servedBy: "database" };
      expect((await service.ask(ADD_BOOK, ADD_INVALID)).consistency).toEqual(report);
      expect((await service.updateBook("None", {})).consistency).toEqual(report);
      expect((await service.deleteBook("None")).consistency).toEqual(report);
      expect((await service.ask(ADD_BOOK, { ...ADD_INVALID, ...consistency(revision) })).consistency).toEqual(report);
    };
    await at(0);
    await service.addBook("A");
    await at(1);
    const taken = await service.ask(ADD_BOOK, { variables: { input: { title: "A", author: "B" } } });
    expect(taken.data.addBook.__typename).toBe("TitleTakenError");
    expect(taken.consistency).toEqual({ revision: 1, servedBy: "database" });
    expect((await service.deleteBook("A", 9)).consistency).toEqual({ revision: 1, servedBy: "database" });
  });

  test("in a request with several is that of the last one; each runs on the one before", async () => {
    const service = await startService();
    const { data, consistency: report } = await service.ask(`mutation {
      add: addBook(input: { title: "A", author: "B" }) { ... on Book { version } }
      again: addBook(input: { title: "A", author: "C" }) { __typename }
      invalid: addBook(input: { title: " ", author: "C" }) { __typename }
      rename: updateBook(title: "A", input: { title: "D", expectedVersion: 1 }) { ... on Book { title version } }
      conflict: deleteBook(title: "D", expectedVersion: 1) { __typename }
      missing: deleteBook(title: "A") { __typename }
    }`);
    expect(data).toEqual({
      add: { version: 1 },
      again: { __typename: "TitleTakenError" },
      invalid: { __typename: "ValidationError" },
      rename: { title: "D", version: 2 },
      conflict: { __typename: "VersionConflictError" },
      missing: { __typename: "BookNotFoundError" },
    });
    expect(report).toEqual({ revision: 2, servedBy: "database" });
    expect(await service.titles()).toEqual(["D"]);
  });
});

describe("extensions.consistency of reads from both stores", () => {
  test("names both", async () => {
    const { service } = await READ_PATHS[1].start();
    const { id } = (await service.addBook("A")).data.addBook;
    const query = 'query ($id: ID!) { book(title: "A") { id } node(id: $id) { id } }';
    await eventually("an answer from both stores", async () => {
      const { consistency: report } = await service.ask(query, { variables: { id } });
      expect(report).toEqual({ revision: 1, servedBy: "both" });
      return true;
    });
  });
});

describe("extensions.consistency that asks for what is no revision", () => {
  test("is refused as the client's fault, and nothing runs", async () => {
    const service = shared();
    for (const atLeast of [
      -1,
      1.5,
      "1",
      "",
      true,
      [],
      [1],
      { films: 1 },
      { books: "1" },
      2 ** 53,
      Number.MIN_SAFE_INTEGER,
    ]) {
      for (const query of [
        "{ books { id } }",
        'mutation { addBook(input: { title: "A", author: "B" }) { __typename } }',
      ]) {
        const { status, data, errors, consistency: report } = await service.send(query, consistency(atLeast));
        expect(status).toBeLessThan(500);
        expect({ data, report }, JSON.stringify(atLeast)).toEqual({ data: undefined, report: undefined });
        expect(errors?.map(({ extensions }) => extensions.code)).toEqual(["BAD_USER_INPUT"]);
      }
    }
    for (const extensions of [{ consistency: 1 }, { consistency: "x" }, { consistency: [] }, { consistency: true }]) {
      const { status, errors } = await service.send("{ books { id } }", { extensions });
      expect(status).toBeLessThan(500);
      expect(errors?.[0].extensions.code, JSON.stringify(extensions)).toBe("BAD_USER_INPUT");
    }
    expect(await service.titles()).toEqual([]);
  });
});

describe("extensions.consistency of a request that is not executed", () => {
  test("is absent", async () => {
    const service = shared();
    for (const query of ["{", "{ nothing }", "{ books }", "query A { books { id } } query B { books { id } }"]) {
      expect((await service.sendInvalid(query)).consistency, query).toBeUndefined();
    }
  });
});

describe("a process that has shown a revision in a refusal", () => {
  test("does not answer from before it", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const redis = await startRedis();
    // look-ups are so rare that the reader learns of the write from its refusal alone
    const READ_LEASE_MS = "2000";
    const reader = await startService({ DATABASE_URL, READ_LEASE_MS, REDIS_URL: redis.url, REDIS_TIMEOUT_MS: "1000" });
    const writer = await startService({ DATABASE_URL, READ_LEASE_MS });
    const refusedAt = async () => (await reader.ask(ADD_BOOK, ADD_INVALID)).consistency.revision;
    await eventually("Redis answers", async () => (await reader.book("A")).consistency.servedBy === "redis");

    const write = writer.addBook("A");
    await eventually("the write is committed", async () => (await refusedAt()) === 1);
    const read = await reader.ask(BOOK, { variables: { title: "A" } });
    expect(read.consistency.revision).toBe(1);
    expect(read.data.book).not.toBeNull();
    await write;
  });
});
