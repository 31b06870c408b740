import { EventSource } from "eventsource";
import { describe, expect, onTestFinished, test } from "vitest";
import { openConnection } from "../support/network/raw-connection.ts";
import { type Service, startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

const CHANGES = "subscription { bookChanges { revision kind } }";
const SINCE_0 = "subscription { bookChanges(since: 0) { revision kind } }";
const EVENTS = { accept: "text/event-stream" };

const urlOf = ({ url }: Service, query: string, more = "") => `${url}?query=${encodeURIComponent(query)}${more}`;

/** Reads an event stream until it holds `text`, and lets it go. */
async function read(response: Response, text: string): Promise<string> {
  let read = "";
  for await (const piece of response.body as ReadableStream<Uint8Array>) {
    read += Buffer.from(piece).toString();
    if (read.includes(text)) break;
  }
  return read;
}

/** What a browser makes of a stream, in one of which events have their own name. */
function listen(url: string) {
  const source = new EventSource(url);
  onTestFinished(() => source.close());
  const told: number[] = [];
  source.addEventListener("next", ({ data }) => {
    const { revision, kind } = JSON.parse(data).data.bookChanges;
    if (kind !== "CHECKPOINT") told.push(revision);
  });
  return { source, told };
}

describe("an event stream", () => {
  test("has an id for each event, begins with one, and is for no cache, proxy or encoder to keep", async () => {
    const service = await startService();
    await service.addBook("Dune");
    const response = await fetch(urlOf(service, SINCE_0), { headers: { ...EVENTS, "accept-encoding": "gzip" } });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
    });
    expect(response.headers.get("content-encoding")).toBeNull();
    const text = await read(response, "ADDED");
    expect(text).toMatch(
      /^retry: \d+\n\nid: 0\n\nid: 1\nevent: next\ndata: \{"data":\{"bookChanges":\{"revision":1,"kind":"ADDED"\}\}/,
    );
  });

  test("goes on from Last-Event-ID, whatever `since` says, and refuses what is no such id", async () => {
    const service = await startService();
    for (const title of ["A", "B", "C"]) await service.addBook(title);
    const from = (id: string) => fetch(urlOf(service, SINCE_0), { headers: { ...EVENTS, "last-event-id": id } });
    expect(await read(await from("2"), "ADDED")).toMatch(/^retry: \d+\n\nid: 2\n\nid: 3\n/);
    for (const id of ["-1", "x", "1.5", "9007199254740993"]) {
      const response = await from(id);
      expect(response.status, id).toBe(400);
      expect((await response.json()).errors[0].extensions.code, id).toBe("BAD_USER_INPUT");
    }
  });

  test("is had by EventSource, which goes on without a gap when it was cut off, here by a restart", async () => {
    const service = await startService();
    await service.addBook("A");
    const { port } = new URL(service.url);
    const { source, told } = listen(urlOf(service, SINCE_0));
    await eventually("the first", () => told.length === 1);
    await service.addBook("B");
    await eventually("the second", () => told.length === 2);
    const DATABASE_URL = service.databaseUrl;
    await service.close();
    const again = await startService({ PORT: port, DATABASE_URL });
    await again.addBook("C");
    await eventually("the third", () => told.length === 3);
    expect(told).toEqual([1, 2, 3]);
    expect(source.readyState).toBe(source.OPEN);
  });

  test("tells what is refused in its own words, and that it is over; a body that is no request is refused by HTTP", async () => {
    const service = await startService();
    const refused = await fetch(urlOf(service, "subscription { bookChanges(since: 7) { revision } }"), {
      headers: EVENTS,
    });
    expect(await refused.text()).toMatch(
      /^retry: \d{5}\n\nevent: next\ndata: \{"errors":\[.*"code":"REVISION_NOT_REACHED".*\]\}\n\nevent: complete\ndata:\n\n$/,
    );
    const headers = { ...EVENTS, "content-type": "application/json" };
    expect((await fetch(service.url, { method: "POST", headers, body: "{" })).status).toBe(400);
    expect((await fetch(urlOf(service, CHANGES), { method: "HEAD", headers: EVENTS })).status).toBe(406);
    const old = await fetch(urlOf(service, CHANGES, `&extensions=${JSON.stringify({ consistency: { atLeast: 9 } })}`), {
      headers: EVENTS,
    });
    expect(await old.text()).toContain('"code":"REVISION_NOT_REACHED"');
  });

  test("is the only way over HTTP: who accepts JSON alone is told so", async () => {
    const service = await startService();
    for (const [method, url] of [
      ["GET", urlOf(service, CHANGES)],
      ["POST", service.url],
    ] as const) {
      const body = method === "POST" ? { body: JSON.stringify({ query: CHANGES }) } : {};
      const response = await fetch(url, { method, headers: { "content-type": "application/json" }, ...body });
      expect(response.status).toBe(400);
      expect((await response.json()).errors[0].extensions.code).toBe("OPERATION_NOT_SUPPORTED");
    }
  });

  test("ends with its client's connection, and with the service, which does not wait for it", async () => {
    const service = await startService({ MAX_SUBSCRIPTIONS: "1", STOP_TIMEOUT_MS: "60000" });
    const ask = `GET /graphql?query=${encodeURIComponent(CHANGES)} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`;
    const gone = await openConnection(service.url);
    await gone.send(ask);
    const isFull = async () => {
      const response = await fetch(urlOf(service, CHANGES), { headers: EVENTS });
      return (await read(response, "\n\n")).includes("LIMIT_EXCEEDED");
    };
    await eventually("it has begun", isFull);
    gone.close();
    await eventually("it has ended", async () => !(await isFull()));
    const open = await openConnection(service.url);
    await eventually("another has begun", async () => {
      await open.send(ask);
      return isFull();
    });
    await service.close();
    await eventually("its end", () => open.ended);
    expect(open.ended).toBe("closed");
  });
});
