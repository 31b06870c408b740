import { describe, expect, test } from "vitest";
import { ADD_BOOK } from "../../support/service/book-requests.ts";
import { type Service, sharedService, startService } from "../../support/service/service.ts";
import { EMOJI, ODD_TITLES } from "../titles.ts";

const shared = sharedService();

const VALID = { title: "A New Book", author: "Author Name" };

async function add(service: Service, fields: Record<string, unknown>) {
  const { data, consistency } = await service.ask(ADD_BOOK, { variables: { input: { ...VALID, ...fields } } });
  return { ...data.addBook, revision: consistency.revision };
}

/** The fields that the refusal names. */
async function refusedFields(service: Service, fields: Record<string, unknown>) {
  const { __typename, message, fieldErrors } = await add(service, fields);
  expect(__typename, JSON.stringify(fields)).toBe("ValidationError");
  expect(message).not.toBe("");
  return fieldErrors.map(({ field, message }: { field: string; message: string }) => {
    expect(message).not.toBe("");
    return field;
  });
}

describe("addBook with every field", () => {
  test("answers the book as it is stored, and it is then found by title, ISBN and id", async () => {
    const service = shared();
    const fields = { ...VALID, publishedDate: "2024-01-01", isbn: "1234567890", stockQuantity: 10 };
    const { revision, __typename, ...book } = await add(service, fields);
    expect(__typename).toBe("Book");
    const unknown = { language: null, description: null, coverUrl: null };
    const own = { id: expect.any(String), version: 1, addedAt: expect.any(String), updatedAt: expect.any(String) };
    expect(book).toEqual({ ...fields, ...unknown, ...own });
    expect(revision).toBe(1);
    const found = await service.ask(
      `query Find($title: String!, $isbn: String!, $id: ID!) {
        book(title: $title) { id }
        bookByIsbn(isbn: $isbn) { id }
        node(id: $id) { id ... on Book { title } }
      }`,
      { variables: { title: book.title, isbn: "123-456-7890", id: book.id } },
    );
    expect(found.data).toEqual({
      book: { id: book.id },
      bookByIsbn: { id: book.id },
      node: { id: book.id, title: book.title },
    });
  });
});

describe("addBook with the required fields alone", () => {
  test("stores none in stock, no date and no ISBN, whether the others are absent or null", async () => {
    const service = shared();
    const optional = { publishedDate: null, isbn: null, language: null, description: null, coverUrl: null };
    const empty = { ...optional, stockQuantity: 0 };
    expect(await add(service, { title: "A" })).toMatchObject(empty);
    expect(await add(service, { title: "B", ...optional, stockQuantity: null })).toMatchObject(empty);
    expect(await service.titles()).toEqual(["A", "B"]);
  });

  test("has its defaults in literals, too", async () => {
    const service = shared();
    const { data } = await service.ask(`mutation {
      addBook(input: { title: "A", author: "B", publishedDate: "2024-02-29", isbn: null }) {
        ... on Book { publishedDate isbn stockQuantity }
      }
    }`);
    expect(data.addBook).toEqual({ publishedDate: "2024-02-29", isbn: null, stockQuantity: 0 });
  });
});

describe("texts in addBook", () => {
  test("are trimmed of every white space and normalised to NFC", async () => {
    const service = shared();
    const added = await add(service, {
      title: " \t\n\u00A0\u2003\uFEFFe\u0301t\u00E9 \r\n",
      author: "\u3000A\u030A\v",
    });
    expect(added).toMatchObject({ __typename: "Book", title: "\u00E9t\u00E9", author: "\u00C5" });
  });

  test.each([
    ["title", 512],
    ["author", 1024],
  ])("count code points: a %s has at most %i", async (field, most) => {
    const service = shared();
    const accepted = ["x", EMOJI, EMOJI.repeat(300), EMOJI.repeat(most), "x".repeat(most), "e\u0301".repeat(most)];
    for (const text of accepted) {
      const { __typename, ...book } = await add(service, { title: `t${accepted.indexOf(text)}`, [field]: text });
      expect(__typename, `${text.length} units`).toBe("Book");
      expect(book[field]).toBe(text.normalize("NFC"));
    }
    expect(await add(service, { [field]: `  ${"y".repeat(most)}  ` })).toMatchObject({ __typename: "Book" });
    for (const text of [EMOJI.repeat(most + 1), "x".repeat(most + 1), "\u0958".repeat(most)]) {
      expect(await refusedFields(service, { [field]: text })).toEqual([field]);
    }
  });

  test("are refused when they are blank", async () => {
    const service = shared();
    for (const text of ["", " ", "\t\n", "\u00A0\u2003\u3000\uFEFF"]) {
      expect(await refusedFields(service, { title: text })).toEqual(["title"]);
      expect(await refusedFields(service, { author: text })).toEqual(["author"]);
    }
  });

  test.each(["title", "author"])("are refused when the %s has a control character within", async (field) => {
    const service = shared();
    const within = ["\0", "\u0001", "\t", "\n", "\r", "\u001F", "\u007F", "\u0080", "\u0085", "\u009F"];
    for (const control of within) {
      expect(await refusedFields(service, { [field]: `a${control}b` }), visible(control)).toEqual([field]);
    }
    // white space at the ends is trimmed first; these are none
    for (const control of ["\0", "\u0001", "\u007F", "\u0085"]) {
      for (const text of [`${control}a`, `a${control}`, `a${control} `, control]) {
        expect(await refusedFields(service, { [field]: text }), visible(text)).toEqual([field]);
      }
    }
  });

  test.each(["title", "author", "isbn"])("are refused when the %s has half a surrogate pair", async (field) => {
    const service = shared();
    for (const text of ["\uD83D", "a\uD83D", "\uDCD8a", "\uDCD8\uD83D"]) {
      expect(await refusedFields(service, { [field]: text })).toEqual([field]);
    }
  });

  test("may be names that mean something to JavaScript, SQL, Redis or regular expressions", async () => {
    const service = shared();
    for (const title of ODD_TITLES) {
      expect(await add(service, { title, author: title }), visible(title)).toMatchObject({ title, author: title });
      expect((await service.book(title)).data.book, visible(title)).toMatchObject({ title, author: title });
      expect((await service.deleteBook(title)).data.deleteBook, visible(title)).toMatchObject({ title });
      expect((await service.book(title)).data.book, visible(title)).toBeNull();
    }
  });
});

describe("the ISBN in addBook", () => {
  test("is stored in ASCII, without dashes and spaces and with a capital X, and found in each form", async () => {
    const service = shared();
    const forms = {
      "0306406152": "9780306406157",
      "0-306-40615-2": "9780306406157",
      // a wrong check digit
      "0306406153": "0306406153",
      "9780306406150": "9780306406150",
      "9790306406156": "9790306406156",
      "978 0 306 40615 7": "9780306406157",
      "978-0306406157": "9780306406157",
      "080442957X": "9780804429573",
      "080442957x": "9780804429573",
      " -0-8044-2957-x- ": "9780804429573",
      "978\u20100\u2013306\u201440615\u301C7": "9780306406157",
      "\uFF10\uFF18\uFF10\uFF14\uFF14\uFF12\uFF19\uFF15\uFF17\uFF58": "9780804429573",
      "9999999999": "9789999999991",
      "0000000000000": "0000000000000",
    };
    for (const [isbn, stored] of Object.entries(forms)) {
      expect(await add(service, { isbn }), isbn).toMatchObject({ __typename: "Book", isbn: stored });
      for (const form of [isbn, stored, stored.toLowerCase()]) {
        const { data } = await service.ask("query ($isbn: String!) { bookByIsbn(isbn: $isbn) { isbn } }", {
          variables: { isbn: form },
        });
        expect(data.bookByIsbn).toEqual({ isbn: stored });
      }
      await service.deleteBook(VALID.title);
    }
  });

  test("is refused when it is none", async () => {
    const service = shared();
    const none = [
      "",
      " ",
      "-",
      "123456789",
      "12345678901",
      "123456789012",
      "12345678901234",
      "X123456789",
      "12345X6789",
      "123456789012X",
      "123456789XX",
      "123456789Y",
      "ISBN 0306406152",
      "0306406152\0",
      "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669",
      // the import alone takes them: a minus, an invisible mark, what qualifies
      "978\u22120306406157",
      "\u200E0306406152",
      "0306406152 (pbk.)",
    ];
    for (const isbn of none) {
      expect(await refusedFields(service, { isbn }), visible(isbn)).toEqual(["isbn"]);
      const { data } = await service.ask("query ($isbn: String!) { bookByIsbn(isbn: $isbn) { isbn } }", {
        variables: { isbn },
      });
      expect(data.bookByIsbn, visible(isbn)).toBeNull();
    }
  });
});

describe("the stock in addBook", () => {
  test("is 0 to 2147483647", async () => {
    const service = shared();
    for (const stockQuantity of [0, 1, 2147483647]) {
      expect(await add(service, { title: `t${stockQuantity}`, stockQuantity })).toMatchObject({ stockQuantity });
    }
    expect(await add(service, { title: "whole", stockQuantity: 5.0 })).toMatchObject({ stockQuantity: 5 });
    expect(await refusedFields(service, { stockQuantity: -1 })).toEqual(["stockQuantity"]);
    expect(await refusedFields(service, { stockQuantity: -2147483648 })).toEqual(["stockQuantity"]);
  });
});

describe("the date in addBook", () => {
  test("is stored as it is: leap days, and from the first year to the last", async () => {
    const service = shared();
    const days = ["2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "1450-01-01", "1582-10-10"];
    for (const publishedDate of days) {
      expect(await add(service, { title: publishedDate, publishedDate })).toMatchObject({ publishedDate });
      expect((await service.book(publishedDate)).data.book).toMatchObject({ publishedDate });
    }
  });
});

describe("addBook with several faults", () => {
  test("names each field that has one, and changes nothing", async () => {
    const service = await startService();
    const fields = { title: " ", author: "a\0", isbn: "", stockQuantity: -1 };
    expect(new Set(await refusedFields(service, fields))).toEqual(new Set(Object.keys(fields)));
    const { data, consistency } = await service.ask("{ books { id } }");
    expect(data.books).toEqual([]);
    expect(consistency.revision).toBe(0);
  });
});

describe("addBook with what another book has", () => {
  test("is refused with the title as it would be stored", async () => {
    const service = await startService();
    await service.addBook("\u00C5");
    for (const title of ["\u00C5", "A\u030A", "\u212B", "  \u00C5\n"]) {
      expect(await add(service, { title })).toMatchObject({
        __typename: "TitleTakenError",
        taken: "\u00C5",
        revision: 1,
      });
    }
  });

  test("is refused with the ISBN as it would be stored", async () => {
    const service = await startService();
    await service.addBook("A", { isbn: "080442957X" });
    expect(await add(service, { isbn: "0-8044-2957-x" })).toMatchObject({
      __typename: "IsbnTakenError",
      isbn: "9780804429573",
      message: expect.stringContaining("9780804429573"),
      revision: 1,
    });
  });

  test("names the title when the ISBN is taken as well, by the same book or another", async () => {
    const service = shared();
    await service.addBook("A", { isbn: "1111111111" });
    await service.addBook("B", { isbn: "2222222222" });
    for (const isbn of ["1111111111", "2222222222"]) {
      expect(await add(service, { title: "A", isbn })).toMatchObject({ __typename: "TitleTakenError" });
    }
  });

  test("is refused for its faults first", async () => {
    const service = shared();
    await service.addBook("A");
    expect(await refusedFields(service, { title: "A", stockQuantity: -1 })).toEqual(["stockQuantity"]);
  });

  test("takes titles that differ in case, accents, compatibility forms or inner space for different ones", async () => {
    const service = shared();
    const titles = ["Straße", "STRASSE", "strasse", "Strasse", "\uFB01n", "fin", "fín", "f in", "f  in", "İ", "i", "ı"];
    for (const title of titles) await service.addBook(title);
    expect((await service.titles()).length).toBe(titles.length);
  });
});

function visible(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007F-\uFFFF]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);
}
