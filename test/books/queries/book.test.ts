import { describe, expect, test } from "vitest";
import { BOOK } from "../../support/service/book-requests.ts";
import { READ_PATHS, sharedPath } from "../../support/service/read-paths.ts";
import { startService } from "../../support/service/service.ts";
import { ODD_TITLES, ORDERED_TITLES } from "../titles.ts";

const FULL = { author: "Author Name", publishedDate: "2024-02-29", isbn: "123456789X", stockQuantity: 2147483647 };

describe.each(READ_PATHS)("when $store answers", ({ start }) => {
  const shared = sharedPath(start);

  test("book finds every title as it was added, in any form, and nothing else", async () => {
    const { service, ask } = shared();
    const find = async (title: string) => (await ask(BOOK, { variables: { title } })).data.book;
    const full = (await service.addBook("\u00C5ngstr\u00F6m", FULL)).data.addBook;
    const { __typename, ...book } = full;
    for (const title of ["\u00C5ngstr\u00F6m", "A\u030Angstro\u0308m", " \u212Bngstr\u00F6m\n"]) {
      expect(await find(title)).toEqual(book);
    }
    for (const title of ["\u00E5ngstr\u00F6m", "Angstrom", "\u00C5ngstr", "%", "", " ", "\uD800", "x".repeat(9999)]) {
      expect(await find(title)).toBeNull();
    }
    for (const title of ["\0", "\u0001", "\u0085", "\u00C5ngstr\u00F6m\0"]) expect(await find(title)).toBeNull();

    for (const title of ODD_TITLES) expect(await find(title), JSON.stringify(title)).toBeNull();
    await Promise.all(ODD_TITLES.map((title) => service.addBook(title)));
    for (const title of ODD_TITLES) expect(await find(title), JSON.stringify(title)).toMatchObject({ title });
  });

  test("books answers the catalogue in the order of code points, as it is after each command", async () => {
    const { service, ask } = shared();
    const titles = async () =>
      (await ask("{ books { title } }")).data.books.map((book: { title: string }) => book.title);
    expect(await titles()).toEqual([]);
    const shuffled = ORDERED_TITLES.toSorted((a, b) => hash(a) - hash(b));
    await Promise.all(shuffled.map((title) => service.addBook(title)));
    expect(await titles()).toEqual(ORDERED_TITLES);

    await service.updateBook("A", { title: "\u{10FFFF}" });
    expect(await titles()).toEqual([...ORDERED_TITLES.filter((title) => title !== "A"), "\u{10FFFF}"]);
    for (const title of ORDERED_TITLES) if (title !== "A") await service.deleteBook(title);
    expect(await titles()).toEqual(["\u{10FFFF}"]);
    await service.deleteBook("\u{10FFFF}");
    expect(await titles()).toEqual([]);
  });

  test("books answers no more than MAX_BOOKS, and then names what to ask instead", async () => {
    const { service, ask } = await start({ MAX_BOOKS: "2" });
    await service.addBook("A");
    await service.addBook("B");
    expect((await ask("{ books { title } }")).data.books).toEqual([{ title: "A" }, { title: "B" }]);
    await service.addBook("C");
    const { data, errors } = await ask("{ books { title } }");
    expect(data).toEqual({ books: null });
    expect(errors).toEqual([
      expect.objectContaining({
        message: expect.stringContaining("booksConnection"),
        extensions: { code: "TOO_MANY_BOOKS" },
      }),
    ]);
    const page = await ask("{ booksConnection { totalCount edges { node { title } } } }");
    expect(page.data.booksConnection.edges).toHaveLength(3);
    await service.deleteBook("A");
    expect((await ask("{ books { title } }")).data.books).toHaveLength(2);
  });
});

describe("node and nodes", () => {
  const NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Book { title } } }";

  test("find books by id, in the order of the ids, after they are renamed, too", async () => {
    const service = await startService();
    const a = (await service.addBook("A")).data.addBook.id;
    const b = (await service.addBook("B")).data.addBook.id;
    await service.updateBook("A", { title: "C" });
    const { data } = await service.ask(NODES, { variables: { ids: [b, a, b] } });
    expect(data.nodes).toEqual([
      { __typename: "Book", id: b, title: "B" },
      { __typename: "Book", id: a, title: "C" },
      { __typename: "Book", id: b, title: "B" },
    ]);
    expect((await service.ask(NODES, { variables: { ids: [] } })).data.nodes).toEqual([]);
    const one = await service.ask("query ($id: ID!) { node(id: $id) { id } }", { variables: { id: a } });
    expect(one.data.node).toEqual({ id: a });
  });

  test("are null for ids of nothing, and the rest of the answer is there", async () => {
    const service = await startService();
    const a = (await service.addBook("A")).data.addBook.id;
    const encoded = (text: string) => Buffer.from(text).toString("base64");
    const none = [
      "",
      "A",
      "1",
      " ",
      "\0",
      "\uD800",
      "%%%",
      "x".repeat(10_000),
      encoded("Book"),
      encoded("Book:"),
      encoded("Book:0"),
      encoded("Book:-1"),
      encoded("Book:1.0"),
      encoded("Book:1e0"),
      encoded("Book:01"),
      encoded("Book: 1"),
      encoded("Book:1 or 1=1"),
      encoded("Book:2"),
      encoded("Book:999999999"),
      encoded("Book:99999999999999999999"),
      encoded("Book:A"),
      encoded("book:1"),
      encoded("Author:1"),
      encoded("Query:1"),
      encoded("__proto__:1"),
      encoded("constructor:1"),
    ];
    const { data } = await service.ask(NODES, { variables: { ids: [...none, a] } });
    expect(data.nodes).toEqual([...none.map(() => null), { __typename: "Book", id: a, title: "A" }]);
    for (const id of none.slice(0, 3)) {
      const one = await service.ask('query ($id: ID!) { node(id: $id) { id } book(title: "A") { id } }', {
        variables: { id },
      });
      expect(one.data).toEqual({ node: null, book: { id: a } });
    }
    expect((await service.ask("{ node(id: 1) { id } }")).data.node).toBeNull();
  });

  test("answer thousands of ids at once", async () => {
    const service = await startService();
    const a = (await service.addBook("A")).data.addBook.id;
    const ids = Array.from({ length: 7000 }, (_, n) => Buffer.from(`Book:${n + 1}`).toString("base64"));
    const { data } = await service.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", { variables: { ids } });
    expect(data.nodes).toHaveLength(7000);
    expect(data.nodes.filter((node: unknown) => node)).toEqual([{ id: a }]);
  });
});

/** Any order that is not the titles' own. */
function hash(text: string): number {
  return [...text].reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0) * 7919) % 10007, 7);
}
