import { describe, expect, test } from "vitest";
import type { GraphqlClient } from "../support/service/graphql-client.ts";
import { READ_PATHS } from "../support/service/read-paths.ts";
import { startService } from "../support/service/service.ts";

/** One long name for each of many values, or many names for one long value. */
const LONG = "🦉".repeat(1000);

async function fill(service: GraphqlClient, books: number): Promise<void> {
  await Promise.all(Array.from({ length: books }, (_, n) => service.addBook(`${n}`, { author: LONG })));
}

const aliased = (count: number, field: string) => Array.from({ length: count }, (_, n) => `a${n}: ${field}`).join(" ");

describe.each(READ_PATHS)("an answer that is too long, when $store answers", ({ start }) => {
  test("is refused whichever way it is made, and a shorter one is not", async () => {
    const { service } = await start({ MAX_ANSWER_MB: "1", MAX_BOOKS: "50", MAX_COST: "2000" });
    await fill(service, 20);
    // 20 books of 4,000 bytes for each alias
    const query = (aliases: number) => `{ books { ${aliased(aliases, "author")} } }`;
    for (let i = 0; i < 4; i++) {
      const { status, data, errors } = await service.send(query(13));
      expect([status, data]).toEqual([400, undefined]);
      expect(errors?.[0].extensions).toEqual({ code: "LIMIT_EXCEEDED", limit: "answerBytes", max: 1_000_000 });
      const shorter = await service.ask(query(12));
      expect(shorter.data.books[0].a11).toBe(LONG);
    }
  });

  test("is refused when it is its names that are long", async () => {
    const { service } = await start({ MAX_ANSWER_MB: "1", MAX_BOOKS: "50", MAX_COST: "2000" });
    await fill(service, 20);
    for (const [length, code] of [
      [60_000, "LIMIT_EXCEEDED"],
      [40_000, undefined],
    ] as const) {
      for (let i = 0; i < 3; i++) {
        const { errors } = await service.send(`{ books { ${"n".repeat(length)}: version } }`);
        expect(errors?.[0].extensions.code).toBe(code);
      }
    }
  });
});

test("a mutation whose answer is too long has run, and its answer says so", async () => {
  const service = await startService({ MAX_ANSWER_MB: "1", MAX_ALIASES: "1000" });
  await service.addBook("A", { author: LONG });
  const mutation = `mutation { deleteBook(title: "A") { ... on Book { ${aliased(300, "author")} } } }`;
  const { status, data, errors, consistency } = await service.send(mutation);
  expect([status, data, consistency.revision]).toEqual([400, undefined, 2]);
  expect(errors?.[0]).toMatchObject({ message: /^The mutation ran/, extensions: { code: "LIMIT_EXCEEDED" } });
  expect(await service.titles()).toEqual([]);
});

test("what a client sends is not sent back to it so often that it would be too long", async () => {
  const service = await startService({ MAX_BODY_KB: "10000", MAX_ANSWER_MB: "10" });
  const fields = "... on BookNotFoundError { message title }";
  const mutation = `mutation ($t: String!) { a: deleteBook(title: $t) { ${fields} } b: deleteBook(title: $t) { ${fields} } }`;
  const told = async (length: number) =>
    (await service.send(mutation, { variables: { t: "x".repeat(length) } })).errors?.[0].extensions.code;
  expect([await told(2_000_000), await told(3_000_000)]).toEqual([undefined, "LIMIT_EXCEEDED"]);
});
