import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { ConfigService } from "../../src/config.ts";
import { modules } from "../../src/modules.ts";
import { RawSocket, subscribeMessage } from "../support/live/raw-socket.ts";
import { startRedis } from "../support/redis/server.ts";
import { startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { type SentSpan, startCollector } from "../support/tracing/collector.ts";
import { eventually } from "../support/wait.ts";

const JSON_BODY = { "content-type": "application/json" };
const SENT_AT_ONCE = { OTEL_EXPORTER_OTLP_PROTOCOL: "http/json", OTEL_BSP_SCHEDULE_DELAY: "20" };
const CLIENT = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
const TRACEPARENT = `00-${CLIENT.traceId}-${CLIENT.spanId}-01`;

async function post(url: string, query: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { ...JSON_BODY, ...headers },
    body: JSON.stringify({ query }),
  });
  const { traceparent, traceresponse, ...rest } = Object.fromEntries(response.headers);
  const [, traceId = "", spanId = "", flags] = traceparent?.split("-") ?? [];
  expect(traceresponse).toBe(traceparent);
  return { body: await response.text(), requestId: rest["x-request-id"], traceId, spanId, flags };
}

/** The names of a trace, each below what it is a part of. */
function tree(spans: readonly SentSpan[], parentId: string | undefined): unknown[] {
  const names = spans
    .filter((span) => span.parentId === parentId)
    .map(({ name, spanId }) => {
      const parts = tree(spans, spanId);
      return parts.length > 0 ? [name, ...parts] : name;
    });
  return names;
}

const add = (title: string) =>
  `mutation AddABook { addBook(input: {title: "${title}", author: "A Secret Author"}) { __typename } }`;
const BOOK = '{ book(title: "A Secret Title") { author } }';

test("a service that is asked for traces sends what it does for each request, and its log names them", async () => {
  const collector = await startCollector();
  const redis = await startRedis();
  const file = join(temporaryDirectory(), "books.db");
  const service = await startProcess({
    ...{ DATABASE_URL: `sqlite:${file}`, REDIS_URL: redis.url, REDIS_TIMEOUT_MS: "2000", LOG_LEVEL: "debug" },
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: "shop", ...SENT_AT_ONCE },
  });
  await servedByRedis(service);
  const { url } = service;

  // a command, the commit that it is in, and the refresh of Redis
  const added = await post(url, add("A Secret Title"), { "x-request-id": "mine" });
  const commandTrace = await collector.trace(added.traceId, "POST /graphql");
  expect(tree(commandTrace, undefined)).toEqual([["POST /graphql", ["mutation", "command books"]]]);
  const [command] = commandTrace.filter(({ name }) => name === "command books");
  expect(command?.attributes).toMatchObject({
    "catalogue.command": "add",
    "catalogue.outcome": "changed",
    "catalogue.revision": 1,
  });
  const commit = await eventually("the commit", () =>
    collector.spans.find(({ links }) => links.includes(command?.spanId as string)),
  );
  expect(command?.links).toEqual([commit?.spanId]);
  const commitTrace = await collector.trace(commit?.traceId as string, "refresh books");
  expect(tree(commitTrace, undefined)).toEqual([["commit books", "refresh books"]]);
  const [request] = commandTrace.filter(({ name }) => name === "POST /graphql");
  expect(request).toMatchObject({
    resource: { "service.name": "shop" },
    attributes: { "catalogue.request_id": "mine", "http.response.status_code": 200, "http.request.method": "POST" },
  });
  expect(request?.spanId).toBe(added.spanId);

  // a read, which is executed first and then answered again, as a part of what its client does
  await servedByRedis(service);
  const headers = { traceparent: TRACEPARENT, tracestate: "vendor=opaque" };
  const read = await post(url, BOOK, headers);
  expect(read).toMatchObject({ traceId: CLIENT.traceId, flags: "01" });
  const spans = await collector.trace(CLIENT.traceId, "POST /graphql");
  expect(tree(spans, CLIENT.spanId)).toEqual([["POST /graphql", ["query", ["read books", "ask redis"]]]]);
  expect(spans.map(({ state }) => state)).toEqual(spans.map(() => "vendor=opaque"));
  const [asked, whole] = ["ask redis", "read books"].map((wanted) => spans.find(({ name }) => name === wanted));
  expect(asked?.attributes).toEqual({ "db.operation.batch.size": 1 });
  expect(whole?.attributes).toMatchObject({
    "catalogue.served_by": "redis",
    "catalogue.revision": 1,
    "catalogue.replay": false,
  });
  const again = await post(url, BOOK);
  const replayed = await collector.trace(again.traceId, "POST /graphql");
  expect(tree(replayed, undefined)).toEqual([["POST /graphql", ["query", ["read books", "ask redis"]]]]);
  expect(replayed.find(({ name }) => name === "query")?.attributes).toMatchObject({ "catalogue.lane": "again" });

  // commands that wait together, and their one transaction
  const together = await Promise.all(Array.from({ length: 20 }, (_, i) => post(url, add(`Secret ${i}`))));
  const commands = [];
  for (const { traceId } of together) commands.push(...(await collector.trace(traceId, "POST /graphql")));
  const ids = commands.filter(({ name }) => name === "command books").map(({ spanId }) => spanId);
  const commits = () =>
    collector.spans.filter(({ name, links }) => name === "commit books" && links.some((id) => ids.includes(id)));
  await eventually("all commits", () => commits().flatMap(({ links }) => links).length === 20);
  expect(
    commits()
      .flatMap(({ links }) => links)
      .sort(),
  ).toEqual([...ids].sort());
  expect(commits().reduce((sum, { attributes }) => sum + Number(attributes["catalogue.commands"]), 0)).toBe(20);

  // what a client does not want recorded is not, and what is none of it is a trace of its own
  const unwanted = await post(url, BOOK, { traceparent: TRACEPARENT.replace(/4bf9(.*)01$/, "4bf8$100") });
  expect(unwanted).toMatchObject({ traceId: CLIENT.traceId.replace("4bf9", "4bf8"), flags: "00" });
  const own = await post(url, BOOK, { traceparent: `${TRACEPARENT}-garbage` });
  await collector.trace(own.traceId, "POST /graphql");
  expect(own.traceId).not.toBe(CLIENT.traceId);
  expect(collector.spans.some(({ traceId }) => traceId === unwanted.traceId)).toBe(false);

  // those who are told of what happens
  const opening = new RawSocket(service, undefined, { headers: { traceparent: TRACEPARENT.replace("4bf9", "4bf7") } });
  const [upgraded] = await once(opening.webSocket, "upgrade");
  const [, traceId = ""] = upgraded.headers.traceparent.split("-");
  expect(traceId).toBe(CLIENT.traceId.replace("4bf9", "4bf7"));
  const socket = await opening.hello();
  await socket.send(subscribeMessage("1", "subscription { bookChanges(since: 0) { revision } }"));
  const subscribed = await collector.trace(traceId, "subscription");
  expect(tree(subscribed, CLIENT.spanId)).toEqual([["GET /graphql", "subscription"]]);
  const query = encodeURIComponent("subscription { bookChanges { revision } }");
  const stream = await fetch(`${url}?query=${query}`, { headers: { accept: "text/event-stream" } });
  const [, streamId = ""] = stream.headers.get("traceparent")?.split("-") ?? [];
  expect(tree(await collector.trace(streamId, "GET /graphql"), undefined)).toEqual([["GET /graphql", "subscription"]]);
  await stream.body?.cancel();

  // what goes wrong, by what kind of thing it is
  await redis.kill();
  const database = new Database(file);
  database.exec("alter table stream rename to lost");
  database.close();
  const failed = await post(url, "{ books { title } }", {
    "x-request-id": "broken",
  });
  expect(failed.body).toContain("INTERNAL_SERVER_ERROR");
  const failure = await collector.trace(failed.traceId, "POST /graphql");
  expect(failure.find(({ name }) => name === "query")).toMatchObject({
    isFault: true,
    attributes: { "error.type": "INTERNAL_SERVER_ERROR", "catalogue.outcome": "INTERNAL_SERVER_ERROR" },
  });
  expect(failure.find(({ name }) => name === "read books")?.isFault).toBe(true);

  const lines = service.log
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const linesOf = (id: string | undefined) =>
    lines.filter(({ requestId }) => requestId === id).map(({ msg, traceId }) => [msg, traceId]);
  expect(linesOf("mine")).toEqual([["a request was answered", added.traceId]]);
  expect(linesOf("broken")).toEqual([
    ["a request failed unexpectedly", failed.traceId],
    ["a request was answered", failed.traceId],
  ]);

  // nothing that a client has sent is in any of it, and what there is is sent before the end
  const last = await post(url, "{ __typename }", { "x-request-id": "last" });
  expect(await service.stop()).toBe(0);
  expect(collector.spans.some(({ traceId }) => traceId === last.traceId)).toBe(true);
  expect(collector.bodies.join("")).not.toMatch(/secret/i);
  expect(service.log).not.toMatch(/secret/i);
  expect(collector.types).toEqual(new Set(["/v1/traces application/json"]));
});

test("operations are called by their names where all documents are the operator's own", async () => {
  const collector = await startCollector();
  const manifest = join(temporaryDirectory(), "documents.json");
  writeFileSync(manifest, JSON.stringify({ front: "query FrontPage { books { title } }" }));
  const service = await startService({
    ...{
      PERSISTED_DOCUMENTS: manifest,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
      ...SENT_AT_ONCE,
    },
  });
  const body = JSON.stringify({ documentId: "front" });
  const { headers } = await fetch(service.url, { method: "POST", headers: JSON_BODY, body });
  const [, traceId = ""] = headers.get("traceparent")?.split("-") ?? [];
  const spans = await collector.trace(traceId, "POST /graphql");
  expect(tree(spans, undefined)).toEqual([["POST /graphql", ["query FrontPage", "read books"]]]);
});

test("a commit is recorded if any of its commands is, whatever the sampler says of what begins here", async () => {
  const collector = await startCollector();
  const sampler = { OTEL_TRACES_SAMPLER: "parentbased_always_off" };
  const service = await startService({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...SENT_AT_ONCE, ...sampler });
  expect((await post(service.url, add("Dune"))).flags).toBe("00");
  await post(service.url, add("Emma"), { traceparent: TRACEPARENT });
  await collector.trace(CLIENT.traceId, "POST /graphql");
  await eventually("the commit", () => collector.spans.some(({ name }) => name === "commit books"));
  expect(collector.spans.map(({ name }) => name).sort()).toEqual([
    ...["POST /graphql", "command books", "commit books", "mutation"],
  ]);
});

test("a service goes on as ever while traces cannot be sent", async () => {
  const collector = await startCollector(400);
  const service = await startService({
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    OTEL_BSP_SCHEDULE_DELAY: "20",
  });
  for (let i = 0; i < 5; i++) expect((await service.send("{ books { title } }")).status).toBe(200);
  await eventually("it was tried", () => collector.types.size > 0);
  expect(collector.types).toEqual(new Set(["/v1/traces application/x-protobuf"]));
  expect((await service.addBook("Dune")).data.addBook.title).toBe("Dune");
});

describe("the variables of OpenTelemetry", () => {
  const load = (env: Record<string, string>) => ConfigService.load(env, modules).tracing;

  test("have traces made only where they name a place to send them to", () => {
    const place = { OTEL_EXPORTER_OTLP_ENDPOINT: "https://user:secret@collector.example/otlp" };
    expect(load({ OTEL_SERVICE_NAME: "shop", OTEL_RESOURCE_ATTRIBUTES: "a=b" })).toBeUndefined();
    expect(load({ ...place, OTEL_SDK_DISABLED: "true" })).toBeUndefined();
    expect(load({ ...place, OTEL_TRACES_EXPORTER: "none" })).toBeUndefined();
    expect(load({ OTEL_TRACES_EXPORTER: "otlp" })?.url).toBeUndefined();
    expect(load({ OTEL_TRACES_EXPORTER: "otlp" })).toBeDefined();
    expect(load(place)).toEqual({
      url: "https://user:secret@collector.example/otlp/v1/traces",
      protocol: "http/protobuf",
      sampler: { ratio: 1, followsClient: true },
      queue: {},
    });
    const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:1/here", OTEL_TRACES_SAMPLER: "traceidratio" };
    expect(load({ ...place, ...own, OTEL_TRACES_SAMPLER_ARG: "0.25", OTEL_BSP_MAX_QUEUE_SIZE: "10" })).toMatchObject({
      url: "http://127.0.0.1:1/here",
      sampler: { ratio: 0.25, followsClient: false },
      queue: { maxQueueSize: 10 },
    });
  });

  test("stop the start where they ask for what cannot be had, with a line for each that repeats no value", () => {
    let lines: readonly string[] = [];
    try {
      load({
        OTEL_TRACES_EXPORTER: "zipkin,secret",
        OTEL_EXPORTER_OTLP_ENDPOINT: "collector-secret:4318",
        OTEL_EXPORTER_OTLP_PROTOCOL: "grpc-secret",
        OTEL_TRACES_SAMPLER: "secret",
        OTEL_TRACES_SAMPLER_ARG: "2",
        OTEL_BSP_SCHEDULE_DELAY: "soon-secret",
      });
    } catch (error) {
      ({ lines } = error as { lines: readonly string[] });
    }
    expect(lines).toHaveLength(6);
    for (const line of lines) expect(line).toMatch(/^OTEL_[A-Z_]+ must be .*\.$/);
    expect(lines.join()).not.toContain("secret");
  });
});
