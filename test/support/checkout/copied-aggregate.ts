import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bookModule } from "../../../src/books/book-module.ts";
import { temporaryDirectory } from "../temporary-directory.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** What a checkout has that is not the project's. */
const NOT_COPIED = ["node_modules", ".git", "data"];

/** What docs/add-an-aggregate.md has people type and write, section by section. */
const [copying = [], registering = []] = readFileSync(join(ROOT, "docs/add-an-aggregate.md"), "utf8")
  .split(/^## \d/m)
  .slice(1)
  .map((section) => [...section.matchAll(/^ {4}(.+)$/gm)].map(([, line = ""]) => line));

/** A text about books as one about films. */
export function filmsFor(text: string): string {
  const names = new RegExp(`\\b(${bookModule.namesWithoutNoun.join("|")})\\b`, "g");
  return text
    .replaceAll(names, "Film$1")
    .replaceAll("book", "film")
    .replaceAll("Book", "Film")
    .replaceAll("BOOK", "FILM");
}

/** A copy of the checkout that has films beside the books, as the document says. It goes with the test. */
export function checkoutWithFilms(): string {
  const copy = temporaryDirectory();
  cpSync(ROOT, copy, { recursive: true, filter: (path) => !NOT_COPIED.includes(basename(path)) });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));

  execFileSync("bash", ["-ec", copying.join("\n")], { cwd: copy });

  const list = join(copy, "src/modules.ts");
  const [added = "", exported = ""] = registering;
  const registered = readFileSync(list, "utf8").replace(/^export const .*$/m, exported);
  writeFileSync(list, `${added}\n${registered}`);
  return copy;
}
