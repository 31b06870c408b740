import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onFinished } from "../cleanup.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** What a checkout has that is not the project's. */
const NOT_COPIED = ["node_modules", ".git", "data"];

/** A copy of the checkout, which goes with the test. */
export function copyCheckout(): string {
  const copy = usedDirectory();
  cpSync(ROOT, copy, { recursive: true, filter: (path) => !NOT_COPIED.includes(basename(path)) });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** One in the place of an earlier one: what Node has compiled of that it finds by its path, and need not compile again. */
function usedDirectory(): string {
  for (let n = 0; ; n++) {
    const directory = join(tmpdir(), `books-checkout-${n}`);
    try {
      mkdirSync(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      continue;
    }
    onFinished(() => rmSync(directory, { recursive: true, force: true }));
    return directory;
  }
}

/** What a document has people type and write, section by section: the lines of its indented blocks. */
export function documentedLines(document: string): string[][] {
  return readFileSync(join(ROOT, document), "utf8")
    .split(/^## \d/m)
    .slice(1)
    .map((section) => [...section.matchAll(/^ {4}(.+)$/gm)].map(([, line = ""]) => line));
}

/** Changes a file of a checkout. `change` must change it. */
export function edit(checkout: string, file: string, change: (text: string) => string): void {
  const path = join(checkout, file);
  const text = readFileSync(path, "utf8");
  const changed = change(text);
  if (changed === text) throw new Error(`${file} has nothing to change`);
  writeFileSync(path, changed);
}
