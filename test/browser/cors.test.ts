import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { FOREIGN_NAME, launchBrowser, newPage } from "../support/browser/chromium.ts";
import { startService } from "../support/service/service.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(() => browser?.close());

/** Another server on this machine, as a frontend's own is, whose every page is empty; its port. */
async function startPages(): Promise<number> {
  const server = createServer((_, response) =>
    response.setHeader("content-type", "text/html").end("<title>Page</title>"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface PageRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly credentials?: "include";
}

/** A page of this origin; what it asks of `url`, and what it learns from that. */
async function openPage(origin: string, url: string) {
  const { page } = await newPage(browser);
  await page.goto(origin);
  const ask = (init: PageRequest, search = "") =>
    page.evaluate(
      async ([address, options]) => {
        try {
          const response = await fetch(address, options);
          const revision = response.headers.get("consistency-revision");
          return { status: response.status, revision, body: await response.json() };
        } catch (error) {
          return { failure: `${error}` };
        }
      },
      [url + search, init] as const,
    );
  return ask;
}

const ADDITION = { query: 'mutation { addBook(input: { title: "Dune", author: "Frank Herbert" }) { __typename } }' };
const post = (request: object, headers: Record<string, string> = {}): PageRequest => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(request),
});

describe("a page of another port of this machine", () => {
  test("asks and is answered, without anything being set", async () => {
    const service = await startService();
    const ask = await openPage(`http://localhost:${await startPages()}`, service.url);
    expect(await ask(post(ADDITION))).toMatchObject({ body: { data: { addBook: { __typename: "Book" } } } });
    const body = { data: { books: [{ title: "Dune" }] } };
    expect(await ask(post({ query: "{ books { title } }" }))).toMatchObject({ status: 200, body });
    expect(await ask({}, "?query={books{title}}")).toMatchObject({ status: 200, body });
    expect(await ask(post({ query: "{" }))).toMatchObject({ body: { errors: [{}] } });
    expect(await ask(post(ADDITION, { "x-own": "1" }))).toEqual({ failure: "TypeError: Failed to fetch" });
  });
});

describe("a browser that has an answer to a GET", () => {
  test("asks whether it is still true, and tells the page the revision of now", async () => {
    const service = await startService();
    await service.addBook("Dune");
    const ask = await openPage(`http://localhost:${await startPages()}`, service.url);
    const search = '?query={book(title:"Dune"){version}}';
    const first = await ask({}, search);
    expect(first).toMatchObject({ status: 200, revision: "1", body: { data: { book: { version: 1 } } } });
    await service.addBook("Ubik");
    // the body is the one that the browser has kept: the service sent none
    expect(await ask({}, search)).toEqual({ ...first, revision: "2" });
    expect(await ask({ headers: { "consistency-at-least": "3" } }, search)).toMatchObject({
      body: { errors: [{ extensions: { code: "REVISION_NOT_REACHED" } }] },
    });
    await service.updateBook("Dune", {});
    expect(await ask({}, search)).toMatchObject({ revision: "3", body: { data: { book: { version: 3 } } } });
  });
});

describe("a page of a foreign origin", () => {
  test("learns nothing and changes nothing, unless it is listed", async () => {
    const origin = `http://${FOREIGN_NAME}:${await startPages()}`;
    const service = await startService();
    const ask = await openPage(origin, service.url);
    for (const init of [post(ADDITION), post(ADDITION, { "content-type": "text/plain" })]) {
      expect(await ask(init)).toEqual({ failure: "TypeError: Failed to fetch" });
    }
    expect(await ask({}, "?query={books{title}}")).toEqual({ failure: "TypeError: Failed to fetch" });
    expect(await service.titles()).toEqual([]);

    const open = await startService({ CORS_ORIGINS: origin });
    const askOpen = await openPage(origin, open.url);
    expect(await askOpen({ ...post(ADDITION), credentials: "include" })).toMatchObject({ status: 200 });
    expect(await open.titles()).toEqual(["Dune"]);
  });
});
