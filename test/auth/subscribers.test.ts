import { expect, test } from "vitest";
import { bearer, inSeconds, SECRET, tokenWith } from "../support/auth/tokens.ts";
import { INIT, RawSocket, subscribeMessage } from "../support/live/raw-socket.ts";
import { startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

const CHANGES = "subscription { bookChanges(since: 0) { revision } }";
const READ = { scope: "books:read" };
const hello = (token: string) => ({ ...INIT, payload: { Authorization: `Bearer ${token}` } });

const withTokens = (more = {}) => startService({ AUTH_JWT_SECRET: SECRET, AUTH_READS: "true", ...more });

test("who subscribes needs what who reads needs, shown with the hello, with the request for the socket, or a stream's", async () => {
  const service = await withTokens();
  const good = await tokenWith(READ);
  const bad = await tokenWith({ ...READ, exp: inSeconds(-3600) });
  const other = await tokenWith({ scope: "books:write" });
  for (const [message, options] of [
    [hello(good), {}],
    [INIT, { headers: bearer(good) }],
  ] as const) {
    const socket = await new RawSocket(service, undefined, options).hello(message);
    await socket.send(subscribeMessage("1", CHANGES));
    expect((await socket.message("next", "1")).payload.errors).toBeUndefined();
  }
  for (const message of [INIT, hello(bad), hello("garbage")]) {
    const socket = await new RawSocket(service).send(message);
    expect((await socket.close()).code).toBe(4403);
  }
  const without = await new RawSocket(service).hello(hello(other));
  await without.send(subscribeMessage("1", CHANGES));
  expect((await without.message("error", "1")).payload[0].extensions.code).toBe("FORBIDDEN");

  const ask = (headers: Record<string, string>) =>
    fetch(`${service.url}?query=${encodeURIComponent(CHANGES)}`, {
      headers: { accept: "text/event-stream", ...headers },
    });
  expect((await ask({})).status).toBe(401);
  expect(await (await ask(bearer(other))).text()).toContain('"code":"FORBIDDEN"');
  const stream = await ask(bearer(good));
  expect(stream.status).toBe(200);
  await stream.body?.cancel();
});

test("a subscription ends with its token, so that its client comes back with another", async () => {
  const service = await withTokens();
  // clocks may differ by so much
  const token = await tokenWith({ ...READ, exp: inSeconds(-28) });
  const socket = await new RawSocket(service).hello(hello(token));
  await socket.send(subscribeMessage("1", CHANGES));
  const stream = await fetch(`${service.url}?query=${encodeURIComponent(CHANGES)}`, {
    headers: { accept: "text/event-stream", ...bearer(token) },
  });
  expect(stream.status).toBe(200);
  expect((await socket.message("error", "1")).payload[0].extensions.code).toBe("UNAUTHENTICATED");
  expect((await socket.close()).code).toBe(4403);
  const text = await stream.text();
  expect(text).toContain('"code":"UNAUTHENTICATED"');
  expect(text).not.toContain("event: complete");
});

test("a client that subscribes too often is told so, and has places of its own, whatever its address", async () => {
  const service = await withTokens({ RATE_LIMIT_PER_MINUTE: "2", MAX_SUBSCRIPTIONS: "2" });
  const alice = await new RawSocket(service).hello(hello(await tokenWith(READ)));
  await alice.send(...["1", "2", "3"].map((id) => subscribeMessage(id, CHANGES)));
  const { extensions } = (await alice.message("error", "3")).payload[0];
  expect(extensions).toMatchObject({ code: "RATE_LIMITED", retryAfter: expect.any(Number) });
  const bob = await new RawSocket(service).hello(hello(await tokenWith({ ...READ, sub: "bob" })));
  await bob.send(subscribeMessage("1", CHANGES));
  await eventually("bob is told", () => bob.messages.some(({ type }) => type === "next"));
});
