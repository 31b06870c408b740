import { describe, expect, test } from "vitest";
import { plainHttp } from "../support/network/plain-http.ts";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import { READ_PATHS, sharedPath } from "../support/service/read-paths.ts";
import { type Service, startService } from "../support/service/service.ts";

interface Asked {
  readonly query: string;
  readonly variables?: object;
  readonly extensions?: object;
}

/** Asks by `method`, with this `Consistency-At-Least` or none, and tells what the answer says. */
async function ask(service: Service, method: string, asked: Asked, atLeast?: string | readonly string[]) {
  const search = Object.entries(asked).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const url = method === "GET" ? `${service.url}?${new URLSearchParams(search)}` : service.url;
  const { status, headers, bytes } = await plainHttp(url, {
    method,
    headers: {
      ...(method === "POST" && { "content-type": "application/json" }),
      ...(atLeast !== undefined && { "consistency-at-least": atLeast }),
    },
    ...(method === "POST" && { body: JSON.stringify(asked) }),
  });
  const { data, errors, extensions } = JSON.parse(bytes.toString());
  const revision = headers["consistency-revision"];
  return { status, revision, data, code: errors?.[0].extensions.code, message: errors?.[0].message, extensions };
}

const BOOKS = { query: "{ books { title } }" };
const METHODS = ["POST", "GET"];

describe.each(READ_PATHS)("Consistency-Revision when $store answers", ({ start }) => {
  const shared = sharedPath(start);

  test("is the revision that the answer is true at, first asked, compiled or sent again", async () => {
    const { service } = shared();
    for (const method of METHODS) {
      await service.addBook(`By ${method}`);
      const revision = (await service.ask("{ books { id } }")).consistency.revision;
      for (let again = 0; again < 4; again++) {
        const answer = await ask(service, method, BOOKS);
        expect(answer).toMatchObject({
          status: 200,
          revision: String(revision),
          extensions: { consistency: { revision } },
        });
      }
    }
  });
});

describe("Consistency-Revision", () => {
  test("is there where something was read or written, refused or not, and else not", async () => {
    const service = await startService();
    const input = { title: "Dune", author: "Frank Herbert" };
    const added = await ask(service, "POST", { query: ADD_BOOK, variables: { input } });
    expect(added).toMatchObject({ revision: "1", data: { addBook: { __typename: "Book" } } });
    expect((await ask(service, "POST", { query: ADD_BOOK, variables: { input } })).revision).toBe("1");
    const partly = { query: '{ book(title: "Dune") { title } booksConnection(first: 501) { totalCount } }' };
    expect(await ask(service, "POST", partly)).toMatchObject({ revision: "1", code: "BAD_USER_INPUT" });
    for (const query of ["{ __typename }", "{", "{ nothing }"]) {
      for (const method of METHODS) expect((await ask(service, method, { query })).revision, query).toBeUndefined();
    }
  });
});

describe.each(READ_PATHS)("Consistency-At-Least when $store answers", ({ start }) => {
  const shared = sharedPath(start);

  test("is granted up to the newest revision and refused beyond, however well the answer is known", async () => {
    const { service } = shared();
    await service.addBook("Dune");
    for (const method of METHODS) {
      for (let again = 0; again < 4; again++) {
        for (const granted of ["0", "1", "books=1", " 1 ", "books=0"]) {
          expect(await ask(service, method, BOOKS, granted), granted).toMatchObject({ status: 200, revision: "1" });
        }
        for (const refused of ["2", "books=2", String(Number.MAX_SAFE_INTEGER)]) {
          const answer = await ask(service, method, BOOKS, refused);
          expect(answer, refused).toMatchObject({ data: { books: null }, code: "REVISION_NOT_REACHED" });
        }
      }
    }
  });

  test("keeps a mutation from running on what is older", async () => {
    const { service } = await start();
    await service.addBook("Dune");
    const adding = (title: string) => ({ query: ADD_BOOK, variables: { input: { title, author: "A" } } });
    for (let again = 0; again < 3; again++) {
      const refused = await ask(service, "POST", adding(`Too Early ${again}`), "99");
      expect(refused).toMatchObject({ data: null, code: "REVISION_NOT_REACHED" });
    }
    expect((await ask(service, "POST", adding("In Time"), "1")).revision).toBe("2");
    expect(await service.titles()).toEqual(["Dune", "In Time"]);
  });

  test("counts beside the extension: the higher of the two", async () => {
    const { service } = await start();
    await service.addBook("Dune");
    const both: [extension: unknown, header: string, granted: boolean][] = [
      [1, "0", true],
      [0, "1", true],
      [2, "0", false],
      [0, "2", false],
      [{ books: 2 }, "books=1", false],
      [null, "2", false],
      [undefined, "2", false],
    ];
    for (const method of METHODS) {
      for (const [atLeast, header, granted] of both) {
        const asked = { ...BOOKS, extensions: { consistency: { atLeast } } };
        const { code } = await ask(service, method, asked, header);
        expect(code, `${JSON.stringify(atLeast)} and ${header}`).toBe(granted ? undefined : "REVISION_NOT_REACHED");
      }
    }
  });
});

describe("Consistency-At-Least that is no revision", () => {
  test("is refused by its name, and nothing runs, whatever is known", async () => {
    const service = await startService();
    for (const method of METHODS) for (let again = 0; again < 3; again++) await ask(service, method, BOOKS);
    const bad: (string | readonly string[])[] = [
      ...["", " ", "-1", "+1", "1e3", "1.0", "0x1", "01", "1,", ",", "1 2", "x", "null", "NaN", "Infinity", "é"],
      ...["9007199254740992", "9".repeat(400), "books", "books=", "books=-1", "books=1e3", "books=1=1", "=1"],
      ...["films=1", "__proto__=1", "constructor=1", "books=1;", "books=1, books=2", "1, books=1", '"1"'],
      ["1", "2"],
      ["1", "1"],
    ];
    const mutation = { query: 'mutation { addBook(input: { title: "A", author: "B" }) { __typename } }' };
    for (const header of bad) {
      for (const [method, asked] of [...METHODS.map((m) => [m, BOOKS] as const), ["POST", mutation] as const]) {
        const answer = await ask(service, method, asked, header);
        expect(answer, `${method} ${JSON.stringify(header)}`).toMatchObject({
          ...{ status: 400, code: "BAD_USER_INPUT", data: undefined, revision: undefined },
          message: expect.stringMatching(/^Consistency-At-Least must be/),
        });
      }
    }
    expect(await service.titles()).toEqual([]);
  });
});
