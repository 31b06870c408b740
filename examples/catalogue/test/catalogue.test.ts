import type { Browser, Page, Request } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser } from "../../../test/support/browser/chromium.ts";
import { aroundTests } from "../../../test/support/cleanup.ts";
import { type Example, startExample } from "./example.ts";
import { complaints, expectAccessible, openPage, openTab } from "./pages.ts";

let browser: Browser;
let example: Example;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());
afterEach(() => expect(complaints.splice(0).filter((line) => !line.includes("ERR_INTERNET_DISCONNECTED"))).toEqual([]));
aroundTests(async () => {
  example = await startExample();
});

const titles = (page: Page) => page.locator(".what a").allTextContents();
const found = (page: Page) => page.locator(".found");
const stockOf = (page: Page, title: string) => page.getByRole("group", { name: `Stock of ${title}` });
const pathOf = (page: Page) => new URL(page.url()).search;

/** Waits until the place shows this. */
async function shows(page: Page, text: string | RegExp, place = page.locator("body")) {
  await place.filter({ hasText: text }).waitFor();
}

async function idOf(title: string): Promise<string> {
  const { data } = await example.colleague.ask("query ($title: String!) { book(title: $title) { id } }", {
    variables: { title },
  });
  return data.book.id;
}

async function openBook(title: string, then = "") {
  return openPage(browser, `${example.url}books/${encodeURIComponent(await idOf(title))}${then}`);
}

describe("the catalogue", () => {
  test("searches while somebody types, and the question stands in the address", async () => {
    const page = await openPage(browser, example.url);
    await shows(page, "11,000 books", found(page));
    // an answer that does not come leaves what was there, and is given up when more is typed
    const isAsked = (request: Request) => request.postData()?.includes('"search":"lodz"') ?? false;
    await page.route(/graphql$/, (route) => (isAsked(route.request()) ? undefined : route.continue()));
    const givenUp = page.waitForEvent("requestfailed", isAsked);
    await page.getByLabel("Search by title or author").fill("lodz");
    await page.waitForRequest(isAsked);
    expect(await titles(page)).toContain("Bleak House");
    await page.getByLabel("Search by title or author").pressSequentially(" nothing", { delay: 20 });
    await givenUp;
    await shows(page, "0 books", found(page));
    await shows(page, "No book is like that");
    expect(await page.getByRole("button", { name: "Show more books" }).count()).toBe(0);
    await page.getByLabel("Search by title or author").fill("KAFKA");
    await shows(page, "2 books", found(page));
    expect(await titles(page)).toEqual(["Der Process", "Die Verwandlung"]);
    expect(pathOf(page)).toBe("?q=KAFKA");

    // who is sent the link sees the same
    const other = await openTab(page.context(), page.url());
    await shows(other, "2 books", found(other));
    expect(await other.getByLabel("Search by title or author").inputValue()).toBe("KAFKA");
    await page.goBack();
    await shows(page, "11,000 books", found(page));
    expect(await page.getByLabel("Search by title or author").inputValue()).toBe("");
  });

  test("is narrowed down by what the books have, with counts that say when there are more", async () => {
    const page = await openPage(browser, example.url);
    await page.getByRole("button", { name: /^In stock/ }).click();
    await shows(page, "10,000+ books", found(page));
    await page.getByRole("button", { name: /^Polish/ }).click();
    await shows(page, "3 books", found(page));
    await page.getByLabel("Order").selectOption("newest");
    await expect.poll(() => titles(page)).toEqual(["Ziemia obiecana", "Quo vadis", "Lalka"]);
    await page.getByLabel("Published from").fill("1895-01-01");
    await shows(page, "2 books", found(page));
    expect(pathOf(page)).toBe("?language=pl&stock=in&sort=newest&from=1895-01-01");
    await page.getByRole("button", { name: /^Polish/, pressed: true }).click();
    await page.getByLabel("Author has the words").fill("reymont wlad");
    await page.getByLabel("Author has the words").press("Enter");
    await shows(page, "1 book", found(page));
    await page.getByRole("button", { name: "Show all books" }).click();
    await shows(page, "11,000 books", found(page));
  });

  test("goes on and on, each book once, and the way back leads to where it was read", async () => {
    const page = await openPage(browser, example.url);
    await shows(page, "11,000 books", found(page));
    await expect
      .poll(async () => {
        await page.mouse.wheel(0, 5000);
        return page.locator(".book").count();
      })
      .toBeGreaterThan(200);
    const seen = await titles(page);
    expect(new Set(seen).size).toBe(seen.length);
    const link = page.locator(".what a").nth(180);
    await link.click();
    await page.getByRole("heading", { level: 1, name: seen[180] ?? "" }).waitFor();
    await page.goBack();
    await link.and(page.locator(":focus")).waitFor();
    const top = async () => (await link.boundingBox())?.y ?? -1;
    await expect.poll(async () => (await top()) > 0 && (await top()) < 850).toBe(true);
  });
});

test("an answer that was overtaken by a change does not take it back", async () => {
  // a page that asks nothing, and so does not listen yet
  const page = await openPage(browser, `${example.url}nowhere`);
  const listens = page.waitForEvent("websocket", (socket) => socket.url().includes("graphql"));
  await page.getByRole("link", { name: "Look in the catalogue" }).click();
  const socket = await listens;
  const answered = Promise.withResolvers<void>();
  const overtaken = Promise.withResolvers<void>();
  const isAsked = (request: Request) => request.postData()?.includes('"search":"walden"') ?? false;
  await page.route(/graphql$/, async (route) => {
    if (!isAsked(route.request())) return route.continue();
    const response = await route.fetch();
    answered.resolve();
    await overtaken.promise;
    await route.fulfill({ response });
  });
  await page.getByLabel("Search by title or author").fill("walden");
  await answered.promise;
  const told = socket.waitForEvent("framereceived", ({ payload }) => payload.includes('"stockQuantity":33'));
  await example.colleague.updateBook("Walden", { stockQuantity: 33 });
  await told;
  overtaken.resolve();
  await shows(page, "Henry David Thoreau");
  await shows(page, "33 in stock", stockOf(page, "Walden"));
  await example.colleague.updateBook("Walden", { stockQuantity: 3 });
});

test("an address that cannot be meant is said so, and what is no question is not asked", async () => {
  const page = await openPage(browser, `${example.url}?from=2001-01-01&to=2000-01-01`);
  await shows(page, "This cannot be answered:", page.getByRole("alert"));
  await expectAccessible(page, "failure");
  const other = await openTab(page.context(), `${example.url}?sort=nonsense&from=yesterday&nothing=1`);
  await shows(other, "11,000 books", found(other));
});

test("a catalogue that was put back to an earlier state is read anew", async () => {
  const page = await openPage(browser, example.url);
  await shows(page, "11,000 books", found(page));
  const seeLater = `for (const [key, seen] of Object.entries(localStorage)) localStorage.setItem(key, seen.replace(/\\d+$/, "999999"))`;
  await page.evaluate(seeLater);
  // who comes has seen nothing of it that would be wrong now
  await page.reload();
  await shows(page, "11,000 books", found(page));
  expect(await page.getByText("Reload the page").count()).toBe(0);
  await page.evaluate(seeLater);
  await page.getByLabel("Search by title or author").fill("candide");
  await shows(page, "1 book", found(page));
  await page.getByRole("button", { name: "Reload the page" }).click();
  await expect.poll(() => page.getByText("Reload the page").count()).toBe(0);
});

describe("two people", () => {
  test("cannot sell the same copy twice, and see at once what the other has done", async () => {
    const page = await openBook("Walden");
    const other = await openBook("Walden");
    for (let left = 2; left >= 0; left--) {
      await stockOf(page, "Walden").getByRole("button", { name: "Take one" }).click();
      await shows(other, `${left} in stock`, stockOf(other, "Walden"));
    }
    await stockOf(other, "Walden").getByRole("button", { name: "Take one" }).press("Enter");
    await shows(other, "There is none left.");

    // both press before either is told of the other
    await stockOf(page, "Walden").getByRole("button", { name: "Put one in" }).click();
    await shows(other, "1 in stock", stockOf(other, "Walden"));
    await Promise.all(
      [page, other].map(async (tab) => {
        await tab.context().setOffline(true);
        await stockOf(tab, "Walden").getByRole("button", { name: "Take one" }).click();
        await shows(tab, "0 in stock", stockOf(tab, "Walden"));
      }),
    );
    for (const tab of [page, other]) await tab.context().setOffline(false);
    const refusals = () =>
      Promise.all([page, other].map((tab) => tab.getByText("Somebody was quicker: none is left.").count()));
    await expect.poll(async () => (await refusals()).toSorted()).toEqual([0, 1]);
    expect((await example.colleague.book("Walden")).data.book.stockQuantity).toBe(0);
  });

  test("who change one book at once are shown theirs and yours, and choose for each field", async () => {
    const page = await openBook("Emma", "/edit");
    await page.getByLabel("Author").fill("Miss Austen");
    await page.getByLabel("Language").fill("en-GB");
    await example.colleague.updateBook("Emma", { author: "J. Austen", stockQuantity: 40, language: "en-GB" });

    // what I have not touched comes by itself
    await shows(page, "Somebody has changed this book meanwhile");
    expect(await page.getByLabel("In stock").inputValue()).toBe("40");
    const conflicts = page.getByRole("region", { name: "Somebody else has changed the same" });
    await conflicts.and(page.locator(":focus")).waitFor();
    expect(await conflicts.getByRole("group").allInnerTexts()).toEqual([expect.stringMatching(/^Author/)]);
    await page.getByRole("button", { name: "Save" }).click();
    await conflicts.and(page.locator(":focus")).waitFor();

    await example.colleague.updateBook("Emma", { author: "Jane A." });
    await conflicts.getByRole("button", { name: "Theirs Jane A." }).waitFor();
    await expectAccessible(page, "conflict");
    await conflicts.getByRole("button", { name: "Yours Miss Austen" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { level: 1, name: "Emma", exact: true }).waitFor();
    expect((await example.colleague.book("Emma")).data.book).toMatchObject({
      ...{ author: "Miss Austen", language: "en-GB", stockQuantity: 40 },
    });
    await shows(page, "Author: Jane A. → Miss Austen");
  });

  test("are told by the refusal where no event came before it", async () => {
    const page = await openBook("Dracula", "/edit");
    await page.getByLabel("Author").fill("Bram S.");
    // the page hears of nothing but the answers to what it asks
    await page.routeWebSocket(/graphql/, (socket) => socket.close());
    await page.context().setOffline(true);
    await example.colleague.updateBook("Dracula", { author: "Abraham Stoker" });
    await page.context().setOffline(false);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "Theirs Abraham Stoker" }).click();
    expect(await page.getByLabel("Author").inputValue()).toBe("Abraham Stoker");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { level: 1, name: "Dracula", exact: true }).waitFor();
  });
});

describe("a form", () => {
  test("says at its fields, in words, what is wrong, and keeps what was written", async () => {
    const page = await openPage(browser, `${example.url}books/new`);
    await page.getByRole("button", { name: "Add the book" }).click();
    await page.getByLabel("Title").and(page.locator(":focus")).waitFor();
    expect(await page.getByText("Please fill this in.").count()).toBe(2);
    await page.getByLabel("Title").fill("Emma ");
    await page.getByLabel("Author").fill("Somebody");
    await page.getByLabel("ISBN").fill("123");
    await page.getByRole("button", { name: "Add the book" }).click();
    await shows(page, "This must be an ISBN of 10 or 13 digits, with or without hyphens.");
    await expectAccessible(page, "form");
    await page.getByLabel("ISBN").fill("979-000000000-1");
    await page.getByRole("button", { name: "Add the book" }).click();
    await shows(page, "There is already a book with this title.");
    await page.getByLabel("Title").fill("Emma, Abridged");
    await page.getByRole("button", { name: "Add the book" }).click();
    await shows(page, "has this ISBN, and no two books have the same.");
    await page.getByLabel("ISBN").fill("");
    await page.getByRole("button", { name: "Add the book" }).click();
    await page
      .getByRole("heading", { level: 1, name: "Emma, Abridged", exact: true })
      .and(page.locator(":focus"))
      .waitFor();
    await shows(page, "Added to the catalogue");

    const list = await openTab(page.context(), `${example.url}?q=emma abridged`);
    await shows(list, "1 book", found(list));
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await shows(page, "11,000 books", found(page));
    await shows(list, "Deleted just now");
    await list.getByRole("button", { name: /added or deleted/ }).click();
    await shows(list, "No book is like that");
  });
});

describe("when something is gone", () => {
  test("nobody notices that it is Redis", async () => {
    const page = await openPage(browser, example.url);
    await shows(page, "Bleak House");
    await example.redis.kill();
    await stockOf(page, "Bleak House").getByRole("button", { name: "Put one in" }).click();
    await shows(page, "3 in stock", stockOf(page, "Bleak House"));
    await page.getByRole("link", { name: "Bleak House" }).click();
    await shows(page, "In stock: 2 → 3");
    await page.goBack();
    await page.getByLabel("Search by title or author").fill("candide");
    await shows(page, "1 book", found(page));
    expect(await page.getByRole("alert").count()).toBe(0);
    await example.redis.start();
  });

  test("the network, it is said, what was seen stays, and all that was missed comes with it", async () => {
    const page = await openPage(browser, example.url);
    await shows(page, "Candide");
    await page.context().setOffline(true);
    await shows(page, "No connection.");
    await expectAccessible(page, "offline");
    await example.colleague.updateBook("Candide", { author: "François-Marie Arouet" });
    await stockOf(page, "Candide").getByRole("button", { name: "Put one in" }).click();
    await shows(page, "5 in stock", stockOf(page, "Candide"));
    await page.context().setOffline(false);
    await shows(page, "François-Marie Arouet");
    await expect.poll(() => page.getByText("No connection.").count()).toBe(0);
    await expect.poll(async () => (await example.colleague.book("Candide")).data.book.stockQuantity).toBe(5);
    expect(await page.getByRole("alert").count()).toBe(0);
  });
});

describe("for everybody", () => {
  test("all of it can be done by keyboard", async () => {
    const page = await openPage(browser, `${example.url}?q=ulysses`);
    await shows(page, "1 book", found(page));
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").innerText()).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    const tabTo = async (name: string) => {
      const target = page.getByLabel(name).or(page.getByRole("link", { name })).or(page.getByRole("button", { name }));
      for (let press = 0; press < 40; press++) {
        await page.keyboard.press("Tab");
        if ((await target.and(page.locator(":focus")).count()) > 0) return;
      }
      expect.unreachable(`Tab does not lead to ${name}`);
    };
    await tabTo("Ulysses");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Ulysses", exact: true }).and(page.locator(":focus")).waitFor();
    await tabTo("Take one");
    await page.keyboard.press("Enter");
    await shows(page, "3 in stock", stockOf(page, "Ulysses"));
    await tabTo("Edit");
    await page.keyboard.press("Enter");
    await page
      .getByRole("heading", { level: 1, name: "Edit “Ulysses”", exact: true })
      .and(page.locator(":focus"))
      .waitFor();
    await tabTo("Language");
    await page.keyboard.type("en-IE");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Ulysses", exact: true }).and(page.locator(":focus")).waitFor();
    await tabTo("Delete");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Delete" }).and(page.locator(":focus")).waitFor();
  });

  test.each([
    { width: 360, colorScheme: "dark" },
    { width: 1200, colorScheme: "light" },
  ] as const)("axe finds nothing and nothing is cut off, $width pixels wide and $colorScheme", async (look) => {
    const page = await openPage(browser, example.url, look);
    const picture = (name: string) => expectAccessible(page, `${name}-${look.width}-${look.colorScheme}`);
    await shows(page, "11,000 books", found(page));
    await picture("catalogue");
    if (look.width < 500) await page.getByText("Order and filters").click();
    await page.getByRole("button", { name: /^Sold out/ }).click();
    await shows(page, /^\d{3} books$/, found(page));
    await picture("filtered");
    if (look.width < 500) await page.getByRole("button", { name: /^Show \d+ books$/ }).click();
    await page.getByRole("link", { name: "Dracula" }).click();
    await shows(page, "Added to the catalogue");
    await picture("book");
    await page.getByRole("button", { name: "Delete" }).click();
    await picture("delete");
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Edit" }).click();
    await page.getByLabel("Title").waitFor();
    await picture("edit");
    await page.goto(`${example.url}nowhere`);
    await shows(page, "There is no such page");
    await picture("nowhere");
  });
});
