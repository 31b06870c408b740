import { describe, expect, test } from "vitest";
import { subscribeNow } from "../support/live/subscriber.ts";
import { openConnection, PAGE, postOf } from "../support/network/raw-connection.ts";
import { startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { eventually } from "../support/wait.ts";

const question = '{"query":"{ __typename }"}';
const PAGES = 5;
const READY = "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n";

describe("a service that stops", () => {
  test("sends answers to their end, is not ready for those who ask meanwhile, and then closes", async () => {
    const service = await startService();
    const connection = await openConnection(service.url);
    connection.pause();
    await connection.send(PAGE.repeat(PAGES) + READY);
    for (let i = 0; i < 20; i++) expect((await service.send("{ __typename }")).status).toBe(200);

    const closed = service.close();
    await eventually("it accepts nothing more", () =>
      openConnection(service.url).then(
        () => false,
        () => true,
      ),
    );
    connection.resume();
    const responses = await connection.responses(PAGES + 1);
    expect(responses.map(({ status }) => status)).toEqual([...Array(PAGES).fill(200), 503]);
    expect(JSON.parse(responses.at(-1)?.body ?? "")).toMatchObject({ ready: false, database: "up" });
    expect(responses.at(-1)?.head).toMatch(/^connection: close$/im);
    await closed;
  });

  test("goes on for STOP_DELAY_MS, not ready, and says over each connection that it is the last answer", async () => {
    const service = await startService({ STOP_DELAY_MS: "8000" });
    const before = await openConnection(service.url);
    await before.send(postOf(question));
    expect((await before.response()).head).toMatch(/^connection: keep-alive$/im);
    const told = await subscribeNow("graphql-ws", service.url);

    const closed = service.close();
    const ready = await openConnection(service.url);
    await ready.send(READY);
    expect((await ready.response()).status).toBe(503);
    // over the one that was idle, and over one that is new
    const young = await openConnection(service.url);
    for (const [connection, answers] of [
      [before, 2],
      [young, 1],
    ] as const) {
      await connection.send(postOf(question));
      const last = (await connection.responses(answers)).at(-1);
      expect(last?.status).toBe(200);
      expect(last?.head).toMatch(/^connection: close$/im);
      await eventually("the connection is closed", () => connection.ended === "closed");
    }
    await service.addBook("Meanwhile");
    await told.told(1);
    // and those who come are not sent away, for they would come back here
    const late = await subscribeNow("graphql-sse", service.url);
    expect([told.connects, late.connects]).toEqual([1, 1]);
    await closed;
    await eventually("both look for another process", () => told.connects > 1 && late.connects > 1);
  });

  test("cuts what is not read, and does not wait for what does not come, after STOP_TIMEOUT_MS", async () => {
    const service = await startService({ STOP_TIMEOUT_MS: "300" });
    const unread = await openConnection(service.url);
    unread.pause();
    await unread.send(PAGE.repeat(PAGES));
    const halfBody = await openConnection(service.url);
    await halfBody.send(postOf(question).slice(0, -5));
    await service.send("{ __typename }");
    await service.close();
    unread.resume();
    await eventually("both are closed", () => unread.ended && halfBody.ended);
  });

  test("answers what had arrived over connections that it has not yet accepted", async () => {
    const service = await startProcess({ DATABASE_URL: "sqlite::memory:" });
    // a process that is busy has a queue of them
    service.child.kill("SIGSTOP");
    const connections = await Promise.all(Array.from({ length: 300 }, () => openConnection(service.url)));
    for (const connection of connections) await connection.send(postOf(question));
    service.child.kill("SIGTERM");
    service.child.kill("SIGCONT");
    for (const connection of connections) expect((await connection.response()).status).toBe(200);
    expect(await service.stop()).toBe(0);
  });
});
