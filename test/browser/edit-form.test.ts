import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { build, type Rolldown } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, newPage } from "../support/browser/chromium.ts";
import { type Service, startService } from "../support/service/service.ts";

const FULL = { author: "Author Name", publishedDate: "2024-01-01", isbn: "1234567890", stockQuantity: 10 };
const TEXT = (most: number) => `must have 1 to ${most} characters, and no control characters`;
const DATE = "must be a date of the form YYYY-MM-DD";
const ISBN = "must be an ISBN of 10 or 13 digits, with or without hyphens";
const STOCK = "must be a whole number from 0 to 2147483647";

const docs = (name: string) => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));

const FORM_PROPS = "transformErrors={transformErrors}";

/** The documented client of react-jsonschema-form, by what it has for properties of its form: its own, or others. */
const FORMS = {
  react: "({ transformErrors })",
  "react, unchecked by the browser": "({ transformErrors, noHtml5Validate: true })",
  "react, with the form as it is": "({ noHtml5Validate: true })",
};
type Client = "html" | keyof typeof FORMS;

let browser: Browser;
const pages = new Map<Client, string>();

beforeAll(async () => {
  pages.set("html", readFileSync(docs("edit-form.html"), "utf8"));
  let script: string;
  [browser, script] = await Promise.all([launchBrowser(), reactScript()]);
  for (const [client, props] of Object.entries(FORMS)) {
    const page = `<!doctype html><meta charset="utf-8"><div id="root"></div>
      <script>const formProps = (transformErrors) => ${props};</script><script type="module">${script}</script>`;
    pages.set(client as Client, page);
  }
});

afterAll(() => browser?.close());

/** Made once, since that takes seconds. */
async function reactScript(): Promise<string> {
  const { output } = (await build({
    configFile: false,
    logLevel: "silent",
    plugins: [
      {
        name: "form-props",
        enforce: "pre",
        transform: (code, id) =>
          id === docs("edit-form.jsx") ? code.replace(FORM_PROPS, "{...formProps(transformErrors)}") : null,
      },
    ],
    build: { write: false, minify: false, rollupOptions: { input: docs("edit-form.jsx") } },
  })) as Rolldown.RolldownOutput;
  expect(output[0].code).toContain("formProps(transformErrors)");
  return output[0].code.replaceAll("</script", "<\\/script");
}

/** Adds the book and opens its form, on a page of the service's own origin: it allows no other. */
async function openForm(client: Client) {
  const service = await startService();
  await service.addBook("A", FULL);
  const { page, complaints } = await newPage(browser);
  const address = new URL("/edit-form", service.url).href;
  await page.route(`${address}*`, (route) =>
    route.fulfill({ contentType: "text/html", body: String(pages.get(client)) }),
  );
  await page.goto(`${address}?title=A`);
  await page.getByLabel("Title").waitFor();
  return { service, page, complaints };
}

const press = (page: Page) => page.getByRole("button", { name: /Save|Submit/ }).click();

async function save(page: Page, values: Record<string, string>, version: number) {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label).fill(value);
  await press(page);
  await page.getByText(`Saved as version ${version}.`).waitFor();
}

/** Sends the form with this value, expects the browser to refuse it, and returns what it says. */
async function refusedByBrowser(page: Page, label: string, value: string): Promise<string> {
  const input = page.getByLabel(label);
  const before = await input.inputValue();
  await input.fill(value);
  await input.press("Enter");
  const message = await input.evaluate(
    (element) => (element as unknown as { validationMessage: string }).validationMessage,
  );
  await input.fill(before);
  return message;
}

/** Sends the form with this value, and waits until all that is said, above the form and below its fields, is this. */
async function expectRefusal(page: Page, label: string, value: string, messages: string[]) {
  const input = page.getByLabel(label);
  const before = await input.inputValue();
  await input.fill(value);
  await input.press("Enter");
  const above = messages.map((message) => `${label} ${message}`);
  await expect.poll(() => page.locator(".errors li").allInnerTexts(), { message: `${label} ${value}` }).toEqual(above);
  const below = page.locator(".rjsf-field-string, .rjsf-field-integer").locator("li");
  expect(await below.allInnerTexts()).toEqual(messages);
  await input.fill(before);
}

const bookOf = async (service: Service, title: string) => (await service.book(title)).data.book;

describe.each(["html", "react"] as const)("the edit form in a browser, by the documented client (%s)", (client) => {
  test("stores every field as it was set, with what is read-only and was left alone", async () => {
    const { service, page, complaints } = await openForm(client);
    await save(page, { Title: "  B  " }, 2);
    expect(await bookOf(service, "B")).toMatchObject({ ...FULL, version: 2 });
    await save(page, { Author: "Another", Published: "2023-12-31", ISBN: "978-0 306 40615-7", "In stock": "0" }, 3);
    expect(await bookOf(service, "B")).toMatchObject({
      author: "Another",
      publishedDate: "2023-12-31",
      isbn: "9780306406157",
      stockQuantity: 0,
      version: 3,
    });
    // the form shows what is now there, so it can be sent again
    expect(await page.getByLabel("ISBN").inputValue()).toBe("9780306406157");
    await save(page, {}, 4);

    const texts = { Language: "pl", Description: "One line.\nAnother.", Cover: "https://example.org/cover.jpg" };
    await save(page, texts, 5);
    expect(await bookOf(service, "B")).toMatchObject({
      ...{ language: "pl", description: texts.Description, coverUrl: texts.Cover },
    });
    expect(await page.getByLabel("Description").inputValue()).toBe(texts.Description);
    await save(page, {}, 6);
    expect(await bookOf(service, "B")).toMatchObject({ description: texts.Description, coverUrl: texts.Cover });
    await save(page, { Language: "", Description: "", Cover: "" }, 7);
    expect(await bookOf(service, "B")).toMatchObject({ language: null, description: null, coverUrl: null });
    expect(complaints).toEqual([]);
  });

  test("clears what may be empty, stores it as null, and sets it again", async () => {
    const { service, page, complaints } = await openForm(client);
    await save(page, { Published: "" }, 2);
    expect(await bookOf(service, "A")).toMatchObject({ ...FULL, publishedDate: null });
    await save(page, { ISBN: "" }, 3);
    expect(await bookOf(service, "A")).toMatchObject({ ...FULL, publishedDate: null, isbn: null });
    await save(page, { Published: "0001-01-01", ISBN: "123456789x" }, 4);
    expect(await bookOf(service, "A")).toMatchObject({ publishedDate: "0001-01-01", isbn: "9781234567897" });
    expect(complaints).toEqual([]);
  });

  test("has the browser refuse, in its own words, what it can see is wrong", async () => {
    const { service, page } = await openForm(client);
    for (const label of ["Title", "Author", "In stock"]) {
      expect(await refusedByBrowser(page, label, ""), label).toMatch(/fill (in|out) this field/);
    }
    expect(await refusedByBrowser(page, "In stock", "-1")).toContain("0");
    expect(await refusedByBrowser(page, "In stock", "2147483648")).toContain("2147483647");
    expect(await refusedByBrowser(page, "In stock", "1.5")).toContain("valid value");

    // a date without its day has no value, and is not taken for one that was cleared
    await page.getByLabel("Published").press("Backspace");
    await press(page);
    expect(await page.getByLabel("Published").inputValue()).toBe("");
    expect(await page.locator("input:invalid").count()).toBe(1);
    await save(page, { Published: "2024-01-02" }, 2);
    expect(await bookOf(service, "A")).toMatchObject({ ...FULL, publishedDate: "2024-01-02", version: 2 });
  });

  test("says what only the service can know, and overwrites nothing", async () => {
    const { service, page } = await openForm(client);
    await service.addBook("B");
    await page.getByLabel("Title").fill("B");
    await press(page);
    await page.getByText("There is already a book with the title “B”.").first().waitFor();

    await service.updateBook("A", { author: "Somebody else" });
    await page.getByLabel("Title").fill("A");
    await page.getByLabel("Author").fill("Me");
    await press(page);
    await page.getByText("The book is at version 3, not at version 1.").first().waitFor();
    expect(await bookOf(service, "A")).toMatchObject({ ...FULL, author: "Somebody else", version: 3 });
  });
});

describe("the edit form of react-jsonschema-form", () => {
  test("refuses in words what the browser cannot see is wrong", async () => {
    const { service, page } = await openForm("react");
    await expectRefusal(page, "Title", "   ", [TEXT(512)]);
    await expectRefusal(page, "ISBN", "123", [ISBN]);
    await expectRefusal(page, "Title", "x".repeat(513), [TEXT(512)]);
    await expectRefusal(page, "Author", "a\tb", [TEXT(1024)]);
    expect(await refusedByBrowser(page, "Published", "12024-01-01")).toContain("9999");
    await save(page, {}, 2);
    expect(await bookOf(service, "A")).toMatchObject({ ...FULL, version: 2 });
  });

  test("refuses everything in words where the browser is told to check nothing", async () => {
    const { service, page } = await openForm("react, unchecked by the browser");
    await expectRefusal(page, "Title", "", [TEXT(512)]);
    await expectRefusal(page, "Author", "", [TEXT(1024)]);
    await expectRefusal(page, "Published", "12024-01-01", [DATE]);
    await expectRefusal(page, "In stock", "", [STOCK]);
    await expectRefusal(page, "ISBN", "978030640615X", [ISBN]);
    await expectRefusal(page, "In stock", "-1", [STOCK]);
    expect(await bookOf(service, "A")).toMatchObject({ ...FULL, version: 1 });
  });

  test("shows help once, marks what must not be empty, and shows no regular expression, without a line of code", async () => {
    const { page } = await openForm("react, with the form as it is");
    expect(await page.getByText("hyphens and spaces are ignored").count()).toBe(1);
    expect(await page.locator("label").allInnerTexts()).toEqual([
      "Title*",
      "Author*",
      "Published",
      "ISBN",
      "Language",
      "Description",
      "Cover",
      "In stock*",
    ]);

    for (const label of ["Title", "Author", "ISBN"]) await page.getByLabel(label).fill(" ");
    await page.getByLabel("Published").fill("12024-01-01");
    await page.getByLabel("In stock").fill("-1");
    await press(page);
    await page.locator(".errors li").first().waitFor();
    const said = await page.locator("body").innerText();
    expect(said).toContain("'ISBN' must NOT be valid");
    expect(said).toContain("'In stock' must be >= 0");
    expect(said).not.toMatch(/pattern|[\\^$]/);
  });
});

describe("the edit form as plain HTML", () => {
  test("has patterns that the browser takes, and words for what does not match", async () => {
    const { service, page, complaints } = await openForm("html");
    for (const [label, value, message] of [
      ["Title", "   ", TEXT(512)],
      ["Title", "x".repeat(513), TEXT(512)],
      ["Author", "   ", TEXT(1024)],
      ["ISBN", "123", ISBN],
    ] as const) {
      expect(await refusedByBrowser(page, label, value)).toContain("match the requested format");
      expect(await page.getByLabel(label).getAttribute("title")).toBe(`${label} ${message}.`);
    }
    // no pattern applies to a date
    await page.getByLabel("Published").fill("12024-01-01");
    await press(page);
    await page.getByText("must be a day of the form YYYY-MM-DD").waitFor();
    await save(page, { Title: "\u{1F600}".repeat(512), Published: "" }, 2);
    expect(await service.titles()).toEqual(["\u{1F600}".repeat(512)]);
    // a browser says on the console that a pattern does not compile, and then ignores it
    expect(complaints).toEqual([]);
  });
});
