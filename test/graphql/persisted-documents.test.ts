import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConfigService } from "../../src/config.ts";
import { StartupError } from "../../src/cqrs/errors.ts";
import { modules } from "../../src/modules.ts";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import { type Service, startService } from "../support/service/service.ts";
import { runToEnd } from "../support/service/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const BOOK = "query Book($title: String!) { book(title: $title) { title } }";
const variables = { title: "Dune" };
const found = { data: { book: { title: "Dune" } } };

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hashed = (sha256Hash: unknown, version: unknown = 1) => ({ persistedQuery: { version, sha256Hash } });

async function answerOf(sent: Promise<Response>) {
  const response = await sent;
  const { data, errors } = await response.json();
  return { status: response.status, data, code: errors?.[0].extensions.code, message: errors?.[0].message };
}

const post = (service: Service, body: object) =>
  answerOf(
    fetch(service.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );

/** The same as a GET, where what is no text stands as JSON. */
const get = (service: Service, body: Record<string, unknown>) => {
  const texts = Object.entries(body).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return answerOf(fetch(`${service.url}?${new URLSearchParams(texts)}`));
};

const BOTH = [
  { method: "POST", ask: post },
  { method: "GET", ask: get },
] as const;

async function withDune(env: Record<string, string> = {}) {
  const service = await startService(env);
  await service.addBook("Dune");
  return service;
}

describe.each(BOTH)("an automatic document over $method", ({ ask }) => {
  test("is asked for by its hash once it was sent with it, as Apollo's clients do", async () => {
    const service = await withDune();
    const extensions = hashed(sha256(BOOK));
    const notFound = { status: 200, code: "PERSISTED_QUERY_NOT_FOUND", message: "PersistedQueryNotFound" };
    expect(await ask(service, { variables, extensions })).toMatchObject(notFound);
    expect(await ask(service, { query: BOOK, variables, extensions })).toMatchObject(found);
    for (const more of [
      {},
      { operationName: "Book" },
      { extensions: { ...extensions, consistency: { atLeast: 1 } } },
    ]) {
      for (let again = 0; again < 3; again++) {
        expect(await ask(service, { variables, extensions, ...more })).toMatchObject({ status: 200, ...found });
      }
    }
    expect(await ask(service, { variables: { title: "None" }, extensions })).toMatchObject({ data: { book: null } });
    expect(await ask(service, { variables, documentId: `sha256:${sha256(BOOK)}` })).toMatchObject(found);
    // the other way to ask knows it, too
    for (const { ask: other } of BOTH) expect(await other(service, { variables, extensions })).toMatchObject(found);
  });

  test("is kept under its own hash alone", async () => {
    const service = await withDune();
    const others = [
      sha256(`${BOOK} `),
      sha256(BOOK).toUpperCase(),
      sha256(BOOK).slice(1),
      "",
      "__proto__",
      "é".repeat(64),
    ];
    for (const other of others) {
      const extensions = hashed(other);
      expect(await ask(service, { query: BOOK, variables, extensions }), other).toMatchObject({
        ...{ status: 400, code: "BAD_USER_INPUT", message: expect.stringContaining("hash"), data: undefined },
      });
      expect(await ask(service, { variables, extensions }), other).toMatchObject({ code: "PERSISTED_QUERY_NOT_FOUND" });
    }
  });

  test("is named by what the protocol knows, and by one name", async () => {
    const service = await withDune();
    const hash = sha256(BOOK);
    await ask(service, { query: BOOK, variables, extensions: hashed(hash) });
    const bad: Record<string, unknown>[] = [
      { extensions: hashed(hash, 2) },
      { extensions: hashed(hash, "1") },
      { extensions: hashed(hash, null) },
      { extensions: hashed(7) },
      { extensions: hashed([hash]) },
      { extensions: hashed(null) },
      { extensions: { persistedQuery: "x" } },
      { extensions: { persistedQuery: [] } },
      { extensions: { persistedQuery: true } },
      { extensions: hashed(hash), documentId: sha256("x") },
      { id: hash, doc_id: sha256("x") },
    ];
    for (const names of bad) {
      for (const query of [{}, { query: BOOK }]) {
        const answer = await ask(service, { ...query, ...names, variables });
        expect(answer, JSON.stringify(names)).toMatchObject({ status: 400, code: "BAD_USER_INPUT", data: undefined });
      }
    }
    for (const extensions of [{}, { persistedQuery: null }]) {
      expect(await ask(service, { extensions, variables })).toMatchObject({ status: 400, code: "BAD_REQUEST" });
    }
  });

  test("that is refused is not kept, whatever refuses it", async () => {
    const service = await withDune({ MAX_COST: "200", INTROSPECTION: "false" });
    const refused = ["{", "{ nothing }", "{ books { title } }", "{ __schema { types { name } } }"];
    for (const query of refused) {
      const extensions = hashed(sha256(query));
      expect((await ask(service, { query, extensions })).code, query).toBeDefined();
      expect(await ask(service, { extensions }), query).toMatchObject({ code: "PERSISTED_QUERY_NOT_FOUND" });
    }
    // what is refused with these variables alone
    const query = "query ($first: Int) { booksConnection(first: $first) { edges { node { title } } } }";
    const extensions = hashed(sha256(query));
    expect(await ask(service, { query, extensions, variables: { first: 500 } })).toMatchObject({
      code: "LIMIT_EXCEEDED",
    });
    expect(await ask(service, { extensions, variables: { first: 5 } })).toMatchObject({
      code: "PERSISTED_QUERY_NOT_FOUND",
    });
  });

  test("is not taken when that is turned off, but its text is", async () => {
    const service = await withDune({ AUTOMATIC_PERSISTED_QUERIES: "false" });
    for (const names of [{ extensions: hashed(sha256(BOOK)) }, { documentId: sha256(BOOK) }]) {
      expect(await ask(service, { query: BOOK, variables, ...names })).toMatchObject(found);
      expect(await ask(service, { variables, ...names })).toMatchObject({
        ...{ status: 200, code: "PERSISTED_QUERY_NOT_SUPPORTED", message: "PersistedQueryNotSupported" },
      });
    }
  });
});

test("a mutation is asked for by its hash over POST, and over GET never", async () => {
  const service = await withDune();
  const extensions = hashed(sha256(ADD_BOOK));
  const add = (title: string) => ({ extensions, variables: { input: { title, author: "A" } } });
  expect((await post(service, { ...add("One"), query: ADD_BOOK })).data.addBook.__typename).toBe("Book");
  expect((await post(service, add("Two"))).data.addBook.__typename).toBe("Book");
  expect(await get(service, add("Three"))).toMatchObject({ status: 405, data: undefined });
  expect(await service.titles()).toEqual(["Dune", "One", "Two"]);
});

test("the length of a document counts for its answer when only its hash is sent", async () => {
  const service = await startService({ MAX_ANSWER_MB: "1" });
  const added = await Promise.all(Array.from({ length: 12 }, (_, n) => service.addBook(`${n}`)));
  const ids = added.map(({ data }) => data.addBook.id);
  const query = `query ($ids: [ID!]!) { nodes(ids: $ids) { ${"x".repeat(100_000)}: __typename } }`;
  const extensions = hashed(sha256(query));
  expect((await post(service, { query, extensions, variables: { ids: [] } })).data).toEqual({ nodes: [] });
  expect(await post(service, { extensions, variables: { ids } })).toMatchObject({ code: "LIMIT_EXCEEDED" });
});

/** A manifest of these documents. */
function manifestOf(documents: unknown): string {
  const file = join(temporaryDirectory(), "manifest.json");
  writeFileSync(file, typeof documents === "string" ? documents : JSON.stringify(documents));
  return file;
}

/** As the client preset writes it by default: SHA-1, and documents in one line. */
const ofCodegen = { [createHash("sha1").update(BOOK).digest("hex")]: BOOK, [sha256(ADD_BOOK)]: ADD_BOOK };
/** As relay-compiler writes it: MD5, and documents as they are printed. */
const ofRelay = { [createHash("md5").update(BOOK).digest("hex")]: `${BOOK}\n`, "add-1": `\n${ADD_BOOK}\n` };

describe.each([
  { tool: "GraphQL Code Generator", manifest: ofCodegen },
  { tool: "relay-compiler", manifest: ofRelay },
])("a manifest of $tool", ({ manifest }) => {
  const [[name, text], [addName]] = Object.entries(manifest) as [[string, string], [string, string]];

  test("has its documents answered by every kind of name, and as they are", async () => {
    const service = await startService({ PERSISTED_DOCUMENTS: manifestOf(manifest) });
    const input = { title: "Dune", author: "Frank Herbert" };
    expect((await post(service, { id: addName, variables: { input } })).data.addBook.__typename).toBe("Book");
    for (const { ask } of BOTH) {
      const names = [
        { extensions: hashed(name) },
        { documentId: name },
        { documentId: `sha256:${name}` },
        { id: name },
        { doc_id: name },
        { doc_id: name, query: text },
        { query: text },
      ];
      for (const named of names) {
        for (let again = 0; again < 3; again++)
          expect(await ask(service, { ...named, variables })).toMatchObject(found);
      }
    }
  });

  test("has all else refused, and nothing runs", async () => {
    const service = await startService({ PERSISTED_DOCUMENTS: manifestOf(manifest) });
    const other = "{ __typename }";
    const refused = [
      { query: other },
      { query: `${text} ` },
      { query: other, id: name },
      { query: other, extensions: hashed(sha256(other)) },
      { extensions: hashed(sha256(other)) },
      { documentId: "sha256:" },
      { id: "__proto__" },
      { id: "constructor" },
      { query: "{" },
      { query: 'mutation { addBook(input: { title: "A", author: "B" }) { __typename } }' },
    ];
    for (const request of refused) {
      for (const { ask } of BOTH) {
        expect(await ask(service, request), JSON.stringify(request)).toMatchObject({
          ...{ status: 403, code: "DOCUMENT_NOT_ALLOWED", data: undefined },
        });
      }
    }
    expect(await post(service, { documentId: name, variables })).toMatchObject({ data: { book: null } });
  });
});

test("a manifest that cannot be used stops the start with one line, which repeats no path", async () => {
  const bad: [manifest: string, says: string][] = [
    [join(temporaryDirectory(), "secret.json"), "cannot be read (ENOENT)."],
    [temporaryDirectory(), "cannot be read (EISDIR)."],
    [manifestOf(""), "must hold JSON."],
    [manifestOf("{"), "must hold JSON."],
    [manifestOf("null"), "must hold a JSON object of documents by their names."],
    [manifestOf([BOOK]), "must hold a JSON object of documents by their names."],
    [manifestOf({}), "must hold a JSON object of documents by their names."],
    [manifestOf({ a: BOOK, b: 7 }), 'holds under "b" what is no text.'],
    [manifestOf({ a: "query {" }), 'holds under "a" what is no document (Syntax Error: Expected Name, found <EOF>.).'],
  ];
  for (const [file, says] of bad) {
    const load = () => ConfigService.load({ PERSISTED_DOCUMENTS: file }, modules);
    expect(load, says).toThrow(new StartupError([`PERSISTED_DOCUMENTS ${says}`]));
  }
  const { code, stdout, stderr } = await runToEnd({ PORT: "0", PERSISTED_DOCUMENTS: bad[0]?.[0] });
  expect([code, stdout, stderr]).toEqual([1, "", `PERSISTED_DOCUMENTS ${bad[0]?.[1]}\n`]);
});
