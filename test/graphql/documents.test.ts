import { describe, expect, test } from "vitest";
import { type Service, sharedService } from "../support/service/service.ts";

const shared = sharedService();

const repeated = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n)).join(" ");

/** The one code of a refused document, and what it says. */
async function refusal(service: Service, query: string) {
  const { status, data, errors } = await service.sendInvalid(query);
  expect([status, data], query.slice(0, 80)).toEqual([200, undefined]);
  const [code, ...others] = new Set(errors?.map(({ extensions }) => extensions.code));
  expect(others).toEqual([]);
  return { code, message: errors?.[0].message as string };
}

describe("a document", () => {
  test("whose fragments go round in every way is refused like any that go round", async () => {
    const service = shared();
    // to compare their fields exhausts the stack before it is noticed that they never end
    const round = (count: number, body: string) =>
      `{ ...F0 } ${repeated(count, (n) => `fragment F${n} on Query { ${body} ...F${(n + 1) % count} ...F${(n + 2) % count} }`)}`;
    for (const query of [round(180, ""), round(120, "books { id }"), round(3, "")]) {
      expect((await refusal(service, query)).code).toBe("GRAPHQL_VALIDATION_FAILED");
    }
  });

  test("has at most five thousand lines, for each error is placed in them", async () => {
    const service = shared();
    const lines = (count: number, end: string) => `${end.repeat(count - 1)}{ __typename }`;
    for (const end of ["\n", "\r", "\r\n"]) {
      expect((await service.ask(lines(5000, end))).data).toEqual({ __typename: "Query" });
      expect(await refusal(service, lines(5001, end))).toEqual({
        code: "GRAPHQL_PARSE_FAILED",
        message: "Syntax Error: The document has more than 5000 lines.",
      });
    }
  });

  test("selects at most a hundred fields again, for each pair is compared", async () => {
    const service = shared();
    const again = (count: number) =>
      `{ ${"__typename ".repeat(29)} __type(name: "A") { ${"name ".repeat(count - 27)} } }`;
    expect((await service.ask(again(100))).data).toEqual({ __typename: "Query", __type: null });
    const tree = (depth: number): string =>
      depth === 0 ? "name" : `ofType { ${tree(depth - 1)} } ofType { ${tree(depth - 1)} }`;
    const ids = `{ books { ${"id ".repeat(102)} } }`;
    for (const query of [
      again(101),
      `{ ${"books { id } ".repeat(400)} }`,
      ids,
      `{ __type(name: "A") { ${tree(8)} } }`,
    ]) {
      expect(await refusal(service, query)).toEqual({
        code: "GRAPHQL_VALIDATION_FAILED",
        message: "The document selects more than 100 fields that are selected already.",
      });
    }
  });

  test("that is wrong in a hundred ways is told twenty of them", async () => {
    const service = shared();
    const { errors } = await service.sendInvalid(`{ ${repeated(500, (n) => `nothing${n}`)} }`);
    expect(errors?.length).toBeGreaterThan(19);
    expect(errors?.length).toBeLessThan(23);
  });
});

test("an error's path is short, however long the names are that a client gives", async () => {
  const service = shared();
  const long = "n".repeat(50_000);
  const { errors } = await service.send(`{ ${long}: booksConnection(first: 501) { totalCount } }`);
  expect(errors?.[0].extensions.code).toBe("BAD_USER_INPUT");
  expect(errors?.[0].path[0]).toBe(`${"n".repeat(100)}…`);
});

describe("a text of tens of thousands of combining marks", () => {
  // to normalise one of them takes seconds, and a document asks for it as often as it likes
  const marks = `a${"\u0315\u0300".repeat(15_000)}`;

  test("is found nowhere, and is too long for a book, without being normalised", async () => {
    const service = shared();
    const fields = repeated(30, (n) => `a${n}: book(title: $text) { id }`);
    const { data } = await service.ask(`query ($text: String!) { ${fields} }`, { variables: { text: marks } });
    expect(new Set(Object.values(data))).toEqual(new Set([null]));
    const added = await service.ask(
      "mutation ($text: String!) { addBook(input: { title: $text, author: $text }) { ... on ValidationError { fieldErrors { message } } } }",
      { variables: { text: marks } },
    );
    expect(added.data.addBook.fieldErrors).toEqual([
      { message: "must have at most 512 characters" },
      { message: "must have at most 1024 characters" },
    ]);
  });

  test("is no longer than what it is normalised to", async () => {
    const service = shared();
    // four code points that are one, and white space around them
    const title = `${" ".repeat(5000)}${"\u03b1\u0313\u0300\u0345".repeat(512)}\t`;
    await service.addBook(title);
    expect(await service.titles()).toEqual(["\u1f82".repeat(512)]);
  });
});
