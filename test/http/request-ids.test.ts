import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { RawSocket } from "../support/live/raw-socket.ts";
import { plainHttp } from "../support/network/plain-http.ts";
import { openConnection } from "../support/network/raw-connection.ts";
import { type Service, sharedService } from "../support/service/service.ts";

const NEW_ID = /^[\w-]{16}$/;
const JSON_BODY = { "content-type": "application/json" };
const QUERY = JSON.stringify({ query: "{ books { title } }" });
const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const service = sharedService({ MAX_BODY_KB: "3" });

const post = (headers: Record<string, string | readonly string[]> = {}, body = QUERY) =>
  plainHttp(service().url, { method: "POST", headers: { ...JSON_BODY, ...headers }, body });

/** What is answered to bytes, but for an upgrade. */
async function answerTo({ url }: Service, bytes: string) {
  const connection = await openConnection(url);
  await connection.send(bytes);
  const { status, head } = await connection.response();
  connection.close();
  return { status, id: /^x-request-id: (.*)$/im.exec(head)?.[1] };
}

/** The head by which a socket is opened. */
async function upgraded(headers: Record<string, string> = {}) {
  const { webSocket } = new RawSocket(service(), undefined, { headers });
  const [response] = await once(webSocket, "upgrade");
  return response.headers as Record<string, string>;
}

const upgrade = (more: Record<string, string> = {}) => {
  const headers = {
    ...{ Host: "localhost", Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" },
    ...{ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "graphql-transport-ws", ...more },
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET /graphql HTTP/1.1\r\n${lines.join("")}\r\n`;
};

describe("every answer has an id of its request", () => {
  test("whatever it is an answer to, and no two have the same", async () => {
    const { url } = service();
    const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
      plainHttp(new URL(path, url), { method, headers });
    const search = `/graphql?query=${encodeURIComponent("{ books { title } }")}`;
    const etag = String((await get(search)).headers.etag);
    const events = encodeURIComponent("subscription { bookChanges(since: 1000) { revision } }");
    const answers = [
      [200, post()],
      [200, post()],
      [200, post({}, JSON.stringify({ query: "{ nothing }" }))],
      [400, post({}, "{")],
      [415, post({ "content-type": "text/plain" })],
      [413, post({}, " ".repeat(5000))],
      [200, get(search)],
      [200, get(search, {}, "HEAD")],
      [304, get(search, { "if-none-match": etag })],
      [200, get(`/graphql?query=${events}`, { accept: "text/event-stream" })],
      [200, get("/graphql", { accept: "text/html" })],
      [204, get("/graphql", { origin: "http://localhost:1", "access-control-request-method": "POST" }, "OPTIONS")],
      [405, get("/graphql", {}, "DELETE")],
      [421, get("/graphql", { host: "evil.example" })],
      [302, get("/")],
      [404, get("/nothing")],
      [200, get("/health")],
      [200, get("/ready")],
    ] as const;
    const ids = new Set<string>();
    for (const [status, sent] of answers) {
      const { status: answered, headers } = await sent;
      expect(answered).toBe(status);
      const id = String(headers["x-request-id"]);
      expect(id).toMatch(NEW_ID);
      ids.add(id);
    }
    expect(ids.size).toBe(answers.length);
  });

  test("an upgrade, one that is none, and what is no HTTP too", async () => {
    for (const [status, bytes] of [
      [400, upgrade({ "Sec-WebSocket-Key": "short" })],
      [403, upgrade({ Origin: "http://evil.example" })],
      [400, "GARBAGE\r\n\r\n"],
      [431, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`],
    ] as const) {
      const answer = await answerTo(service(), bytes);
      expect(answer).toMatchObject({ status, id: expect.stringMatching(NEW_ID) });
    }
    expect((await upgraded())["x-request-id"]).toMatch(NEW_ID);
    expect((await upgraded({ "x-request-id": "mine" }))["x-request-id"]).toBe("mine");
    const refused = upgrade({ "X-Request-Id": "mine", "Sec-WebSocket-Key": "short" });
    expect(await answerTo(service(), refused)).toMatchObject({ status: 400, id: "mine" });
  });

  test("which is that of the client, if it can be one", async () => {
    for (const id of ["a", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "x".repeat(128), "with a blank; and=more"]) {
      // sent again, it is answered by what was known
      for (let again = 0; again < 3; again++)
        expect((await post({ "x-request-id": id })).headers["x-request-id"]).toBe(id);
    }
    expect((await post({ "x-request-id": ["a", "b"] })).headers["x-request-id"]).toBe("a, b");
  });

  test("and else a new one: nothing of what was sent comes back", async () => {
    for (const id of ["", " ", "x".repeat(129), "x".repeat(10_000), "caf\u00e9", "tab\there"]) {
      expect((await post({ "x-request-id": id })).headers["x-request-id"], id).toMatch(NEW_ID);
    }
    const before = "GET /health HTTP/1.1\r\nHost: localhost\r\n";
    for (const header of ["X-Request-Id: a\r\n b", "X-Request-Id: a\nSet-Cookie: b=c", "X-Request-Id: a\0b"]) {
      const { status, id } = await answerTo(service(), `${before}${header}\r\n\r\n`);
      expect([status, id], header).toEqual([400, expect.stringMatching(NEW_ID)]);
    }
    expect((await post()).status).toBe(200);
  });

  test("pages may read it", async () => {
    const { headers } = await post({ origin: "http://localhost:5173" });
    expect(headers["access-control-expose-headers"]).toMatch(/\bX-Request-Id\b.*\bTraceparent\b/);
  });
});

describe("a traceparent", () => {
  test("comes back, where nothing is traced here", async () => {
    for (const sent of [TRACEPARENT, TRACEPARENT.replace(/01$/, "00")]) {
      for (let again = 0; again < 3; again++)
        expect((await post({ traceparent: sent })).headers.traceparent).toBe(sent);
    }
    // of a version to come what is known of it
    const later = `cc-${TRACEPARENT.slice(3)}-and-more`;
    expect((await post({ traceparent: later })).headers.traceparent).toBe(TRACEPARENT);
    expect((await upgraded({ traceparent: TRACEPARENT })).traceparent).toBe(TRACEPARENT);
  });

  test("that is none counts as none", async () => {
    const [, trace = "", span = ""] = TRACEPARENT.split("-");
    const garbage = [
      ...["", "garbage", "00", "x".repeat(10_000), `00-${trace}-${span}`, `00-${trace}-${span}-01-more`],
      ...[`ff-${trace}-${span}-01`, `00-${"0".repeat(32)}-${span}-01`, `00-${trace}-${"0".repeat(16)}-01`],
      ...[`00-${trace.toUpperCase()}-${span}-01`, `00-${trace}-${span}-zz`, `00-${trace}-${span}-1`, ` ${trace}`],
      `cc-${trace}-${span}-01-${"x".repeat(10_000)}`,
    ];
    for (const traceparent of garbage) {
      const { status, headers } = await post({ traceparent, tracestate: "=,=;".repeat(1000) });
      expect([status, headers.traceparent], traceparent.slice(0, 60)).toEqual([200, undefined]);
    }
    const two = await post({ traceparent: [TRACEPARENT, TRACEPARENT] });
    expect([two.status, two.headers.traceparent]).toEqual([200, undefined]);
  });
});
