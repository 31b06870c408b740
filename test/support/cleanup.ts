import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

type Close = () => unknown;

let closers: Close[] | undefined;

/** Calls `close` when the test is over, or what `cleaningUp` runs where there is no test. Last in, first out. */
export function onFinished(close: Close): void {
  if (closers) closers.push(close);
  else onTestFinished(async () => void (await close()));
}

/** Runs `work` outside a test, and afterwards ends what it has started. */
export async function cleaningUp<R>(work: () => Promise<R>): Promise<R> {
  closers = [];
  try {
    return await work();
  } finally {
    for (const close of closers.reverse()) await close();
    closers = undefined;
  }
}

/** A directory that goes with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "books-test-"));
  onFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
