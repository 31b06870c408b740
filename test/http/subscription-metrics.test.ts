import { expect, test } from "vitest";
import { bearer, SECRET, tokenWith } from "../support/auth/tokens.ts";
import { INIT, RawSocket, subscribeMessage } from "../support/live/raw-socket.ts";
import { samplesAt, sampleValue } from "../support/metrics/samples.ts";
import { freePort } from "../support/network/port.ts";
import { startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

const ADDED = "subscription { bookChanges(since: 0) { revision kind } }";
const TO_COME = "subscription { bookChanges(since: 1000) { revision } }";
const SOCKET = { transport: "websocket" };
const STREAM = { transport: "event stream" };

/** A service whose metrics are read by name. */
async function startMeasured(env: Record<string, string> = {}) {
  const METRICS_PORT = String(await freePort());
  const service = await startService({ ...env, METRICS_PORT });
  const value = async (name: string, labels = {}) =>
    sampleValue(await samplesAt(Number(METRICS_PORT)), `catalogue_${name}`, labels);
  const becomes = (wanted: number | undefined, name: string, labels = {}) =>
    eventually(`${name} ${JSON.stringify(labels)} is ${wanted}`, async () => (await value(name, labels)) === wanted);
  return { service, value, becomes };
}

test("metrics tell of subscriptions by their transport: open ones, what they are told, and why they end", async () => {
  const { service, value, becomes } = await startMeasured();
  await service.addBook("Dune");
  expect([await value("subscriptions", SOCKET), await value("subscriptions", STREAM)]).toEqual([0, 0]);

  const socket = await new RawSocket(service).hello();
  await socket.send(subscribeMessage("1", ADDED), subscribeMessage("2", ADDED), subscribeMessage("3", TO_COME));
  const leaving = new AbortController();
  const url = `${service.url}?query=${encodeURIComponent(ADDED)}`;
  const stream = await fetch(url, { headers: { accept: "text/event-stream" }, signal: leaving.signal });
  expect(stream.status).toBe(200);
  await becomes(2, "subscriptions", SOCKET);
  await becomes(1, "subscriptions", STREAM);
  await eventually("both are told", async () => ((await value("subscription_events_total", SOCKET)) ?? 0) >= 2);
  await eventually("it is told", async () => ((await value("subscription_events_total", STREAM)) ?? 0) >= 1);
  expect(await value("requests_total", { kind: "subscription", outcome: "OK" })).toBe(3);
  expect(await value("requests_total", { kind: "subscription", outcome: "REVISION_NOT_REACHED" })).toBe(1);

  await socket.send({ id: "1", type: "complete" });
  await becomes(1, "subscriptions", SOCKET);
  socket.webSocket.terminate();
  leaving.abort();
  await becomes(0, "subscriptions", SOCKET);
  await becomes(0, "subscriptions", STREAM);
  expect(await value("subscriptions_ended_total", { ...SOCKET, reason: "left" })).toBe(2);
  expect(await value("subscriptions_ended_total", { ...STREAM, reason: "left" })).toBe(1);
});

test("metrics tell how old the newest look-up is while any are made, and not after", async () => {
  const { service, becomes, value } = await startMeasured();
  const socket = await new RawSocket(service).hello();
  await socket.send(subscribeMessage("1", ADDED));
  await eventually(
    "the row is looked up",
    async () => (await value("lease_age_seconds", { stream: "books" })) !== undefined,
  );
  socket.webSocket.terminate();
  await becomes(undefined, "lease_age_seconds", { stream: "books" });
});

test("metrics count who is not let in over a socket, and who asks too often", async () => {
  const env = { AUTH_JWT_SECRET: SECRET, AUTH_READS: "true", RATE_LIMIT_PER_MINUTE: "3" };
  const { service, becomes } = await startMeasured(env);
  const refused = await new RawSocket(service).send({ ...INIT, payload: { Authorization: "Bearer garbage" } });
  expect((await refused.close()).code).toBe(4403);
  await becomes(1, "http_refusals_total", { code: "UNAUTHENTICATED" });
  const options = { headers: bearer(await tokenWith({ scope: "books:read" })) };
  const socket = await new RawSocket(service, undefined, options).hello();
  await socket.send(...["1", "2", "3", "4"].map((id) => subscribeMessage(id, ADDED)));
  expect((await socket.message("error", "4")).payload[0].extensions.code).toBe("RATE_LIMITED");
  await becomes(1, "http_refusals_total", { code: "RATE_LIMITED" });
});
