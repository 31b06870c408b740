import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { launchBrowser, newPage } from "../support/browser/chromium.ts";
import { type Service, startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(() => browser?.close());

/** Opens GraphiQL as a newcomer does, and notes every request that leaves the page, and its complaints. */
async function openGraphiql(service: Service, search = "") {
  const { page, requests, complaints } = await newPage(browser);
  await page.goto(service.url + search);
  await page.getByRole("button", { name: /Execute query/ }).waitFor();
  return { page, requests, complaints };
}

/** Opens a tab, presses the button, and waits until the answer holds `text`. */
async function runTab(page: Page, name: string, text: string) {
  await page.getByRole("button", { name, exact: true }).click();
  await page.locator(".graphiql-query-editor").getByText(name, { exact: true }).waitFor();
  await run(page, text);
}

/** GraphiQL takes a moment to see which operation a tab holds; pressed too early, it complains without asking. */
async function run(page: Page, text: string) {
  const answer = page.locator(".result-window");
  await eventually(`an answer with ${text}`, async () => {
    await page.getByRole("button", { name: /Execute query/ }).click();
    await answer.getByText(text).or(answer.getByText("Cannot infer operation")).first().waitFor();
    return answer.getByText(text).first().isVisible();
  });
}

describe("GraphiQL", () => {
  test("offers a request for each thing to do, runs them, and asks no other host for anything", async () => {
    const service = await startService();
    const { page, requests, complaints } = await openGraphiql(service);
    expect(await page.getByRole("tab").allInnerTexts()).toEqual([
      "AddBook",
      "ListBooks",
      "Search",
      "CataloguePage",
      "EditForm",
      "UpdateBook",
      "AdjustStock",
      "BookHistory",
      "DeleteBook",
      "WatchBooks",
    ]);

    await runTab(page, "AddBook", '"A New Book"');
    expect(await service.titles()).toEqual(["A New Book"]);
    await runTab(page, "ListBooks", '"books"');
    await runTab(page, "Search", '"A New Book"');
    await runTab(page, "CataloguePage", '"totalCount": 1');
    await runTab(page, "EditForm", '"bookEditForm"');
    await runTab(page, "UpdateBook", '"Another Author"');
    for (const run of ["first", "second"]) {
      await runTab(page, "AdjustStock", '"stockQuantity": 7');
      expect((await service.book("A New Book")).data.book.stockQuantity, run).toBe(7);
    }
    await runTab(page, "BookHistory", '"UPDATED"');
    await runTab(page, "DeleteBook", '"deleteBook"');
    expect(await service.titles()).toEqual([]);
    await runTab(page, "WatchBooks", '"CHECKPOINT"');
    await service.addBook("Dune");
    await page.locator(".result-window").getByText('"Dune"').waitFor();

    const { origin } = new URL(service.url);
    const elsewhere = requests.filter((url) => !/^(data|blob):/.test(url) && new URL(url).origin !== origin);
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("opens a link that holds a query, as its own are after an edit", async () => {
    const service = await startService();
    const { page } = await openGraphiql(service, "?query={books{title}}");
    await run(page, '"books"');
  });

  test("is shown in no frame of another page", async () => {
    const service = await startService();
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const refused = page.waitForEvent("console", (message) => message.text().includes("frame-ancestors"));
    await page.setContent(`<iframe src="${service.url}"></iframe>`);
    await refused;
  });

  test("is sent compressed, and not again while it is unchanged", async () => {
    const service = await startService();
    const headers = { accept: "text/html" };
    const first = await fetch(service.url, { headers });
    expect(first.headers.get("content-encoding")).toBe("gzip");
    const size = Number(first.headers.get("content-length"));
    expect(size).toBeLessThan(3_000_000);
    await first.arrayBuffer();
    const again = await fetch(service.url, {
      headers: { ...headers, "if-none-match": String(first.headers.get("etag")) },
    });
    expect(again.status).toBe(304);
  });
});

describe("a service with a browser connected", () => {
  test("stops without waiting for it", async () => {
    const service = await startService();
    const { page } = await openGraphiql(service);
    await service.close();
    await expect(page.goto(service.url)).rejects.toThrow("ERR_CONNECTION_REFUSED");
  });
});
