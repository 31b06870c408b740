import { type Browser, chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { programPath } from "../suite/programs.ts";

/** A name that is of this machine to the browser alone: to everybody else, pages of it are foreign. */
export const FOREIGN_NAME = "foreign.example";

const PROGRAM = "chromium-headless-shell";

/** Starts Chromium, for the tests of a file: as the program without windows, which starts in a third of the time. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: programPath(PROGRAM) ?? PROGRAM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--host-resolver-rules=MAP ${FOREIGN_NAME} 127.0.0.1`,
    ],
  });
}

/** A page that goes with the test, every request that leaves it, and its complaints. */
export async function newPage(
  browser: Browser,
): Promise<{ readonly page: Page; readonly requests: string[]; readonly complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(10_000);
  onTestFinished(() => page.close());
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  return { page, requests, complaints };
}
