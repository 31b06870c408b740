import { describe, expect, test } from "vitest";
import { DELETE_BOOK, UPDATE_BOOK } from "../support/service/book-requests.ts";
import { READ_PATHS, sharedPath } from "../support/service/read-paths.ts";
import { type Service, startService } from "../support/service/service.ts";

const encoded = (text: string) => Buffer.from(text).toString("base64");

/** What stands for no book. */
const NO_BOOK = [
  ...["", "A", "1", " ", "\0", "\uD800", "%%%", "x".repeat(10_000)],
  ...["Book", "Book:", "Book:0", "Book:-1", "Book:1.0", "Book:01", "Book:2", "Book:999999999", "Book:99999999999"].map(
    encoded,
  ),
  ...["book:1", "Author:1", "Query:1", "__proto__:1", "Book:1 or 1=1", "Book:1\n"].map(encoded),
];

const FIND = `query ($title: String, $id: ID, $isbn: String) { book(title: $title, id: $id, isbn: $isbn) { id title } }`;
const FORM = `query ($title: String, $id: ID) { bookEditForm(title: $title, id: $id) { book { id title } formData } }`;
const UPDATE_BY_ID = UPDATE_BOOK.replace("$title: String!", "$id: ID").replace("title: $title", "id: $id");
const DELETE_BY_ID = DELETE_BOOK.replace("$title: String!", "$id: ID").replace("title: $title", "id: $id");

async function answerTo(service: Service, query: string, variables: Record<string, unknown>) {
  const { data } = await service.ask(query, { variables });
  return Object.values(data as Record<string, unknown>)[0];
}

describe.each(READ_PATHS)("a book, when $store answers", ({ start }) => {
  const shared = sharedPath(start);

  test("is found by title, by id and by ISBN, whatever it is called by now", async () => {
    const { service } = shared();
    const { id } = (await service.addBook("A", { isbn: "0-306-40615-2" })).data.addBook;
    await service.updateBook("A", { title: "B" });
    const found = { id, title: "B" };
    expect(await answerTo(service, FIND, { title: " B" })).toEqual(found);
    expect(await answerTo(service, FIND, { id })).toEqual(found);
    for (const isbn of ["0306406152", "978-0-306-40615-7", "\uFF19\uFF17\uFF18 0306406157"]) {
      expect(await answerTo(service, FIND, { isbn }), isbn).toEqual(found);
    }
    expect(await answerTo(service, FORM, { id })).toMatchObject({ book: found, formData: { title: "B" } });
    expect(await answerTo(service, FIND, { title: "A", id: null, isbn: null })).toBeNull();
    expect(await answerTo(service, FIND, { isbn: "no ISBN" })).toBeNull();
    for (const none of NO_BOOK) {
      expect(await answerTo(service, FIND, { id: none }), JSON.stringify(none)).toBeNull();
      expect(await answerTo(service, FORM, { id: none }), JSON.stringify(none)).toBeNull();
    }
  });
});

describe("a mutation by id", () => {
  test("changes and deletes the book, whatever it is called by now", async () => {
    const service = await startService();
    const { id } = (await service.addBook("A")).data.addBook;
    await service.addBook("B");
    await service.updateBook("A", { title: "C" });
    expect(await answerTo(service, UPDATE_BY_ID, { id, input: { title: "A", expectedVersion: 3 } })).toMatchObject({
      ...{ id, title: "A", version: 4 },
    });
    expect(await answerTo(service, UPDATE_BY_ID, { id, input: { title: "B" } })).toMatchObject({
      __typename: "TitleTakenError",
    });
    expect(await answerTo(service, DELETE_BY_ID, { id, expectedVersion: 3 })).toMatchObject({
      __typename: "VersionConflictError",
      actualVersion: 4,
    });
    expect(await answerTo(service, DELETE_BY_ID, { id })).toMatchObject({ __typename: "Book", title: "A" });
    expect(await service.titles()).toEqual(["B"]);
  });

  test("of what is no book's finds none, and says what was sent", async () => {
    const service = await startService();
    await service.addBook("A");
    for (const id of NO_BOOK) {
      const refused = {
        __typename: "BookNotFoundError",
        notFound: id,
        message: `There is no book with the id “${id}”.`,
      };
      expect(await answerTo(service, UPDATE_BY_ID, { id, input: {} }), JSON.stringify(id)).toEqual(refused);
      expect(await answerTo(service, DELETE_BY_ID, { id }), JSON.stringify(id)).toEqual(refused);
    }
    const literal = await service.ask(
      "mutation { deleteBook(id: 1) { __typename ... on BookNotFoundError { title } } }",
    );
    expect(literal.data.deleteBook).toEqual({ __typename: "BookNotFoundError", title: "1" });
    expect(await service.titles()).toEqual(["A"]);
  });
});

describe("which book is meant", () => {
  const ARGUMENTS: [given: string, told: string][] = [
    ["", "none"],
    ["title: null", "none"],
    ["title: null, id: null", "none"],
    ['title: "A", id: "Qm9vazox"', "title and id"],
    ['title: "", id: ""', "title and id"],
  ];

  test("must be said once in a mutation, and nothing is changed", async () => {
    const service = await startService();
    await service.addBook("A");
    for (const [given, told] of ARGUMENTS) {
      const list = given ? `${given}, ` : "";
      for (const field of [`updateBook(${list}input: { author: "" })`, `deleteBook(${list}expectedVersion: 9)`]) {
        const { data, errors } = await service.send(`mutation { ${field} { __typename } }`);
        expect(data, field).toBeNull();
        expect(
          errors?.map(({ message, extensions }) => [message, extensions]),
          field,
        ).toEqual([[`Exactly one of title and id must be given, not ${told}.`, { code: "BAD_USER_INPUT" }]]);
      }
    }
    expect((await service.book("A")).data.book).toMatchObject({ author: "Author Name", version: 1 });
  });

  test("must be said once in a query, and the rest of the answer is there", async () => {
    const service = await startService();
    await service.addBook("A");
    const queries = [
      ...ARGUMENTS.map(([given, told]) => ["bookEditForm", given, "title and id", told]),
      ...ARGUMENTS.map(([given, told]) => ["book", given, "title, id and isbn", told]),
      ["book", 'id: "Qm9vazox", isbn: "0306406152"', "title, id and isbn", "id and isbn"],
      ["book", 'title: "A", id: "", isbn: ""', "title, id and isbn", "title and id and isbn"],
    ] as [field: string, given: string, all: string, told: string][];
    for (const [field, given, all, told] of queries) {
      const args = given ? `(${given})` : "";
      const { data, errors } = await service.send(`{ bad: ${field}${args} { __typename } books { title } }`);
      expect(data, given).toEqual({ bad: null, books: [{ title: "A" }] });
      expect(
        errors?.map(({ message, extensions }) => [message, extensions]),
        given,
      ).toEqual([[`Exactly one of ${all} must be given, not ${told}.`, { code: "BAD_USER_INPUT" }]]);
    }
  });
});

describe("an error in one field of a request", () => {
  test("leaves the others their answers, also beside lists, pages and nodes", async () => {
    const service = await startService({ MAX_BOOKS: "1" });
    const { id } = (await service.addBook("A")).data.addBook;
    await service.addBook("B");
    const { data, errors } = await service.send(
      `query ($ids: [ID!]!) {
        books { title }
        booksConnection(first: 501) { totalCount }
        nodes(ids: $ids) { id }
        book(title: "A") { id }
        page: booksConnection { totalCount }
      }`,
      { variables: { ids: Array(10_001).fill(id) } },
    );
    expect(data).toEqual({ books: null, booksConnection: null, nodes: null, book: { id }, page: { totalCount: 2 } });
    expect(errors?.map(({ path, extensions }) => [path, extensions.code]).sort()).toEqual([
      [["books"], "TOO_MANY_BOOKS"],
      [["booksConnection"], "BAD_USER_INPUT"],
      [["nodes"], "BAD_USER_INPUT"],
    ]);
  });
});
