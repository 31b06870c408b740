import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { launchBrowser } from "../support/browser/chromium.ts";
import { type Balancer, startBalancer } from "../support/network/balancer.ts";
import { startService } from "../support/service/service.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(() => browser?.close());

const SOURCE = stripTypeScriptTypes(
  readFileSync(new URL("../../examples/consistent-fetch.ts", import.meta.url), "utf8"),
);
const SCRIPT = `${SOURCE.replace("export function", "function")}
window.lost = [];
window.seen = () => fetched.seen("/graphql");
const fetched = consistentFetch(fetch, { onForgotten: (forgotten) => lost.push(forgotten) });
window.ask = async (query) => {
  const body = JSON.stringify({ query });
  const answer = await fetched("/graphql", { method: "POST", headers: { "content-type": "application/json" }, body });
  return (await answer.json()).data;
};`;

/** Opens pages of the service's origin, that share what a browser's tabs do. */
async function openTabs(before: () => void = () => {}) {
  const service = await startService();
  const balancer = await startBalancer(service.url);
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const address = new URL("/page", balancer.url).href;
  await context.route(address, (route) => route.fulfill({ contentType: "text/html", body: "<title>Page</title>" }));
  await context.addInitScript(before);
  const open = async () => {
    const page = await context.newPage();
    await page.goto(address);
    await page.addScriptTag({ content: SCRIPT });
    return page;
  };
  return { balancer, open };
}

const ask = (page: Page, query: string) => page.evaluate((text) => (window as never as Asking).ask(text), query);
const seenBy = (page: Page) => page.evaluate(() => (window as never as Asking).seen());
const lostOf = (page: Page) => page.evaluate(() => (window as never as Asking).lost);
interface Asking {
  readonly ask: (query: string) => Promise<Record<string, unknown>>;
  readonly seen: () => string | undefined;
  readonly lost: readonly object[];
}

const TITLES = "{ books { title } }";
const ADD = 'mutation { addBook(input: { title: "Dune", author: "Frank Herbert" }) { __typename } }';
const asked = ({ asked }: Balancer) => asked.splice(0).map(({ atLeast }) => atLeast);

describe("what one tab has seen", () => {
  test("is asked for by all others, and by those that are opened later", async () => {
    const { balancer, open } = await openTabs();
    const [writer, reader] = [await open(), await open()];
    await ask(reader, TITLES);
    await ask(writer, ADD);
    expect(await ask(reader, TITLES)).toEqual({ books: [{ title: "Dune" }] });
    await ask(await open(), TITLES);
    expect(asked(balancer)).toEqual([undefined, "0", "1", "1"]);
  });

  test("is forgotten by all when one learns that the service never had it, and each tells its page", async () => {
    const { balancer, open } = await openTabs();
    const [first, second, third] = [await open(), await open(), await open()];
    await first.evaluate((url) => localStorage.setItem(`seen of ${url}`, "0; 42"), balancer.url);
    expect(await seenBy(second)).toBe("42");
    for (const page of [first, second, third, second]) await ask(page, TITLES);
    expect(asked(balancer)).toEqual(["42", "0", "0", "0", "0"]);
    const forgotten = [{ service: balancer.url, seen: "42", reached: "0" }];
    expect([await lostOf(first), await lostOf(second), await lostOf(third)]).toEqual([forgotten, forgotten, []]);
  });

  test("is known no more when somebody has spoiled it", async () => {
    const { balancer, open } = await openTabs();
    const page = await open();
    for (const spoiled of ["", "x", "0; x", "-1; 7", "0; 1e9", "0; 99999999999999999999"]) {
      await page.evaluate(([url, text]) => localStorage.setItem(`seen of ${url}`, text), [
        balancer.url,
        spoiled,
      ] as const);
      await ask(await open(), TITLES);
      expect(asked(balancer), spoiled).toEqual([undefined]);
    }
  });
});

describe("a tab without a storage", () => {
  test("goes on with what it has seen itself, when there is no room", async () => {
    const { balancer, open } = await openTabs();
    const page = await open();
    await page.evaluate(() => {
      let made = 0;
      for (let size = 2 ** 22; size >= 1; size /= 2) {
        try {
          for (;;) localStorage.setItem(`${made++}`, "x".repeat(size));
        } catch (error) {
          if ((error as Error).name !== "QuotaExceededError") throw error;
        }
      }
    });
    for (const query of [TITLES, ADD, TITLES]) await ask(page, query);
    expect(asked(balancer)).toEqual([undefined, "0", "1"]);
  });

  test("goes on with what it has seen itself, when it may not have one", async () => {
    const { balancer, open } = await openTabs(() => {
      // as a browser has it whose user has blocked what sites keep
      Object.defineProperty(window, "localStorage", {
        get: () => {
          throw new DOMException("Access is denied for this document.", "SecurityError");
        },
      });
    });
    const page = await open();
    for (const query of [TITLES, ADD, TITLES]) await ask(page, query);
    expect(asked(balancer)).toEqual([undefined, "0", "1"]);
  });
});
