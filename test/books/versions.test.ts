import { describe, expect, test } from "vitest";
import { openBooks } from "../support/database/books.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { startRedis } from "../support/redis/server.ts";
import { UPDATE_BOOK } from "../support/service/book-requests.ts";
import { startService } from "../support/service/service.ts";
import { servedByRedis } from "../support/service/witness.ts";

/** More than an `Int` of GraphQL, or an integer of PostgreSQL, and than a float of 32 bits holds. */
const LARGE = 2 ** 53 - 10;

test("a version is the revision that the mutation reports, up to 2^53 in every store", async () => {
  const redis = await startRedis();
  const { url: DATABASE_URL } = await migratedDatabase();
  const { orm } = await openBooks(DATABASE_URL);
  await orm.close();
  await sqlOn(DATABASE_URL, `update stream set revision = ${LARGE} where name = 'books'`);
  const [service, alone] = [
    await startService({ DATABASE_URL, REDIS_URL: redis.url }),
    await startService({ DATABASE_URL }),
  ];
  const added = await service.addBook("A");
  expect(added.consistency.revision).toBe(LARGE + 1);
  expect(added.data.addBook.version).toBe(LARGE + 1);
  const updated = await service.updateBook("A", { expectedVersion: LARGE + 1 });
  expect(updated.data.updateBook).toMatchObject({ __typename: "Book", version: LARGE + 2 });
  expect(updated.consistency.revision).toBe(LARGE + 2);

  await servedByRedis(service);
  for (const one of [service, alone]) {
    const form = await one.ask('{ bookEditForm(title: "A") { book { version } formData fields { name value } } }');
    expect(form.data.bookEditForm).toMatchObject({
      book: { version: LARGE + 2 },
      formData: { expectedVersion: LARGE + 2 },
      fields: expect.arrayContaining([{ name: "expectedVersion", value: `${LARGE + 2}` }]),
    });
    const refused = await one.updateBook("A", { expectedVersion: LARGE + 1 });
    expect(refused.data.updateBook).toMatchObject({ expectedVersion: LARGE + 1, actualVersion: LARGE + 2 });
  }
  const [{ version }] = await sqlOn(DATABASE_URL, "select version from book");
  expect(version).toBe(LARGE + 2);
  const [{ after }] = await sqlOn(DATABASE_URL, "select after from book_change order by revision desc limit 1");
  expect(JSON.parse(after)).toMatchObject({ version: LARGE + 2 });
});

describe("what is no revision", () => {
  const DELETE = 'mutation ($version: Revision) { deleteBook(title: "A", expectedVersion: $version) { __typename } }';

  test("is refused wherever one is given, and nothing is changed", async () => {
    const service = await startService();
    await service.addBook("A");
    for (const version of [-1, 1.5, 2 ** 53, 1e300, "1", "", true, [], [1], {}]) {
      for (const [query, variables] of [
        [UPDATE_BOOK, { title: "A", input: { expectedVersion: version } }],
        [DELETE, { version }],
      ] as const) {
        const { data, errors } = await service.send(query, { variables });
        expect(data, JSON.stringify(version)).toBeUndefined();
        expect(errors).toEqual([
          expect.objectContaining({
            message: expect.stringContaining("A Revision must be a whole number from 0 to 9007199254740991."),
            extensions: { code: "BAD_USER_INPUT" },
          }),
        ]);
      }
    }
    for (const literal of [
      "-1",
      "1.0",
      "1e3",
      "9007199254740992",
      "9007199254740993",
      '"1"',
      "true",
      "[1]",
      "{}",
      "UP",
    ]) {
      const { data, errors } = await service.sendInvalid(
        `mutation { deleteBook(title: "A", expectedVersion: ${literal}) { __typename } }`,
      );
      expect(data, literal).toBeUndefined();
      expect(errors?.[0].message, literal).toContain("A Revision must be a whole number");
      expect(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"], literal).toContain(errors?.[0].extensions.code);
    }
    expect((await service.book("A")).data.book.version).toBe(1);
  });

  test("is told from what is one: zero, also with a minus, and the largest", async () => {
    const service = await startService();
    await service.addBook("A");
    for (const version of [0, -0, 2 ** 53 - 1]) {
      const { data } = await service.ask(DELETE, { variables: { version } });
      expect(data.deleteBook.__typename).toBe("VersionConflictError");
    }
    expect((await service.ask(DELETE, { variables: { version: 1.0 } })).data.deleteBook.__typename).toBe("Book");
  });
});
