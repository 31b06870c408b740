import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, newPage } from "../support/browser/chromium.ts";
import { startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(() => browser?.close());

const QUERY = "subscription { bookChanges(since: 0) { revision kind } }";

describe("a page", () => {
  test("is told of changes by EventSource and by WebSocket, and comes back to where it was", async () => {
    const service = await startService();
    const { page } = await newPage(browser);
    await service.addBook("A");
    await page.goto(new URL("/health", service.url).href);
    await page.evaluate((query) => {
      const told: Record<string, number[]> = { events: [], sockets: [] };
      const note = (name: string, { revision, kind }: { revision: number; kind: string }) =>
        kind === "CHECKPOINT" || told[name]?.push(revision);
      Object.assign(window, { told });
      const source = new EventSource(`/graphql?query=${encodeURIComponent(query)}`);
      source.addEventListener("next", ({ data }) => note("events", JSON.parse(data).data.bookChanges));
      const socket = new WebSocket("/graphql", "graphql-transport-ws");
      socket.onopen = () => socket.send('{"type":"connection_init"}');
      socket.onmessage = ({ data }) => {
        const { type, payload } = JSON.parse(data);
        if (type === "next") note("sockets", payload.data.bookChanges);
        else socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query } }));
      };
    }, QUERY);
    const told = () => page.evaluate(() => (window as unknown as { told: object }).told);
    await service.addBook("B");
    await eventually("both are told", async () => {
      expect(await told()).toEqual({ events: [1, 2], sockets: [1, 2] });
      return true;
    });

    const { databaseUrl: DATABASE_URL } = service;
    await service.close();
    const again = await startService({ DATABASE_URL, PORT: new URL(service.url).port });
    await again.addBook("C");
    await eventually("it has come back", async () => {
      expect(await told()).toMatchObject({ events: [1, 2, 3] });
      return true;
    });
  });
});
