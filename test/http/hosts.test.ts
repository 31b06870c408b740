import { describe, expect, test } from "vitest";
import { openConnection } from "../support/network/raw-connection.ts";
import { type Service, sharedService, startService } from "../support/service/service.ts";

const shared = sharedService();

/** The status of a request whose head is these lines. */
async function statusOf(service: Service, ...lines: string[]): Promise<number> {
  const connection = await openConnection(service.url);
  await connection.send(`${lines.join("\r\n")}\r\nConnection: close\r\n\r\n`);
  const { status, body } = await connection.response();
  const code = JSON.parse(body).errors?.[0].extensions.code;
  expect(code, lines.join()).toBe({ 400: "BAD_REQUEST", 421: "HOST_NOT_ALLOWED" }[status]);
  return status;
}

const QUERY = "GET /graphql?query={__typename} HTTP/1.1";

describe("a service on a loopback address", () => {
  const hosts: [host: string, status: number][] = [
    ["localhost", 200],
    ["LocalHost:4000", 200],
    ["localhost.", 200],
    ["books.localhost", 200],
    ["127.0.0.1:1", 200],
    ["127.9.9.9", 200],
    ["[::1]:80", 200],
    ["[0:0::1]", 200],
    ["", 421],
    ["books.example.com", 421],
    ["localhost.example.com", 421],
    ["127.0.0.1.example.com", 421],
    ["128.0.0.1", 421],
    ["0.0.0.0", 421],
    ["[::2]", 421],
    ["xlocalhost", 421],
    ["localhost@example.com", 400],
    ["user@localhost", 400],
    ["example.com#localhost", 400],
    ["localhost/x", 400],
    ["localhost, example.com", 400],
    ["localhost:99999", 400],
    ["a b", 400],
    ["[", 400],
    ["::1", 400],
  ];

  test("answers to the names of its machine alone", async () => {
    const service = shared();
    for (const [host, status] of hosts) {
      expect(await statusOf(service, QUERY, `Host: ${host}`), host).toBe(status);
    }
  });

  test("wants one host, and looks at that of a whole URL, too", async () => {
    const service = shared();
    expect(await statusOf(service, QUERY, "Host: localhost", "host: localhost")).toBe(400);
    expect(await statusOf(service, QUERY)).toBe(400);
    expect(await statusOf(service, QUERY.replace("1.1", "1.0"))).toBe(421);
    const whole = (authority: string) => QUERY.replace("/graphql", `http://${authority}/graphql`);
    expect(await statusOf(service, whole("localhost"), "Host: localhost")).toBe(200);
    expect(await statusOf(service, whole("example.com"), "Host: localhost")).toBe(421);
    expect(await statusOf(service, whole("localhost"), "Host: example.com")).toBe(421);
    expect(await statusOf(service, whole("user:pw@localhost"), "Host: localhost")).toBe(400);
    expect(await statusOf(service, whole(""), "Host: localhost")).toBe(400);
  });

  test("runs nothing for a page that reached it by a name of its own", async () => {
    const service = shared();
    const body = '{"query":"mutation { addBook(input: {title: \\"Dune\\", author: \\"F. H.\\"}) { __typename } }"}';
    const connection = await openConnection(service.url);
    await connection.send(
      `POST /graphql HTTP/1.1\r\nHost: rebound.example.com\r\nX-Forwarded-Host: localhost\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect((await connection.response()).status).toBe(421);
    expect(await service.titles()).toEqual([]);
  });

  test("tells whether it lives and is ready to whoever asks", async () => {
    const service = shared();
    expect(await statusOf(service, "GET /health HTTP/1.1", "Host: elsewhere.example")).toBe(200);
    expect(await statusOf(service, "GET /ready HTTP/1.0")).toBe(200);
  });
});

describe("ALLOWED_HOSTS", () => {
  test("takes the place of the names that are allowed unasked", async () => {
    const service = await startService({
      ALLOWED_HOSTS: "books.example.com, *.example.org, 192.0.2.0/24, [2001:db8::1]",
    });
    for (const [host, status] of [
      ["Books.Example.com.:443", 200],
      ["a.b.example.org", 200],
      ["192.0.2.77", 200],
      ["[2001:0db8::0:1]", 200],
      ["example.org", 421],
      ["www.books.example.com", 421],
      ["localhost", 421],
      ["127.0.0.1", 421],
    ] as const) {
      expect(await statusOf(service, QUERY, `Host: ${host}`), host).toBe(status);
    }
  });

  test("may be any", async () => {
    const service = await startService({ ALLOWED_HOSTS: "*" });
    expect(await statusOf(service, QUERY, "Host: whatever.example")).toBe(200);
    expect(await statusOf(service, QUERY.replace("1.1", "1.0"))).toBe(200);
    expect(await statusOf(service, QUERY, "Host: a b")).toBe(400);
  });
});

describe("TRUST_PROXY", () => {
  test("has the host checked that the proxies were asked for, all of them", async () => {
    const service = await startService({ ALLOWED_HOSTS: "books.example.com", TRUST_PROXY: "true" });
    const forwarded = (host: string) => statusOf(service, QUERY, "Host: upstream:4000", `X-Forwarded-Host: ${host}`);
    expect(await forwarded("books.example.com")).toBe(200);
    expect(await forwarded("books.example.com, BOOKS.example.com:443")).toBe(200);
    expect(await forwarded("books.example.com, rebound.example")).toBe(421);
    expect(await forwarded("rebound.example")).toBe(421);
    expect(await forwarded("a b")).toBe(400);
    expect(await statusOf(service, QUERY, "Host: books.example.com")).toBe(200);
  });
});
