import { connect } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { openConnection, PAGE, postOf, type RawConnection } from "../support/network/raw-connection.ts";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import { type Service, startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { eventually } from "../support/wait.ts";

const addition = (title: string) => JSON.stringify({ query: ADD_BOOK, variables: { input: { title, author: "A" } } });
const question = '{"query":"{ __typename }"}';
const PAGES = 5;

const titlesOf = (count: number) => Array.from({ length: count }, (_, i) => `Book ${String(i).padStart(3, "0")}`);

/** Asks for large answers and does not read them; returns when the service has begun to send. */
async function askAndNotRead(service: Service, ...more: string[]): Promise<RawConnection> {
  const connection = await openConnection(service.url);
  connection.pause();
  await connection.send(PAGE.repeat(PAGES) + more.join(""));
  // others are answered meanwhile; when they are, the service has come as far as it can
  for (let i = 0; i < 50; i++) expect((await service.send("{ __typename }")).status).toBe(200);
  return connection;
}

describe("requests that a client sends ahead", () => {
  test("are begun one by one, as it reads the answers, and in order", async () => {
    const service = await startService();
    await (await fetch(service.url, { headers: { accept: "text/html" } })).arrayBuffer();
    const titles = titlesOf(50);
    const connection = await askAndNotRead(service, ...titles.map((title) => postOf(addition(title))));
    expect(await service.titles()).toEqual([]);

    connection.resume();
    const responses = await connection.responses(PAGES + titles.length);
    expect(responses.every(({ status }) => status === 200)).toBe(true);
    expect(responses.slice(PAGES).map(({ body }) => JSON.parse(body).data.addBook.title)).toEqual(titles);
    expect(await service.titles()).toEqual(titles);
  });

  test("are bounded over all clients: who has sent most is cut off", async () => {
    const service = await startService();
    const tiny = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const greedy = await Promise.all(Array.from({ length: 10 }, () => openConnection(service.url)));
    for (const connection of greedy) {
      connection.pause();
      await connection.send(PAGE.repeat(PAGES) + tiny.repeat(1600));
    }
    const modest = await askAndNotRead(service, tiny.repeat(10));
    for (const connection of [modest, ...greedy]) connection.resume();
    const answered = await Promise.allSettled(greedy.map((connection) => connection.responses(PAGES + 1600)));
    expect(new Set(answered.map(({ status }) => status))).toEqual(new Set(["fulfilled", "rejected"]));
    expect(await modest.responses(PAGES + 10)).toHaveLength(PAGES + 10);
  });

  test("are dropped with their client", async () => {
    const service = await startService();
    const connection = await askAndNotRead(service, postOf(addition("Dune")));
    connection.close();
    await service.addBook("Emma");
    expect(await service.titles()).toEqual(["Emma"]);
  });
});

test("a client that says that it sends no more is still answered", async () => {
  const service = await startService();
  const connection = await openConnection(service.url);
  await connection.send(postOf(addition("Dune")));
  connection.halfClose();
  expect(JSON.parse((await connection.response()).body).data.addBook.title).toBe("Dune");
});

test("a client that has gone away is told from one that sends no more, while it is answered", async () => {
  const file = join(temporaryDirectory(), "books.db");
  const service = await startService({ DATABASE_URL: `sqlite:${file}`, MAX_CONNECTIONS: "3" });
  const other = new Database(file);
  other.exec("begin immediate");
  const [gone, away, listening] = await Promise.all([1, 2, 3].map(() => openConnection(service.url)));
  for (const connection of [gone, away, listening]) await connection?.send(postOf(addition("Dune")));
  gone?.close();
  away?.close();
  listening?.halfClose();
  let isAnswered = false;
  const answer = listening?.response().finally(() => {
    isAnswered = true;
  });

  await eventually("there is room for others", () => fetch(new URL("/health", service.url)).catch(() => false));
  expect(isAnswered).toBe(false);
  other.exec("rollback");
  other.close();
  expect((await answer)?.status).toBe(200);
  expect(await service.titles()).toEqual(["Dune"]);
});

test("connections beyond MAX_CONNECTIONS are refused, until others are closed", async () => {
  const service = await startService({ MAX_CONNECTIONS: "3" });
  const open = await Promise.all([1, 2, 3].map(() => openConnection(service.url)));
  for (const connection of open) await connection.send(postOf(question));
  for (const connection of open) expect((await connection.response()).status).toBe(200);

  const refused = await openConnection(service.url);
  await eventually("it is closed", () => refused.ended);
  open[0]?.close();
  await eventually("another is served", async () => (await service.send("{ __typename }")).status === 200);
});

test("requests beyond MAX_REQUESTS are told to come again, and run nothing", async () => {
  const file = join(temporaryDirectory(), "books.db");
  const service = await startService({ DATABASE_URL: `sqlite:${file}`, MAX_REQUESTS: "2" });
  const other = new Database(file);
  other.exec("begin immediate");
  const waiting = [service.addBook("Dune"), service.addBook("Emma")];

  const refused = await eventually("a refusal", async () => {
    const response = await fetch(service.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: addition("Ulysses"),
    });
    return response.status === 503 && response;
  });
  if (!refused) throw new Error("it was served");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(5);
  expect((await refused.json()).errors[0].extensions.code).toBe("SERVICE_UNAVAILABLE");
  expect((await fetch(`${service.url}?query={__typename}`)).status).toBe(503);
  expect((await fetch(new URL("/health", service.url))).status).toBe(200);
  // over connections that go on: each is read again when it is its turn, and answered once there is room
  const stubborn = await Promise.all(Array.from({ length: 30 }, () => openConnection(service.url)));
  for (let again = 0; again < 3; again++) {
    for (const connection of stubborn) await connection.send(postOf(addition("Ulysses")));
    for (const connection of stubborn) expect((await connection.responses(again + 1)).at(-1)?.status).toBe(503);
  }
  // whatever it says of the file that is held, it is not refused
  expect(await (await fetch(new URL("/ready", service.url))).json()).toHaveProperty("ready");

  other.exec("rollback");
  other.close();
  await Promise.all(waiting);
  expect(await service.titles()).toEqual(["Dune", "Emma"]);
  for (const connection of stubborn) {
    await connection.send(postOf(question));
    expect((await connection.responses(4)).map(({ status }) => status)).toEqual([503, 503, 503, 200]);
  }
});

test("those who were refused, and ask on at once, are read again three in a millisecond", async () => {
  const file = join(temporaryDirectory(), "books.db");
  const service = await startProcess({ DATABASE_URL: `sqlite:${file}`, MAX_REQUESTS: "1" });
  const other = new Database(file);
  other.exec("begin immediate");
  const waiting = service.addBook("Dune");
  const isRefused = async () => (await fetch(`${service.url}?query={__typename}`)).status === 503;
  await eventually("there is no room", isRefused);
  const refusals = 3000;
  const clients = 30;
  const began = performance.now();
  let refused = 0;
  await new Promise<void>((resolve, reject) => {
    for (let i = 0; i < clients; i++) {
      const socket = connect(Number(new URL(service.url).port), "127.0.0.1");
      onTestFinished(() => {
        socket.destroy();
      });
      socket.write(postOf(question));
      socket.on("error", reject).on("data", (bytes) => {
        if (!bytes.toString("latin1").startsWith("HTTP/1.1 503 ")) reject(new Error(bytes.toString()));
        if (++refused === refusals) resolve();
        socket.write(postOf(question));
      });
    }
  });
  // and what was on its way
  expect(refusals).toBeLessThan(3 * (performance.now() - began) + 5 * clients);
  other.exec("rollback");
  other.close();
  await waiting;
});

test("slow clients, however many, keep nobody from being answered", async () => {
  const service = await startService({ MAX_REQUESTS: "5" });
  const bytes = postOf(question);
  for (let i = 0; i < 50; i++) {
    const [slowHead, slowBody] = await Promise.all([openConnection(service.url), openConnection(service.url)]);
    await slowHead.send("POST /graphql HTTP/1.1\r\nHost: ");
    await slowBody.send(bytes.slice(0, -5));
  }
  await service.addBook("Dune");
  expect(await service.titles()).toEqual(["Dune"]);
});
