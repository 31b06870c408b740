import { describe, expect, test } from "vitest";
import { openConnection, postOf } from "../support/network/raw-connection.ts";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import { sharedService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

const shared = sharedService();

const addition = (title: string) => JSON.stringify({ query: ADD_BOOK, variables: { input: { title, author: "A" } } });
const question = '{"query":"{ __typename }"}';
const head = (...headers: string[]) => ["Host: localhost", ...headers].join("\r\n");
const chunked = head("Content-Type: application/json", "Transfer-Encoding: chunked");

/** What is no request as it should be, and the status that it gets. */
const wrong: [what: string, bytes: string, status: number][] = [
  ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00", 400],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["HTTP/0.9", "GET /graphql\r\n\r\n", 505],
  ["a header without a colon", `GET / HTTP/1.1\r\n${head("x")}\r\n\r\n`, 400],
  ["a folded header", `GET / HTTP/1.1\r\n${head("X: a", " b")}\r\n\r\n`, 400],
  ["too many headers", `GET / HTTP/1.1\r\n${head(...Array(100).fill("a: b"))}\r\n\r\n`, 431],
  ["too long headers", `GET / HTTP/1.1\r\n${head(`a: ${"b".repeat(20_000)}`)}\r\n\r\n`, 431],
  ["two lengths", postOf(question, "Content-Length: 3"), 400],
  ["a length beside chunks", postOf(question, "Transfer-Encoding: chunked"), 400],
  [
    "a length beyond all numbers",
    `POST /graphql HTTP/1.1\r\n${head("Content-Length: 99999999999999999999999")}\r\n\r\n`,
    400,
  ],
  [
    "a coding of the transfer",
    `POST /graphql HTTP/1.1\r\n${head("Transfer-Encoding: gzip, chunked")}\r\n\r\n0\r\n\r\n`,
    501,
  ],
  ["a chunk without a length", `POST /graphql HTTP/1.1\r\n${chunked}\r\n\r\nzz\r\n`, 400],
  ["a chunk with a long extension", `POST /graphql HTTP/1.1\r\n${chunked}\r\n\r\n5;${"x".repeat(20_000)}\r\n`, 413],
  ["an expectation that nobody knows", postOf(question, "Expect: the-best"), 417],
];

describe("what is no request as it should be", () => {
  test("is refused in words, and its connection closed", async () => {
    const service = shared();
    for (const [what, bytes, status] of wrong) {
      const connection = await openConnection(service.url);
      await connection.send(bytes);
      const response = await connection.response();
      expect(response.status, what).toBe(status);
      expect(JSON.parse(response.body).errors[0], what).toEqual({
        message: expect.any(String),
        extensions: { code: "BAD_REQUEST" },
      });
      expect(response.head, what).toMatch(/^cache-control: no-store$/im);
      expect(response.head, what).toMatch(/^x-content-type-options: nosniff$/im);
      if (what !== "too many headers") await eventually(`closed: ${what}`, () => connection.ended);
    }
  });

  test("does not take the answer of the request before it", async () => {
    const service = shared();
    const connection = await openConnection(service.url);
    await connection.send(`${postOf(addition("Dune"))}\0\0\0`);
    const { body, head } = await connection.response();
    expect(JSON.parse(body).data.addBook.title).toBe("Dune");
    expect(head).toMatch(/^connection: close$/im);
    await eventually("it is closed", () => connection.ended);
  });

  test("is not read as a request when it is the body of one that was refused", async () => {
    const service = shared();
    const refused = (body: string) => postOf(body).replace("application/json", "text/plain");
    // a short body is thrown away, and the connection goes on behind it
    const connection = await openConnection(service.url);
    await connection.send(refused(postOf(addition("Dune"))) + postOf('{"query":"{ books { title } }"}'));
    const [first, second] = await connection.responses(2);
    expect(first?.body).toContain("BAD_REQUEST");
    expect(JSON.parse(second?.body ?? "").data).toEqual({ books: [] });
    const other = await openConnection(service.url);
    await other.send(refused(" ".repeat(2000) + postOf(addition("Dune"))));
    await eventually("it is closed", () => other.ended);
    expect(await other.responses(1)).toHaveLength(1);
    expect(await service.titles()).toEqual([]);
  });
});

describe("a client that asks before it sends its body", () => {
  test("is told to go on", async () => {
    const service = shared();
    const connection = await openConnection(service.url);
    const bytes = postOf(addition("Dune"), "Expect: 100-continue");
    const end = bytes.indexOf("\r\n\r\n") + 4;
    await connection.send(bytes.slice(0, end));
    await eventually("it may send", () => connection.isInvited);
    await connection.send(bytes.slice(end));
    expect((await connection.response()).status).toBe(200);
    expect(await service.titles()).toEqual(["Dune"]);
  });

  test("is told not to when its request is refused anyway", async () => {
    const service = shared();
    const bytes = postOf(addition("Dune"), "Expect: 100-continue");
    for (const [request, status] of [
      [bytes.replace(/Content-Length: \d+/, "Content-Length: 900000"), 413],
      [bytes.replace("application/json", "text/plain"), 415],
      [bytes.replace("Host: localhost", "Host: example.com"), 421],
      [bytes.replace("/graphql", "/elsewhere"), 404],
    ] as const) {
      const connection = await openConnection(service.url);
      await connection.send(request.slice(0, request.indexOf("\r\n\r\n") + 4));
      expect((await connection.response()).status).toBe(status);
      await eventually("it is closed", () => connection.ended);
      expect(connection.isInvited).toBe(false);
    }
  });
});

describe("a body in pieces", () => {
  const inPieces = (body: string, size: number) =>
    (body.match(new RegExp(`.{1,${size}}`, "gs")) ?? [])
      .map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
      .join("");

  test("of one byte each is read, when it is not long", async () => {
    const service = shared();
    const connection = await openConnection(service.url);
    await connection.send(`POST /graphql HTTP/1.1\r\n${chunked}\r\n\r\n${inPieces(addition("Dune"), 1)}0\r\n\r\n`);
    expect((await connection.response()).status).toBe(200);
    expect(await service.titles()).toEqual(["Dune"]);
  });

  test("of a few bytes each is refused, when it is long", async () => {
    const service = shared();
    const read = async (path: string, size: number) => {
      const connection = await openConnection(service.url);
      const body = inPieces(addition("Dune").padEnd(100_000), size);
      await connection.send(`POST ${path} HTTP/1.1\r\n${chunked}\r\n\r\n${body}0\r\n\r\n`);
      return (await connection.response()).status;
    };
    expect(await read("/graphql", 2)).toBe(413);
    expect(await read("/elsewhere", 2)).toBe(404);
    expect(await service.titles()).toEqual([]);
    expect(await read("/graphql", 20)).toBe(200);
  });

  test("is given up when it is the oldest of more than there is room for, and those after it are served", async () => {
    const service = shared();
    const bytes = postOf(question.padEnd(120_000));
    const connections = await Promise.all(Array.from({ length: 505 }, () => openConnection(service.url)));
    // one after the other: the order counts
    for (const connection of connections) await connection.send(bytes.slice(0, -10));
    const [oldest] = connections;
    const newest = connections.at(-1);
    expect((await oldest?.response())?.status).toBe(408);
    await newest?.send(bytes.slice(-10));
    expect((await newest?.response())?.status).toBe(200);
  });
});
