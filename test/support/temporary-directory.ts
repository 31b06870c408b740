import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onFinished } from "./cleanup.ts";

/** A directory that goes with the test. */
export function temporaryDirectory(): string {
  return directoryIn(tmpdir());
}

/** One for databases, in memory if the suite runs and has room there. It goes with the test. */
export function databaseDirectory(): string {
  return directoryIn(process.env.TEST_DATABASES ?? tmpdir());
}

function directoryIn(parent: string): string {
  const directory = mkdtempSync(join(parent, "books-test-"));
  onFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
