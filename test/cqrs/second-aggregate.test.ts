import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bearer, SECRET, tokenWith } from "../support/auth/tokens.ts";
import { checkoutWithFilms, filmsFor } from "../support/checkout/copied-aggregate.ts";
import { engine, newDatabase } from "../support/database/database.ts";
import { plainHttp } from "../support/network/plain-http.ts";
import { startRedis } from "../support/redis/server.ts";
import { ADD_BOOK, ADJUST_STOCK, BOOK, DELETE_BOOK, UPDATE_BOOK } from "../support/service/book-requests.ts";
import type { GraphqlClient } from "../support/service/graphql-client.ts";
import { type Environment, programEnvironment, spawnProgram } from "../support/service/program.ts";
import { startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { eventually } from "../support/wait.ts";

/** The noun that a story is told with. */
type Noun = (text: string) => string;
const booksFor: Noun = (text) => text;
const NOUNS = [booksFor, filmsFor];

const LIST = "{ books { title } }";
const PAST =
  "query ($title: String!, $asOf: Revision!) { book(title: $title, asOf: $asOf) { title history { nodes { kind } } } }";
const CHANGES = "query ($after: Revision!) { changes(after: $after) { kind after { title } } }";
const FORM = "query ($title: String!) { bookEditForm(title: $title) { mutation fields { name value } } }";

/** Asks with this noun, and returns the answer's only field with what the answer says of itself. */
async function ask(service: GraphqlClient, noun: Noun, query: string, variables: Record<string, unknown> = {}) {
  // schema.graphql has no films, and the record of what the suite sends is held against it
  const { data, errors, consistency } = await service.sendInvalid(noun(query), { variables });
  expect(errors, noun(query)).toBeUndefined();
  return { answer: Object.values(data)[0], ...consistency } as { answer: never; revision: number; servedBy: string };
}

async function add(
  service: GraphqlClient,
  noun: Noun,
  input: Record<string, unknown>,
): Promise<{ id: string; version: number }> {
  const { answer } = await ask(service, noun, ADD_BOOK, { input: { author: "Author Name", ...input } });
  expect(answer).toMatchObject({ __typename: noun("Book") });
  return answer;
}

/** Adds, reads, lists, edits and deletes one, and is refused in every way that there is. */
async function story(service: GraphqlClient, noun: Noun): Promise<void> {
  const title = "Told Twice";
  const answerTo = async (query: string, variables?: Record<string, unknown>) =>
    (await ask(service, noun, query, variables)).answer;

  const { version } = await add(service, noun, { title, isbn: "1234567890" });
  expect(await answerTo(ADD_BOOK, { input: { title, author: "A" } })).toMatchObject({
    __typename: noun("TitleTakenError"),
    message: noun(`There is already a book with the title “${title}”.`),
  });
  expect(await answerTo(ADD_BOOK, { input: { title: "B", author: "A", isbn: "1234567890" } })).toMatchObject({
    __typename: noun("IsbnTakenError"),
  });
  expect(await answerTo(ADD_BOOK, { input: { title: "", author: "A" } })).toMatchObject({
    __typename: "ValidationError",
    fieldErrors: [{ field: "title", message: "must not be empty" }],
  });

  expect(await answerTo(BOOK, { title })).toMatchObject({ title, version });
  expect(await answerTo(LIST)).toEqual([{ title }]);
  expect(await answerTo(FORM, { title })).toMatchObject({
    mutation: noun("updateBook"),
    fields: expect.arrayContaining([{ name: "expectedVersion", value: `${version}` }]),
  });

  const change = (input: object) => answerTo(UPDATE_BOOK, { title, input });
  const changed = { author: "Another", version: version + 1 };
  expect(await change({ author: "Another", expectedVersion: version })).toMatchObject(changed);
  expect(await answerTo(BOOK, { title })).toMatchObject(changed);
  expect(await change({ author: "A Third", expectedVersion: version })).toMatchObject({
    __typename: noun("VersionConflictError"),
    actualVersion: version + 1,
    [noun("book")]: { author: "Another" },
  });
  expect(await answerTo(DELETE_BOOK, { title })).toMatchObject({ __typename: noun("Book"), version: version + 1 });
  expect(await answerTo(DELETE_BOOK, { title })).toMatchObject({ __typename: noun("BookNotFoundError") });
  expect(await answerTo(LIST)).toEqual([]);
  expect(await answerTo(PAST, { title, asOf: version })).toEqual({
    title,
    history: { nodes: [{ kind: "DELETED" }, { kind: "UPDATED" }, { kind: "ADDED" }] },
  });
  expect(await answerTo(CHANGES, { after: version })).toEqual([
    { kind: "UPDATED", after: { title } },
    { kind: "DELETED", after: null },
  ]);
}

/** Asks for both nouns at once of a service whose books are at revision 3 and whose films, "A Film", are at 4. */
async function keepsStreamsApart(service: GraphqlClient): Promise<void> {
  const both = `${LIST.slice(0, -1)} ${filmsFor(LIST).slice(1)}`;
  const atLeast = async (asked: unknown) => {
    const request = { extensions: { consistency: { atLeast: asked } } };
    const { data, errors, consistency } = await service.sendInvalid(both, request);
    return { data, ...errors?.[0].extensions, message: errors?.[0].message, consistency };
  };
  const report = (books: number, films: number) => ({
    consistency: { revision: books, servedBy: "redis", streams: { books, films } },
  });
  // each request several times: executed, compiled, and sent again
  const seen = [undefined, 3, { books: 3, films: 4 }, { films: 4 }, {}];
  for (let again = 0; again < 3; again++) {
    for (const asked of seen) expect(await atLeast(asked)).toMatchObject(report(3, 4));
    for (const [asked, reached, stream, message] of [
      [4, 3, "books", "The database is at revision 3 of books; the request asks for at least 4."],
      [{ books: 3, films: 5 }, 4, "films", "The database is at revision 4 of films; the request asks for at least 5."],
    ]) {
      expect(await atLeast(asked)).toMatchObject({ code: "REVISION_NOT_REACHED", reached, stream, message });
    }
    expect(await atLeast({ records: 1 })).toMatchObject({ code: "BAD_USER_INPUT" });
  }
  await tellsStreamsInHeaders(service.url, both);
  // a change of one is told in answers that hold both, and the other stays where it was
  await add(service, filmsFor, { title: "Another Film" });
  for (let again = 0; again < 3; again++) {
    const { data, consistency } = await atLeast({ films: 5 });
    expect(data).toEqual({ books: [], films: [{ title: "A Film" }, { title: "Another Film" }] });
    expect({ consistency }).toEqual(report(3, 5));
  }
  expect(await ask(service, booksFor, ADD_BOOK, { input: { title: "", author: "" } })).toMatchObject({
    ...{ revision: 3, servedBy: "database", streams: { books: 3 } },
  });
}

/** Each aggregate has scopes of its own; what may be of any takes those of all. */
async function keepsScopesApart({ url }: GraphqlClient, [film]: readonly string[]): Promise<void> {
  const remove = 'deleteBook(title: "None") { __typename }';
  const cases: [query: string, scope: string, message: string | undefined][] = [
    [LIST, "books:read", undefined],
    [filmsFor(LIST), "books:read", "The token does not have the scope films:read."],
    [filmsFor(LIST), "films:read", undefined],
    [`{ a: books { title } ${filmsFor(LIST).slice(1)}`, "books:read", "The token does not have the scope films:read."],
    [`{ a: books { title } ${filmsFor(LIST).slice(1)}`, "films:read books:read", undefined],
    [`{ node(id: "${film}") { id } }`, "books:read", "The token does not have the scope films:read."],
    [`{ nodes(ids: ["${film}"]) { id } }`, "films:read", "The token does not have the scope books:read."],
    [`{ node(id: "${film}") { id } }`, "books:read films:read", undefined],
    ["{ __typename }", "films:read", undefined],
    ["{ __typename }", "films:write", "The token does not have the scope books:read."],
    [`mutation { ${filmsFor(remove)} }`, "films:write", undefined],
    [`mutation { ${remove} }`, "films:write", "The token does not have the scope books:write."],
    [`mutation { ${remove} ${filmsFor(remove)} }`, "books:write", "The token does not have the scope films:write."],
    [
      `mutation { ...F } fragment F on Mutation { ${remove} }`,
      "films:write books:read",
      "The token does not have the scope books:write.",
    ],
  ];
  for (const [query, scope, message] of cases) {
    const headers = { "content-type": "application/json", ...bearer(await tokenWith({ scope })) };
    for (let again = 0; again < 3; again++) {
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
      const { data, errors } = await response.json();
      expect(errors?.[0].message, `${query} ${scope}`).toBe(message);
      expect(response.status).toBe(message ? 403 : 200);
      if (message) expect(data ?? undefined).toBeUndefined();
    }
  }
}

/** The same by headers: each stream by its name, in either direction. */
async function tellsStreamsInHeaders(url: string, query: string): Promise<void> {
  for (const asked of ["3", "books=3, films=4", "films=4,books=0", "films=0"]) {
    for (let again = 0; again < 3; again++) {
      const sent = { headers: { "consistency-at-least": asked } };
      const { status, headers } = await plainHttp(`${url}?${new URLSearchParams({ query })}`, sent);
      expect([status, headers["consistency-revision"]], asked).toEqual([200, "books=3, films=4"]);
    }
  }
  for (const [asked, code] of [
    ["4", "REVISION_NOT_REACHED"],
    ["books=3, films=5", "REVISION_NOT_REACHED"],
    ["3, films=4", "BAD_USER_INPUT"],
    ["films=4, films=4", "BAD_USER_INPUT"],
    ["records=1", "BAD_USER_INPUT"],
  ] as const) {
    const { bytes } = await plainHttp(`${url}?${new URLSearchParams({ query })}`, {
      headers: { "consistency-at-least": asked },
    });
    expect(JSON.parse(bytes.toString()).errors[0].extensions.code, asked).toBe(code);
  }
  const films = new URLSearchParams({ query: filmsFor(LIST) });
  expect((await plainHttp(`${url}?${films}`)).headers["consistency-revision"]).toBe("films=4");
}

function start(checkout: string, env: Environment) {
  return startProcess(env, join(checkout, "src/main.ts"));
}

describe("a copy of src/books for another noun, registered in src/modules.ts", () => {
  test("is served beside the books of a database that had these alone, each by its own settings", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const before = await startService({ DATABASE_URL });
    await before.addBook("There Before");
    await before.close();

    const checkout = checkoutWithFilms();
    const service = await start(checkout, { DATABASE_URL, MAX_FILMS: "1" });
    await ask(service, booksFor, DELETE_BOOK, { title: "There Before" });
    await Promise.all(NOUNS.map((noun) => story(service, noun)));

    // the ids in the tables are the same, those of the API are not
    const ids: string[] = [];
    for (const noun of [filmsFor, booksFor, booksFor, filmsFor]) {
      ids.push((await add(service, noun, { title: `Number ${ids.length}` })).id);
    }
    const nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Film { title } ... on Book { isbn } } }";
    for (let again = 0; again < 3; again++) {
      expect((await ask(service, booksFor, nodes, { ids: [...ids, btoa("Nothing:1"), "Ω"] })).answer).toEqual([
        { __typename: "Film", title: "Number 0" },
        { __typename: "Book", isbn: null },
        { __typename: "Book", isbn: null },
        { __typename: "Film", title: "Number 3" },
        null,
        null,
      ]);
    }

    expect((await ask(service, booksFor, LIST)).answer).toHaveLength(2);
    const tooMany = await service.sendInvalid(filmsFor(LIST));
    expect(tooMany.errors?.[0].extensions.code).toBe("TOO_MANY_FILMS");

    // what is done under a key is done in one stream
    for (const noun of NOUNS) await add(service, noun, { title: "Sold", stockQuantity: 10 });
    for (const noun of [...NOUNS, ...NOUNS]) {
      const sale = { title: "Sold", by: -3, idempotencyKey: "of both" };
      expect((await ask(service, noun, ADJUST_STOCK, sale)).answer).toMatchObject({ stockQuantity: 7 });
    }

    await keepsScopesApart(await start(checkout, { DATABASE_URL, AUTH_JWT_SECRET: SECRET, AUTH_READS: "true" }), ids);

    const page = await (await fetch(service.url, { headers: { accept: "text/html" } })).text();
    for (const noun of NOUNS) expect(page).toContain(noun("mutation AddBook"));

    const bad = spawnProgram(join(checkout, "src/main.ts"), [], { MAX_BOOKS: "none", MAX_FILMS: "none", PORT: "none" });
    expect(await eventually("it ends", () => bad.child.exitCode)).toBe(1);
    for (const name of ["PORT", "MAX_BOOKS", "MAX_FILMS"]) expect(bad.stderr()).toContain(`${name} must be a whole`);
  });

  test.skipIf(engine === "postgresql")("has a stream and a read model of its own", async () => {
    const redis = await startRedis();
    const { url: DATABASE_URL } = await newDatabase();
    const checkout = checkoutWithFilms();
    const service = await start(checkout, { DATABASE_URL, REDIS_URL: redis.url });
    const fromRedis = (noun: Noun) =>
      eventually("Redis answers", async () => (await ask(service, noun, LIST)).servedBy === "redis");
    await Promise.all(NOUNS.map(fromRedis));
    await Promise.all(NOUNS.map((noun) => story(service, noun)));

    await add(service, filmsFor, { title: "A Film" });
    await Promise.all(NOUNS.map(fromRedis));
    // the story takes three revisions, and the film one more
    expect(await ask(service, booksFor, LIST)).toEqual({
      answer: [],
      ...{ revision: 3, servedBy: "redis", streams: { books: 3 } },
    });
    // no revision: it would be that of the books, which were not read
    expect(await ask(service, filmsFor, LIST)).toEqual({
      answer: [{ title: "A Film" }],
      ...{ servedBy: "redis", streams: { films: 4 } },
    });
    await keepsStreamsApart(service);

    const keys = await redis.client.keys("*");
    for (const stream of ["books", "films"])
      expect(keys.filter((key) => key.startsWith(`{${stream}:`))).not.toEqual([]);

    await service.stop();
    const env = { ...programEnvironment, DATABASE_URL };
    const reset = execFileSync(process.execPath, ["src/operate/reset.ts"], { cwd: checkout, env, encoding: "utf8" });
    expect(reset).toMatch(/^books: forgot .*\nfilms: forgot /);
  });
});
