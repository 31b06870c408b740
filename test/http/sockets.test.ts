import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { INIT, RawSocket, subscribeMessage } from "../support/live/raw-socket.ts";
import { openConnection } from "../support/network/raw-connection.ts";
import { type Service, startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

const CHANGES = "subscription { bookChanges(since: 0) { revision kind after { title description } } }";
const subscribe = (id: string, query = CHANGES, more = {}) => subscribeMessage(id, query, more);

/** What an upgrade is answered that is not to be had. */
async function refusalOf({ url }: Service, headers: Record<string, string> = {}, path = "/graphql") {
  const { host } = new URL(url);
  const connection = await openConnection(url);
  const all = {
    Host: host,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "graphql-transport-ws",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  await connection.send(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  const { status, body } = await connection.response();
  connection.close();
  return { status, code: /"code":"(\w+)"/.exec(body)?.[1] };
}

describe("an upgrade", () => {
  test("is admitted from this host, from pages that may ask and from what is no page, and not from others", async () => {
    const service = await startService({
      CORS_ORIGINS: "https://shop.example.com",
      ALLOWED_HOSTS: "127.0.0.1,api.test",
    });
    const { port } = new URL(service.url);
    const origins = [undefined, "https://shop.example.com", `http://127.0.0.1:${port}`];
    for (const origin of origins) {
      const socket = new RawSocket(service, undefined, origin === undefined ? {} : { origin });
      await socket.send(INIT);
      await socket.message("connection_ack");
      socket.webSocket.terminate();
    }
    for (const Origin of ["https://evil.example", "null", `http://127.0.0.1:${Number(port) + 1}`, "garbage"]) {
      expect(await refusalOf(service, { Origin }), Origin).toEqual({ status: 403, code: "ORIGIN_NOT_ALLOWED" });
    }
    expect(await refusalOf(service, { Host: "evil.example" })).toEqual({ status: 421, code: "HOST_NOT_ALLOWED" });
    expect((await refusalOf(service, {}, "/elsewhere")).status).toBe(404);
    expect((await refusalOf(service, { "Sec-WebSocket-Key": "short" })).status).toBe(400);
    expect((await refusalOf(service, { "Sec-WebSocket-Version": "7" })).status).toBe(400);
    expect((await service.send("{ __typename }")).status).toBe(200);
  });

  test("to another protocol is answered in this one, as some clients ask each time", async () => {
    const service = await startService();
    const connection = await openConnection(service.url);
    await connection.send(
      "GET /graphql?query={__typename} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    );
    expect(await connection.response()).toMatchObject({ status: 200, body: '{"data":{"__typename":"Query"}}' });
  });

  test("is refused beyond MAX_SUBSCRIPTIONS sockets of a client, until one is closed", async () => {
    const service = await startService({ MAX_SUBSCRIPTIONS: "2" });
    const sockets = [new RawSocket(service), new RawSocket(service)];
    for (const socket of sockets) await socket.send(INIT);
    expect(await refusalOf(service)).toEqual({ status: 503, code: "SERVICE_UNAVAILABLE" });
    sockets[0]?.webSocket.terminate();
    await eventually("there is room", async () => {
      const socket = await new RawSocket(service).send(INIT).catch(() => undefined);
      return socket?.message("connection_ack");
    });
  });

  test("agrees on no compression, and on no other subprotocol", async () => {
    const service = await startService();
    const socket = new RawSocket(service, "graphql-transport-ws", { perMessageDeflate: true });
    await socket.send(INIT);
    expect(socket.webSocket.extensions).toBe("");
    const old = new RawSocket(service, ["graphql-ws", "other"]);
    // ws itself refuses a server that has agreed on none
    expect((await old.close()).code).not.toBe(1000);
  });
});

describe("a socket is closed", () => {
  const CLOSING = [
    ["that subscribes before it says hello", [subscribe("1")], 4401],
    ["that says hello twice", [INIT, INIT], 4429],
    ["that uses an id twice", [INIT, subscribe("1"), subscribe("1")], 4409],
    ["that sends no JSON", [INIT, "{"], 4400],
    ["that sends JSON that is no message", [INIT, "[]"], 4400],
    ["that sends what servers send", [INIT, { id: "1", type: "next", payload: {} }], 4400],
    ["that sends a message of more than MAX_BODY_KB", [INIT, "x".repeat(10_000_000)], 1009],
  ] as const;

  test("whose client does not keep to the protocol, and nobody else's", async () => {
    const service = await startService();
    const other = await new RawSocket(service).send(INIT);
    for (const [what, messages, code] of CLOSING) {
      const socket = await new RawSocket(service).send(...messages);
      expect((await socket.close()).code, what).toBe(code);
    }
    await other.send(subscribe("1"));
    await service.addBook("Dune");
    await other.message("next", "1");
  });

  test("that sends bytes, or what are no frames", async () => {
    const service = await startService();
    const socket = await new RawSocket(service).send(INIT);
    socket.webSocket.send(Buffer.from("{}"));
    expect((await socket.close()).code).toBe(1003);
    const garbage = await new RawSocket(service).send(INIT);
    garbage.socket.write(Buffer.alloc(100, 0xff));
    expect((await garbage.close()).code).toBe(1002);
  });

  test("whose client sends no more", async () => {
    const service = await startService();
    const socket = await new RawSocket(service).send(INIT, subscribe("1"));
    await socket.message("connection_ack");
    socket.socket.end();
    expect((await socket.close()).code).toBe(1006);
  });

  test("so that its client comes back, when the service stops, which does not wait for it", async () => {
    const service = await startService({ STOP_TIMEOUT_MS: "60000" });
    const socket = await new RawSocket(service).send(INIT, subscribe("1"));
    const silent = await new RawSocket(service).send(INIT, subscribe("1"));
    silent.socket.pause();
    await socket.message("connection_ack");
    await service.close();
    expect((await socket.close()).code).toBe(1012);
  });
});

describe("over a socket", () => {
  test("a client has MAX_SUBSCRIPTIONS subscriptions, and another when one has ended", async () => {
    const service = await startService({ MAX_SUBSCRIPTIONS: "3" });
    const socket = await new RawSocket(service).send(INIT, ...[1, 2, 3, 4].map((id) => subscribe(`${id}`)));
    const { payload } = await socket.message("error", "4");
    expect(payload[0].extensions).toEqual({ code: "LIMIT_EXCEEDED", limit: "subscriptions", max: 3, actual: 4 });
    // those by another way count as well
    const events = await fetch(`${service.url}?query=${encodeURIComponent(CHANGES)}`, {
      headers: { accept: "text/event-stream" },
    });
    expect(await events.text()).toContain('"code":"LIMIT_EXCEEDED"');
    await socket.send({ id: "1", type: "complete" });
    await service.addBook("Dune");
    await eventually("room for another", async () => {
      await socket.send(subscribe("5"));
      await eventually("an answer", () => socket.messages.some(({ id }) => id === "5"));
      const isTold = socket.messages.some(({ id, type }) => id === "5" && type === "next");
      socket.messages.length = 0;
      return isTold;
    });
  });

  test("a thousand subscriptions at once are refused but for the first, and what was taken comes back", async () => {
    const service = await startService();
    await service.addBook("Dune");
    for (let round = 0; round < 2; round++) {
      const socket = await new RawSocket(service).send(
        INIT,
        ...Array.from({ length: 1000 }, (_, id) => subscribe(`${id}`)),
      );
      const isAnswer = ({ type, payload }: (typeof socket.messages)[number]) =>
        type === "error" || payload?.data?.bookChanges.kind === "ADDED";
      await eventually("all are answered", () => socket.messages.filter(isAnswer).length >= 1000);
      expect(socket.messages.filter(({ type }) => type === "error")).toHaveLength(980);
      expect(socket.messages.filter(({ payload }) => payload?.data?.bookChanges.kind === "ADDED")).toHaveLength(20);
      socket.webSocket.terminate();
      await eventually("its room is free", async () => {
        const next = await new RawSocket(service).send(INIT, subscribe("1"));
        await eventually("an answer", () => next.messages.length === 2);
        next.webSocket.terminate();
        return next.messages[1].type === "next";
      });
    }
  });

  test("a subscription that its client has ended tells of nothing more", async () => {
    const service = await startService();
    const socket = await new RawSocket(service).send(
      INIT,
      subscribe("1"),
      { id: "1", type: "complete" },
      subscribe("2"),
    );
    await socket.send({ type: "ping" });
    await socket.message("pong");
    await service.addBook("Dune");
    await socket.message("next", "2");
    expect(socket.messages.filter(({ id, type }) => id === "1" && type === "next")).toEqual([]);
  });

  test("persisted documents are taken by their hash", async () => {
    const service = await startService();
    await service.addBook("Dune");
    const sha256Hash = createHash("sha256").update(CHANGES).digest("hex");
    const extensions = { persistedQuery: { version: 1, sha256Hash } };
    const socket = await new RawSocket(service).send(INIT, subscribe("1", "", { extensions }));
    expect((await socket.message("error", "1")).payload[0].extensions.code).toBe("PERSISTED_QUERY_NOT_FOUND");
    await socket.send(subscribe("2", CHANGES, { extensions }), subscribe("3", "", { extensions }));
    await socket.message("next", "3");
  });
});
