import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onFinished } from "./cleanup.ts";

/** A directory that goes with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "books-test-"));
  onFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
