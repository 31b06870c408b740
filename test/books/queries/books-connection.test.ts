import { describe, expect, test } from "vitest";
import { migratedDatabase } from "../../support/database/migrated-database.ts";
import { titleCursor } from "../../support/service/cursors.ts";
import { READ_PATHS, type ReadPath, sharedPath } from "../../support/service/read-paths.ts";
import { startService } from "../../support/service/service.ts";
import { ORDERED_TITLES } from "../titles.ts";

const PAGE = `query Page($first: Int, $last: Int, $after: String, $before: String) {
  booksConnection(first: $first, last: $last, after: $after, before: $before) {
    totalCount
    edges { cursor node { id title } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

interface Arguments {
  readonly first?: number | null;
  readonly last?: number | null;
  readonly after?: string | null;
  readonly before?: string | null;
}

async function page({ ask }: Pick<ReadPath, "ask">, variables: Arguments) {
  const { data, errors } = await ask(PAGE, { variables: { ...variables } });
  expect(errors, JSON.stringify(variables)).toBeUndefined();
  const { edges, pageInfo, totalCount } = data.booksConnection;
  const titles: string[] = edges.map(({ node }: { node: { title: string } }) => node.title);
  const cursors: string[] = edges.map(({ cursor }: { cursor: string }) => cursor);
  expect(pageInfo.startCursor).toBe(cursors.at(0) ?? null);
  expect(pageInfo.endCursor).toBe(cursors.at(-1) ?? null);
  return { titles, cursors, pageInfo, totalCount, more: [pageInfo.hasPreviousPage, pageInfo.hasNextPage] };
}

async function addAll({ service }: Pick<ReadPath, "service">, titles: readonly string[]) {
  await Promise.all(titles.map((title) => service.addBook(title)));
}

describe.each(READ_PATHS)("booksConnection when $store answers", ({ start }) => {
  const shared = sharedPath(start);

  test("is empty for an empty catalogue", async () => {
    const path = shared();
    for (const size of [{}, { first: 0 }, { first: 5 }, { last: 0 }, { last: 5 }, { first: null, after: null }]) {
      expect(await page(path, size)).toMatchObject({ titles: [], totalCount: 0, more: [false, false] });
    }
  });

  test("takes from the start, from the end, and between cursors", async () => {
    const path = shared();
    await addAll(path, ["a", "b", "c", "d", "e"]);
    const { cursors, ...whole } = await page(path, {});
    expect(whole).toMatchObject({ titles: ["a", "b", "c", "d", "e"], totalCount: 5, more: [false, false] });
    const [a, b, c, d, e] = cursors as [string, string, string, string, string];

    const pages: [Arguments, string, boolean, boolean][] = [
      [{ first: 5 }, "abcde", false, false],
      [{ first: 500 }, "abcde", false, false],
      [{ last: 500 }, "abcde", false, false],
      [{ first: 2 }, "ab", false, true],
      [{ last: 2 }, "de", true, false],
      [{ first: 0 }, "", false, true],
      [{ last: 0 }, "", true, false],
      [{ first: 2, after: a }, "bc", true, true],
      [{ first: 2, after: c }, "de", true, false],
      [{ first: 2, after: e }, "", true, false],
      [{ first: 0, after: b }, "", true, true],
      [{ last: 2, before: e }, "cd", true, true],
      [{ last: 2, before: c }, "ab", false, true],
      [{ last: 2, before: a }, "", false, true],
      [{ last: 0, before: d }, "", true, true],
      [{ after: b }, "cde", true, false],
      [{ before: d }, "abc", false, true],
      [{ after: a, before: e }, "bcd", true, true],
      [{ first: 2, after: a, before: e }, "bc", true, true],
      [{ last: 2, after: a, before: e }, "cd", true, true],
      [{ first: 9, after: a, before: c }, "b", true, true],
      [{ after: b, before: c }, "", true, true],
      [{ first: 2, before: d }, "ab", false, true],
      [{ last: 2, after: b }, "de", true, false],
      [{ first: 4, last: 2 }, "cd", true, true],
      [{ first: 2, last: 4 }, "ab", false, true],
      [{ first: 3, last: 3, after: a }, "bcd", true, true],
      [{ first: 3, last: 0 }, "", true, true],
      [{ first: 9, last: 2 }, "de", true, false],
    ];
    for (const [variables, titles, previous, next] of pages) {
      expect(await page(path, variables), JSON.stringify(variables)).toMatchObject({
        titles: [...titles],
        totalCount: 5,
        more: [previous, next],
      });
    }
  });

  test("has cursors that stay valid when their book is renamed or deleted", async () => {
    const path = shared();
    await addAll(path, ["a", "b", "c", "d"]);
    const { cursors } = await page(path, {});
    const [, b, c] = cursors as [string, string, string, string];
    await path.service.deleteBook("b");
    await path.service.updateBook("c", { title: "z" });
    expect(await page(path, { after: b })).toMatchObject({ titles: ["d", "z"], more: [true, false] });
    expect(await page(path, { before: c })).toMatchObject({ titles: ["a"], more: [false, true] });
    expect(await page(path, { after: b, before: c })).toMatchObject({ titles: [], more: [true, true] });
    await path.service.addBook("bb");
    expect(await page(path, { after: b, before: c })).toMatchObject({ titles: ["bb"], totalCount: 4 });
  });

  test("walked forwards and backwards, is the catalogue, whatever the titles", async () => {
    const path = shared();
    await addAll(path, ORDERED_TITLES);
    for (const size of [1, 3, ORDERED_TITLES.length]) {
      const forwards: string[] = [];
      for (let after: string | null = null; ; ) {
        const { titles, pageInfo } = await page(path, { first: size, after });
        forwards.push(...titles);
        after = pageInfo.endCursor;
        if (!pageInfo.hasNextPage) break;
      }
      expect(forwards).toEqual(ORDERED_TITLES);
      const backwards: string[] = [];
      for (let before: string | null = null; ; ) {
        const { titles, pageInfo } = await page(path, { last: size, before });
        backwards.unshift(...titles);
        before = pageInfo.startCursor;
        if (!pageInfo.hasPreviousPage) break;
      }
      expect(backwards).toEqual(ORDERED_TITLES);
    }
  });

  test("has 50 books in a page unless told", async () => {
    const path = shared();
    const titles = Array.from({ length: 51 }, (_, n) => `t${n + 10}`);
    await addAll(path, titles);
    expect(await page(path, {})).toMatchObject({ titles: titles.slice(0, 50), totalCount: 51, more: [false, true] });
    expect(await page(path, { first: null, last: null })).toMatchObject({ titles: titles.slice(0, 50) });
    const { data } = await path.ask(
      "{ booksConnection { ...Counted } } fragment Counted on BooksConnection { n: totalCount }",
    );
    expect(data.booksConnection.n).toBe(51);
  });
});

describe("booksConnection with a page size or cursor that cannot be", () => {
  test("is refused", async () => {
    const service = await startService();
    await service.addBook("a");
    const encoded = (text: string) => Buffer.from(text).toString("base64url");
    const fromBefore = encoded("a");
    const bad: [string, unknown][] = [
      ...["first", "last"].flatMap((name) =>
        [501, -1, 2147483647, -2147483648].map((size) => [name, size] as [string, unknown]),
      ),
      ...["", "garbage!", "a===", "YQ==", "Y", "\0", "\uD800", fromBefore, encoded("a\0b")].map(
        (cursor) => ["after", cursor] as [string, unknown],
      ),
      ...["", " a", "a\n", "a\0b", "\u0001", "A\u030A", "x".repeat(513)].map(
        (title) => ["before", titleCursor(title)] as [string, unknown],
      ),
      ...["title", "title\0", "\0a", "stock\0a", "title\0a\0"].map(
        (forged) => ["before", encoded(forged)] as [string, unknown],
      ),
      ["before", "gICA"],
    ];
    for (const [name, value] of bad) {
      const { status, data, errors } = await service.send(PAGE, { variables: { [name]: value } });
      expect({ status, data }).toEqual({ status: 200, data: { booksConnection: null } });
      expect(
        errors?.map(({ extensions }) => extensions.code),
        `${name} ${JSON.stringify(value)}`,
      ).toEqual(["BAD_USER_INPUT"]);
      expect(errors?.[0].message).toContain(name);
    }
  });
});

describe("booksConnection of two processes, one with Redis and one without", () => {
  test("is the same for any arguments", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const { service, ask } = await READ_PATHS[1].start({ DATABASE_URL });
    const other = await startService({ DATABASE_URL });
    await addAll({ service }, [..."bdfhj"]);

    const bounds = [null, ..."abcdefghijk"];
    const cursor = (title: string | null) => title && titleCursor(title);
    // after and before the wrong way round leave no place for the page to stand at
    const ranges = bounds.flatMap((after) =>
      bounds.filter((before) => !after || !before || after < before).map((before) => ({ after, before })),
    );
    const sizes = [{ first: 0 }, { first: 2 }, { last: 0 }, { last: 2 }, { first: 3, last: 1 }];
    for (const { after, before } of ranges) {
      for (const size of sizes) {
        const request = { variables: { ...size, after: cursor(after), before: cursor(before) } };
        const [fromRedis, fromDatabase] = await Promise.all([ask(PAGE, request), other.ask(PAGE, request)]);
        expect(fromDatabase.consistency.servedBy).toBe("database");
        expect(fromRedis.data, JSON.stringify({ ...size, after, before })).toEqual(fromDatabase.data);
      }
    }
  });

  test("is empty when after and before are the wrong way round", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const path = await READ_PATHS[1].start({ DATABASE_URL });
    const other = await startService({ DATABASE_URL });
    await addAll(path, [..."bdfhj"]);
    const [after, before] = ["f", "d"].map(titleCursor);
    for (const from of [path, other]) {
      for (const size of [{}, { first: 2 }, { last: 2 }]) {
        const { data } = await from.ask(PAGE, { variables: { ...size, after, before } });
        expect(data.booksConnection.edges).toEqual([]);
        expect(
          (await from.ask(PAGE, { variables: { ...size, after, before: after } })).data.booksConnection.edges,
        ).toEqual([]);
      }
    }
  });
});
