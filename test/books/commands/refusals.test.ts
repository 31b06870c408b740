import { describe, expect, test } from "vitest";
import { sharedService, startService } from "../../support/service/service.ts";

const shared = sharedService();

const ADD = `mutation ($input: AddBookInput!) { addBook(input: $input) {
  __typename
  ... on Book { title isbn }
  ... on Error { code message }
  ... on ValidationError { fieldErrors { field code limit } }
  ... on TitleTakenError { title book { title author version isbn } }
  ... on IsbnTakenError { isbn book { title author version isbn } }
} }`;

const UPDATE = `mutation ($title: String!, $input: UpdateBookInput!) { updateBook(title: $title, input: $input) {
  __typename
  ... on Error { code }
  ... on ValidationError { code fieldErrors { field code limit } }
  ... on TitleTakenError { code book { title } }
  ... on IsbnTakenError { code book { title } }
  ... on BookNotFoundError { code }
  ... on VersionConflictError {
    code actualVersion editForm { book { title version } mutation fields { name value } formData }
  }
} }`;

describe("a refusal", () => {
  test("has a code, and the book that has what is taken", async () => {
    const service = shared();
    const add = async (input: object) => (await service.ask(ADD, { variables: { input } })).data.addBook;
    const update = async (title: string, input: object) =>
      (await service.ask(UPDATE, { variables: { title, input } })).data.updateBook;
    const first = { title: "A", author: "One", isbn: "9780306406157" };
    // the same selection of the ISBN for both members
    expect(await add(first)).toEqual({ __typename: "Book", title: "A", isbn: "9780306406157" });
    await service.addBook("B");
    const book = { ...first, version: 1 };
    expect(await add({ title: " A", author: "Two" })).toEqual({
      ...{ __typename: "TitleTakenError", code: "TITLE_TAKEN", title: "A", book },
      message: "There is already a book with the title “A”.",
    });
    expect(await add({ title: "C", author: "Two", isbn: "0-306-40615-2" })).toEqual({
      ...{ __typename: "IsbnTakenError", code: "ISBN_TAKEN", isbn: "9780306406157", book },
      message: "There is already a book with the ISBN 9780306406157.",
    });
    expect(await update("B", { title: "A" })).toMatchObject({ code: "TITLE_TAKEN", book: { title: "A" } });
    expect(await update("B", { isbn: "0306406152" })).toMatchObject({ code: "ISBN_TAKEN", book: { title: "A" } });
    expect(await update("C", {})).toEqual({ __typename: "BookNotFoundError", code: "BOOK_NOT_FOUND" });
  });

  test("shows the one that took it a moment before, in the same transaction", async () => {
    const service = await startService();
    const authors = ["1", "2", "3", "4", "5"];
    const answers = await Promise.all(
      authors.map(
        async (author) => (await service.ask(ADD, { variables: { input: { title: "A", author } } })).data.addBook,
      ),
    );
    const { author } = (await service.book("A")).data.book;
    expect(answers.filter(({ __typename }) => __typename === "Book")).toHaveLength(1);
    for (const { code, book } of answers) if (code) expect(book).toMatchObject({ title: "A", author, version: 1 });
  });

  test("for the version has the form anew, with what is there now", async () => {
    const service = await startService();
    await service.addBook("A");
    await service.updateBook("A", { author: "Another", language: "pl" });
    const conflict = (await service.ask(UPDATE, { variables: { title: "A", input: { expectedVersion: 1 } } })).data
      .updateBook;
    expect(conflict).toMatchObject({ code: "VERSION_CONFLICT", actualVersion: 2 });
    const { data } = await service.ask(
      '{ bookEditForm(title: "A") { book { title version } mutation fields { name value } formData } }',
    );
    expect(conflict.editForm).toEqual(data.bookEditForm);
    expect(conflict.editForm.formData).toMatchObject({ author: "Another", language: "pl", expectedVersion: 2 });
    const again = await service.updateBook("A", conflict.editForm.formData);
    expect(again.data.updateBook).toMatchObject({ __typename: "Book", version: 3 });
  });

  test("of input says for each field what is wrong, in a code and with the limit", async () => {
    const service = shared();
    await service.addBook("A");
    const wrong: [input: Record<string, unknown>, code: string, limit: number | null][] = [
      [{ title: null }, "REQUIRED", null],
      [{ title: " " }, "REQUIRED", null],
      [{ author: null }, "REQUIRED", null],
      [{ stockQuantity: null }, "REQUIRED", null],
      [{ description: "\n" }, "REQUIRED", null],
      [{ title: "x".repeat(513) }, "TOO_LONG", 512],
      [{ title: "x".repeat(10_000) }, "TOO_LONG", 512],
      [{ author: "x".repeat(1025) }, "TOO_LONG", 1024],
      [{ description: "x".repeat(10_001) }, "TOO_LONG", 10_000],
      [{ coverUrl: `https://a/${"x".repeat(2100)}` }, "TOO_LONG", 2048],
      [{ stockQuantity: -1 }, "TOO_SMALL", 0],
      [{ title: "a\0" }, "INVALID_CHARACTER", null],
      [{ description: "a\u0001b" }, "INVALID_CHARACTER", null],
      [{ author: "\uD800" }, "INVALID_CHARACTER", null],
      [{ isbn: "" }, "INVALID_FORMAT", null],
      [{ isbn: "978" }, "INVALID_FORMAT", null],
      [{ language: "english!" }, "INVALID_FORMAT", null],
      [{ language: "de-1996-1996" }, "INVALID_FORMAT", null],
      [{ coverUrl: "http://example.org" }, "INVALID_FORMAT", null],
    ];
    for (const [input, code, limit] of wrong) {
      const { data } = await service.ask(UPDATE, { variables: { title: "A", input } });
      const [field] = Object.keys(input);
      expect(data.updateBook, JSON.stringify(input).slice(0, 60)).toEqual({
        ...{ __typename: "ValidationError", code: "VALIDATION_FAILED", fieldErrors: [{ field, code, limit }] },
      });
    }
    const both = await service.ask(ADD, { variables: { input: { title: "x\0".repeat(400), author: "" } } });
    expect(both.data.addBook.fieldErrors).toEqual([
      { field: "title", code: "TOO_LONG", limit: 512 },
      { field: "title", code: "INVALID_CHARACTER", limit: null },
      { field: "author", code: "REQUIRED", limit: null },
    ]);
  });
});

test("the codes of refusals and of errors are one enum of the schema", async () => {
  const service = shared();
  const { data } = await service.ask('{ __type(name: "ErrorCode") { enumValues { name } } }');
  const names = data.__type.enumValues.map(({ name }: { name: string }) => name);
  expect(names).toEqual(expect.arrayContaining(["TITLE_TAKEN", "BAD_USER_INPUT", "TOO_MANY_BOOKS", "OUTCOME_UNKNOWN"]));
  const { errors } = await service.send("{ booksConnection(first: -1) { totalCount } }");
  expect(names).toContain(errors?.[0].extensions.code);
});
