import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";

/** Where pictures of the pages go, if anybody wants to look at them. */
const { SCREENSHOTS } = process.env;

const AXE = fileURLToPath(new URL("../node_modules/axe-core/axe.min.js", import.meta.url));

/** What the pages' programs have complained of since it was looked at last. */
export const complaints: string[] = [];

export interface Look {
  readonly width?: number;
  readonly colorScheme?: "light" | "dark";
}

/** A page at this address, of a browser that has not been here before. */
export async function openPage(browser: Browser, url: string, { width = 1200, colorScheme = "light" }: Look = {}) {
  const context = await browser.newContext({ viewport: { width, height: 850 }, colorScheme });
  context.setDefaultTimeout(20_000);
  onTestFinished(() => context.close());
  return openTab(context, url);
}

/** Another tab of the same person. */
export async function openTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(url);
  return page;
}

/** Everything that axe finds wrong with the page, and whether it can be read without being pushed sideways. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });
  await page.addScriptTag({ path: AXE });
  const found = await page.evaluate(`axe.run().then(({ violations }) => ({
    violations: violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]),
    sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }))`);
  expect(found, name).toEqual({ violations: [], sideways: 0 });
}
