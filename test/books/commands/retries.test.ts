import { beforeEach, describe, expect, test } from "vitest";
import { readGroundTruth } from "../../../proof/torture/change-log.ts";
import { aroundTests } from "../../support/cleanup.ts";
import { migratedDatabase } from "../../support/database/migrated-database.ts";
import { sqlOn } from "../../support/database/sql.ts";
import { ADD_BOOK, ADJUST_STOCK, DELETE_BOOK, UPDATE_BOOK } from "../../support/service/book-requests.ts";
import type { GraphqlClient, GraphqlResponse } from "../../support/service/graphql-client.ts";
import { type Service, startService } from "../../support/service/service.ts";

const DAY_SECONDS = 24 * 60 * 60;

const add = (title: string, more: object = {}) => ({ input: { title, author: "Author Name", ...more } });
const resultOf = ({ data }: GraphqlResponse) => Object.values(data)[0] as Record<string, unknown>;

/** Sends a mutation with a key and returns its result, with the revision that the answer is true at. */
async function send(service: GraphqlClient, mutation: string, variables: object, idempotencyKey: unknown) {
  const response = await service.ask(mutation, { variables: { ...variables, idempotencyKey } });
  return { result: resultOf(response), revision: response.consistency.revision };
}

let url: string;
let service: Service;
/** Another one over the same database. */
let other: Service;
/** The revision before the test. */
let base: number;

aroundTests(async () => {
  ({ url } = await migratedDatabase());
  service = await startService({ DATABASE_URL: url });
  other = await startService({ DATABASE_URL: url });
});

beforeEach(async () => {
  await service.empty();
  await sqlOn(url, "delete from idempotency_key");
  base = (await service.book("any")).consistency.revision;
});

/** How much has been changed since. */
const changes = async () => (await readGroundTruth(url)).changes.length - base;
const keys = async () => (await sqlOn(url, "select key, at from idempotency_key order by key")) as { key: string }[];
/** Lets the keys become older. */
const age = (seconds: number) => sqlOn(url, `update idempotency_key set at = at - ${seconds}`);

describe("a mutation that is sent again with its key", () => {
  test("is not done again, whichever process is asked: the answer is the book as it was left, at the revision of now", async () => {
    const added = await send(service, ADD_BOOK, add("A", { stockQuantity: 10 }), "add");
    const updated = await send(
      service,
      UPDATE_BOOK,
      { title: "A", input: { title: "B", isbn: "1234567890" } },
      "rename",
    );
    const sold = await send(service, ADJUST_STOCK, { title: "B", by: -3 }, "sell");
    const deleted = await send(service, DELETE_BOOK, { title: "B", expectedVersion: base + 3 }, "delete");
    expect([added, updated, sold, deleted].map(({ revision }) => revision - base)).toEqual([1, 2, 3, 4]);
    expect(sold.result).toMatchObject({ __typename: "Book", title: "B", stockQuantity: 7 });

    for (const again of [service, other]) {
      expect(await send(again, ADD_BOOK, add("A", { stockQuantity: 10 }), "add")).toEqual({
        ...added,
        revision: base + 4,
      });
      const rename = { title: "A", input: { isbn: "1234567890", title: "B" } };
      expect(await send(again, UPDATE_BOOK, rename, "rename")).toEqual({ ...updated, revision: base + 4 });
      expect(await send(again, ADJUST_STOCK, { title: "B", by: -3 }, "sell")).toEqual({ ...sold, revision: base + 4 });
      const remove = { title: "B", expectedVersion: base + 3 };
      expect(await send(again, DELETE_BOOK, remove, "delete")).toEqual({ ...deleted, revision: base + 4 });
    }
    expect(await changes()).toBe(4);
  });

  test("is done again with another key, without one, and with one that is null", async () => {
    await service.addBook("A", { stockQuantity: 100 });
    for (const key of ["1", "2", undefined, undefined, null, null]) {
      await send(service, ADJUST_STOCK, { title: "A", by: -1 }, key);
    }
    expect((await service.book("A")).data.book.stockQuantity).toBe(94);
    expect(await changes()).toBe(7);
  });

  test("is the same however its input is written, and with what is given by default", async () => {
    const first = await send(service, ADD_BOOK, add("A"), "key");
    const written = [
      `{ author: "Author Name", title: "A", stockQuantity: 0 }`,
      `{ stockQuantity: 0, title: "\\u0041", author: """Author Name""" }`,
    ];
    for (const input of written) {
      const query = `mutation { addBook(idempotencyKey: "key", input: ${input}) { __typename ... on Book { id } } }`;
      expect((await service.ask(query)).data.addBook).toEqual({ __typename: "Book", id: first.result.id });
    }
    const deletion = await send(service, DELETE_BOOK, { title: "A" }, "delete");
    expect(await send(service, DELETE_BOOK, { title: "A", expectedVersion: null }, "delete")).toEqual(deletion);
    expect(await changes()).toBe(2);
  });

  test("at the same time, through several processes, is done once, and all are told the same", async () => {
    await service.addBook("A", { stockQuantity: 100 });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => send(i % 2 ? service : other, ADJUST_STOCK, { title: "A", by: -6 }, "sell")),
    );
    for (const { result, revision } of answers) {
      expect(result).toMatchObject({ __typename: "Book", stockQuantity: 94, version: base + 2 });
      expect(revision).toBe(base + 2);
    }
    expect(await changes()).toBe(2);
  });

  test("twice in one request is done once", async () => {
    const query = `mutation {
      a: addBook(idempotencyKey: "key", input: { title: "A", author: "B" }) { ... on Book { id version } }
      b: addBook(idempotencyKey: "key", input: { title: "A", author: "B" }) { ... on Book { id version } }
    }`;
    const { data } = await service.ask(query);
    expect(data.b).toEqual(data.a);
    expect(await changes()).toBe(1);
  });

  test("is held to the revision that it asks for", async () => {
    await send(service, ADD_BOOK, add("A"), "key");
    const again = (atLeast: number) =>
      service.send(ADD_BOOK, {
        variables: { ...add("A"), idempotencyKey: "key" },
        extensions: { consistency: { atLeast: base + atLeast } },
      });
    expect((await again(2)).errors?.[0].extensions.code).toBe("REVISION_NOT_REACHED");
    expect(resultOf(await again(1))).toMatchObject({ __typename: "Book" });
  });
});

describe("a key that stands for something else", () => {
  test("is refused, for every mutation, and nothing is done", async () => {
    await send(service, ADD_BOOK, add("A"), "key");
    const others = [
      [ADD_BOOK, add("B")],
      [ADD_BOOK, add("A", { isbn: null })],
      [ADD_BOOK, add(" A")],
      [UPDATE_BOOK, { title: "A", input: {} }],
      [ADJUST_STOCK, { title: "A", by: 1 }],
      [DELETE_BOOK, { title: "A" }],
      // before the book is looked for
      [DELETE_BOOK, { title: "Nowhere" }],
    ] as const;
    for (const [mutation, variables] of others) {
      const refused = await send(other, mutation, variables, "key");
      expect(refused).toEqual({
        result: {
          __typename: "IdempotencyKeyReusedError",
          message: "This idempotencyKey was used for another mutation, or with another input; take a new one.",
          idempotencyKey: "key",
        },
        revision: base + 1,
      });
    }
    expect(await changes()).toBe(1);
  });

  test("says nothing of what was found invalid before", async () => {
    await send(service, ADD_BOOK, add("A"), "key");
    expect((await send(service, ADD_BOOK, add(" "), "key")).result).toMatchObject({ __typename: "ValidationError" });
    expect((await send(service, ADJUST_STOCK, { title: "A", by: 0 }, "key")).result).toMatchObject({
      __typename: "ValidationError",
    });
  });

  test("is told from others that come at the same time: one of them is done", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => send(i % 2 ? service : other, ADD_BOOK, add(`${i}`), "key")),
    );
    expect(answers.filter(({ result }) => result.__typename === "Book")).toHaveLength(1);
    expect(answers.filter(({ result }) => result.__typename === "IdempotencyKeyReusedError")).toHaveLength(19);
    expect(await changes()).toBe(1);
  });
});

describe("a refusal", () => {
  test("is not kept: the same may be done later", async () => {
    const sell = () => send(service, ADJUST_STOCK, { title: "A", by: -6 }, "sell");
    expect((await sell()).result).toMatchObject({ __typename: "BookNotFoundError" });
    await service.addBook("A", { stockQuantity: 5 });
    expect((await sell()).result).toMatchObject({ __typename: "InsufficientStockError" });
    expect(await keys()).toEqual([]);
    await other.adjustStock("A", 5);
    expect((await sell()).result).toMatchObject({ __typename: "Book", stockQuantity: 4 });
    expect((await sell()).result).toMatchObject({ __typename: "Book", stockQuantity: 4 });
  });
});

describe("what can be no key", () => {
  test("is BAD_USER_INPUT that names it, before anything else is looked at", async () => {
    const texts = ["", "x".repeat(129), "schlüssel", "🔑", "\uD83D", "a\nb", "a\0b", "a\x7f", "a\u00a0b"];
    for (const idempotencyKey of texts) {
      for (const [mutation, variables] of [
        [ADD_BOOK, add(" ")],
        [UPDATE_BOOK, { title: "A", input: {} }],
        [ADJUST_STOCK, { title: "A", by: 0 }],
        [DELETE_BOOK, { title: "A" }],
      ] as const) {
        const { errors } = await service.send(mutation, { variables: { ...variables, idempotencyKey } });
        const message = "idempotencyKey must have 1 to 128 printable ASCII characters.";
        expect(errors, idempotencyKey).toMatchObject([{ message, extensions: { code: "BAD_USER_INPUT" } }]);
      }
    }
    for (const idempotencyKey of [5, true, ["a"], { a: 1 }]) {
      const { errors } = await service.send(ADD_BOOK, { variables: { ...add("A"), idempotencyKey } });
      expect(errors?.[0].extensions.code).toBe("BAD_USER_INPUT");
    }
    expect(await changes()).toBe(0);
  });

  test("is not what has 128 characters, of any that are printable", async () => {
    const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 32 + i));
    for (const key of [printable, "x".repeat(128), " ", "'; drop table book; --", "__proto__", "a\\0"]) {
      const { result } = await send(service, ADD_BOOK, add(key.trim() || "blank"), key);
      expect(result.__typename).toBe("Book");
      expect((await send(service, ADD_BOOK, add(key.trim() || "blank"), key)).result).toEqual(result);
    }
    expect(await keys()).toHaveLength(6);
  });
});

describe("a key after 24 hours", () => {
  test("is free again, by the clock of the database", async () => {
    await service.addBook("A", { stockQuantity: 100 });
    const sell = (by: number) => send(other, ADJUST_STOCK, { title: "A", by }, "sell");
    await sell(-6);
    await age(DAY_SECONDS - 60);
    expect((await sell(-6)).result).toMatchObject({ stockQuantity: 94 });
    expect((await sell(-7)).result).toMatchObject({ __typename: "IdempotencyKeyReusedError" });
    await age(60);
    expect((await sell(-7)).result).toMatchObject({ stockQuantity: 87 });
    expect((await sell(-7)).result).toMatchObject({ stockQuantity: 87 });
    expect(await changes()).toBe(3);
  });

  test("is removed by whoever keeps another one, a few at a time", async () => {
    for (let i = 0; i < 25; i++) await send(service, ADD_BOOK, add(`${i}`), `old ${i}`);
    await age(DAY_SECONDS);
    await other.addBook("Without");
    expect(await keys()).toHaveLength(25);
    await send(other, ADD_BOOK, add("New"), "new");
    expect(await keys()).toHaveLength(16);
    // one of those that are due is taken anew at the same time
    await send(service, DELETE_BOOK, { title: "New" }, "old 12");
    await send(service, ADD_BOOK, add("Newer"), "newer");
    expect((await keys()).map(({ key }) => key)).toEqual(["new", "newer", "old 12"]);
  });
});
