import { describe, expect, test } from "vitest";
import { startService } from "../../support/service/service.ts";

const FULL = { author: "Author Name", publishedDate: "2024-01-01", isbn: "1234567890", stockQuantity: 10 };

describe("deleteBook", () => {
  test("answers the book as it last was; its title, ISBN and id then lead nowhere", async () => {
    const service = await startService();
    await service.addBook("A", FULL);
    const { __typename, ...book } = (await service.updateBook("A", { stockQuantity: 3 })).data.updateBook;
    const { data, consistency } = await service.deleteBook("A");
    expect(data.deleteBook).toEqual({ __typename: "Book", ...book });
    expect(consistency).toEqual({ revision: 3, servedBy: "database" });
    const found = await service.ask(
      `query ($id: ID!) {
        books { id }
        book(title: "A") { id }
        bookEditForm(title: "A") { mutation }
        bookByIsbn(isbn: "1234567890") { id }
        node(id: $id) { id }
        nodes(ids: [$id]) { id }
        booksConnection { totalCount }
      }`,
      { variables: { id: book.id } },
    );
    expect(found.data).toEqual({
      books: [],
      book: null,
      bookEditForm: null,
      bookByIsbn: null,
      node: null,
      nodes: [null],
      booksConnection: { totalCount: 0 },
    });
  });

  test("finds the book by any form of its title", async () => {
    const service = await startService();
    await service.addBook("\u00C5");
    expect((await service.deleteBook(" A\u030A\n")).data.deleteBook).toMatchObject({ title: "\u00C5" });
  });

  test("frees title and ISBN; a book that is added again has another id, and a version that none has had", async () => {
    const service = await startService();
    const first = (await service.addBook("A", FULL)).data.addBook;
    await service.updateBook("A", {});
    await service.deleteBook("A");
    const second = (await service.addBook("A", FULL)).data.addBook;
    const { id, addedAt, updatedAt } = second;
    expect(second).toEqual({ ...first, id, version: 4, addedAt, updatedAt });
    expect(second.id).not.toBe(first.id);
  });

  test("of a title that no book has, or no longer has, is refused", async () => {
    const service = await startService();
    await service.addBook("A");
    await service.deleteBook("A");
    for (const title of ["A", "a", "", "\0", "\uD800", "x".repeat(513)]) {
      const { data, consistency } = await service.deleteBook(title);
      expect(data.deleteBook).toEqual({
        __typename: "BookNotFoundError",
        message: expect.stringMatching(/./),
        notFound: title,
      });
      expect(consistency.revision).toBe(2);
    }
  });
});

describe("deleteBook with an expected version", () => {
  test("is refused when the book is at another, and deletes it when it is at this one", async () => {
    const service = await startService();
    await service.addBook("A");
    const { __typename, ...book } = (await service.updateBook("A", {})).data.updateBook;
    for (const expectedVersion of [1, 3, 0, Number.MAX_SAFE_INTEGER]) {
      expect((await service.deleteBook("A", expectedVersion)).data.deleteBook).toEqual({
        __typename: "VersionConflictError",
        message: expect.stringMatching(/./),
        expectedVersion,
        actualVersion: 2,
        book,
      });
    }
    expect((await service.deleteBook("B", 7)).data.deleteBook.__typename).toBe("BookNotFoundError");
    expect((await service.deleteBook("A", 2)).data.deleteBook).toEqual({ __typename: "Book", ...book });
  });

  test("may be null, which expects nothing", async () => {
    const service = await startService();
    await service.addBook("A");
    const { data } = await service.ask('mutation { deleteBook(title: "A", expectedVersion: null) { __typename } }');
    expect(data.deleteBook).toEqual({ __typename: "Book" });
  });
});
