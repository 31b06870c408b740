import { describe, expect, test } from "vitest";
import { UPDATE_BOOK } from "../../support/service/book-requests.ts";
import { type Service, startService } from "../../support/service/service.ts";

const FULL = { author: "Author Name", publishedDate: "2024-01-01", isbn: "1234567890", stockQuantity: 10 };

async function update(service: Service, title: string, input: Record<string, unknown>) {
  const { data, consistency } = await service.ask(UPDATE_BOOK, { variables: { title, input } });
  return { ...data.updateBook, revision: consistency.revision };
}

describe("updateBook", () => {
  test("changes the field that is given and no other", async () => {
    const service = await startService();
    let before = (await service.addBook("A", FULL)).data.addBook;
    const changes = [
      ["title", "B", "B"],
      ["author", " Another\u00A0", "Another"],
      ["publishedDate", "2023-12-31", "2023-12-31"],
      ["publishedDate", null, null],
      ["isbn", "080442957x", "9780804429573"],
      ["isbn", null, null],
      ["language", "EN-us", "en-US"],
      ["language", null, null],
      ["description", " One\r\nTwo ", "One\nTwo"],
      ["description", null, null],
      ["coverUrl", " https://example.org/a.jpg", "https://example.org/a.jpg"],
      ["coverUrl", null, null],
      ["stockQuantity", 0, 0],
    ] as const;
    for (const [field, value, stored] of changes) {
      const { revision, ...book } = await update(service, before.title, { [field]: value });
      const { updatedAt } = book;
      expect(book).toEqual({ ...before, [field]: stored, version: before.version + 1, updatedAt });
      expect(revision).toBe(book.version);
      const found = (await service.book(book.title)).data.book;
      expect({ ...found, __typename: "Book" }).toEqual(book);
      before = book;
    }
  });

  test("changes several fields at once", async () => {
    const service = await startService();
    await service.addBook("A", FULL);
    const input = { title: "B", author: "C", publishedDate: null, isbn: null, stockQuantity: 1 };
    expect(await update(service, "A", input)).toMatchObject({ ...input, version: 2 });
  });

  test("raises version and revision even when it changes nothing", async () => {
    const service = await startService();
    const { data } = await service.addBook("A", FULL);
    const { id, version, addedAt, updatedAt, __typename, ...same } = data.addBook;
    expect(await update(service, "A", {})).toMatchObject({ ...same, addedAt, version: 2, revision: 2 });
    expect(await update(service, "A", same)).toMatchObject({ ...same, version: 3, revision: 3 });
    expect(await update(service, "A", { expectedVersion: 3 })).toMatchObject({ ...same, version: 4, revision: 4 });
  });

  test("finds the book by any form of its title", async () => {
    const service = await startService();
    await service.addBook("\u00C5ngstr\u00F6m");
    expect(await update(service, "\t A\u030Angstro\u0308m ", { stockQuantity: 1 })).toMatchObject({ stockQuantity: 1 });
    expect(await update(service, "\u00E5ngstr\u00F6m", {})).toMatchObject({ __typename: "BookNotFoundError" });
  });

  test("in a literal leaves absent fields alone and clears those that are null", async () => {
    const service = await startService();
    await service.addBook("A", FULL);
    const { data } = await service.ask(`mutation {
      updateBook(title: "A", input: { publishedDate: null, stockQuantity: 3 }) {
        ... on Book { title author publishedDate isbn stockQuantity version }
      }
    }`);
    expect(data.updateBook).toEqual({ ...FULL, title: "A", publishedDate: null, stockQuantity: 3, version: 2 });
  });

  test("leaves a field alone whose variable is absent", async () => {
    const service = await startService();
    await service.addBook("A", FULL);
    const query = `mutation ($date: Date, $stock: Int) {
      updateBook(title: "A", input: { publishedDate: $date, stockQuantity: $stock }) { ... on Book { publishedDate stockQuantity } }
    }`;
    const { data } = await service.ask(query, { variables: { date: null } });
    expect(data.updateBook).toEqual({ publishedDate: null, stockQuantity: 10 });
  });
});

describe("updateBook with input that breaks a rule", () => {
  const faults: [field: string, value: unknown][] = [
    ["title", null],
    ["title", ""],
    ["title", "\u0000"],
    ["title", "\uD800"],
    ["title", "x".repeat(513)],
    ["author", null],
    ["author", " "],
    ["author", "x".repeat(1025)],
    ["isbn", ""],
    ["isbn", "123"],
    ["stockQuantity", null],
    ["stockQuantity", -1],
  ];

  test("is refused, names the field and changes nothing", async () => {
    const service = await startService();
    await service.addBook("A", FULL);
    for (const [field, value] of faults) {
      expect(await update(service, "A", { [field]: value }), `${field} ${value}`).toMatchObject({
        __typename: "ValidationError",
        message: expect.stringContaining(field),
        fieldErrors: expect.arrayContaining([{ field, message: expect.stringMatching(/./) }]),
        revision: 1,
      });
    }
    expect((await service.book("A")).data.book).toMatchObject({ ...FULL, version: 1 });
  });
});

describe("updateBook of a title that no book has", () => {
  test("is refused, also when it can be no title", async () => {
    const service = await startService();
    await service.addBook("A");
    for (const title of ["B", "a", "", " ", "\0", "A\0", "\u0001", "\uD800", "A\uDC00", "x".repeat(513)]) {
      expect(await update(service, title, { stockQuantity: 1 })).toMatchObject({
        __typename: "BookNotFoundError",
        message: expect.stringMatching(/./),
        notFound: title,
        revision: 1,
      });
    }
  });
});

describe("updateBook that renames", () => {
  test("onto its own title, in any form, is an update", async () => {
    const service = await startService();
    await service.addBook("\u00C5");
    expect(await update(service, "\u00C5", { title: "\u00C5" })).toMatchObject({ __typename: "Book", version: 2 });
    expect(await update(service, "A\u030A", { title: " A\u030A" })).toMatchObject({ title: "\u00C5", version: 3 });
    expect(await service.titles()).toEqual(["\u00C5"]);
  });

  test("keeps the id, and the old title becomes free", async () => {
    const service = await startService();
    const { id } = (await service.addBook("A")).data.addBook;
    expect(await update(service, "A", { title: "B" })).toMatchObject({ id, title: "B" });
    const other = (await service.addBook("A")).data.addBook;
    expect(other.id).not.toBe(id);
    expect(await service.titles()).toEqual(["A", "B"]);
    expect(await update(service, "B", { title: "A" })).toMatchObject({ __typename: "TitleTakenError", taken: "A" });
    await service.deleteBook("A");
    expect(await update(service, "B", { title: "A" })).toMatchObject({ id, title: "A", version: 5 });
    expect(await service.titles()).toEqual(["A"]);
  });

  test("swaps two titles by way of a third", async () => {
    const service = await startService();
    const a = (await service.addBook("A")).data.addBook.id;
    const b = (await service.addBook("B")).data.addBook.id;
    await update(service, "A", { title: "C" });
    await update(service, "B", { title: "A" });
    await update(service, "C", { title: "B" });
    expect((await service.book("A")).data.book.id).toBe(b);
    expect((await service.book("B")).data.book.id).toBe(a);
  });

  test("may change the case of a title alone", async () => {
    const service = await startService();
    await service.addBook("abc");
    expect(await update(service, "abc", { title: "ABC" })).toMatchObject({ title: "ABC" });
    expect(await service.titles()).toEqual(["ABC"]);
  });
});

describe("updateBook with what another book has", () => {
  test("is refused", async () => {
    const service = await startService();
    await service.addBook("A", { isbn: "1111111111" });
    await service.addBook("B", { isbn: "2222222222" });
    expect(await update(service, "A", { title: " B " })).toMatchObject({ __typename: "TitleTakenError", taken: "B" });
    expect(await update(service, "A", { isbn: "222-222-222-2" })).toMatchObject({
      __typename: "IsbnTakenError",
      isbn: "9782222222224",
      revision: 2,
    });
    expect(await update(service, "A", { title: "B", isbn: "2222222222" })).toMatchObject({
      __typename: "TitleTakenError",
    });
    expect(await update(service, "A", { isbn: "1111111111" })).toMatchObject({ __typename: "Book", version: 3 });
  });
});

describe("updateBook with an expected version", () => {
  test("is an update when the book is at it", async () => {
    const service = await startService();
    await service.addBook("A");
    expect(await update(service, "A", { expectedVersion: 1, stockQuantity: 1 })).toMatchObject({ version: 2 });
    expect(await update(service, "A", { expectedVersion: null, stockQuantity: 2 })).toMatchObject({ version: 3 });
  });

  test("is refused when the book is at another, with the book as it is", async () => {
    const service = await startService();
    await service.addBook("A", FULL);
    const { revision, __typename, ...book } = await update(service, "A", {});
    for (const expectedVersion of [0, 1, 3, 2147483648, Number.MAX_SAFE_INTEGER]) {
      expect(await update(service, "A", { expectedVersion, stockQuantity: 1 })).toEqual({
        __typename: "VersionConflictError",
        message: expect.stringMatching(/./),
        expectedVersion,
        actualVersion: 2,
        book,
        revision,
      });
    }
  });

  test("lets one of two concurrent updates through", async () => {
    const service = await startService();
    await service.addBook("A");
    const outcomes = await Promise.all(
      [1, 2, 3, 4].map((stockQuantity) => update(service, "A", { stockQuantity, expectedVersion: 1 })),
    );
    expect(outcomes.map(({ __typename }) => __typename).sort()).toEqual([
      "Book",
      ...Array(3).fill("VersionConflictError"),
    ]);
  });
});

describe("updateBook to which several errors apply", () => {
  test("is refused for invalid input first, then the missing book, then the version, then what is taken", async () => {
    const service = await startService();
    await service.addBook("A");
    await service.addBook("B", { isbn: "2222222222" });
    const all = { title: "B", isbn: "2222222222", expectedVersion: 7 };
    const typename = async (title: string, input: object) => (await update(service, title, { ...input })).__typename;
    expect(await typename("C", { ...all, stockQuantity: -1 })).toBe("ValidationError");
    expect(await typename("C", all)).toBe("BookNotFoundError");
    expect(await typename("A", all)).toBe("VersionConflictError");
    expect(await typename("A", { ...all, expectedVersion: 1 })).toBe("TitleTakenError");
    expect(await typename("A", { isbn: all.isbn, expectedVersion: 1 })).toBe("IsbnTakenError");
  });
});
