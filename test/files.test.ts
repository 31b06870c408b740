import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { WAITING } from "./support/suite/waiting-spread.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const files = globSync("{src,test,proof,bench,examples}/**/*.ts", {
  cwd: ROOT,
  exclude: ["**/node_modules/**", "**/generated/**"],
});
const textOf = (file: string) => readFileSync(join(ROOT, file), "utf8");

const lengths = files
  .filter((file) => file.startsWith("src/"))
  .map((file) => ({ file, lines: textOf(file).split("\n").length - 1 }))
  .sort((a, b) => b.lines - a.lines);

test("a file of src has 260 lines at most", () => {
  expect(lengths.length).toBeGreaterThan(100);
  expect(lengths.filter(({ lines }) => lines > 260)).toEqual([]);
});

test("half of the files of src have 80 lines at most", () => {
  expect(lengths[Math.floor(lengths.length / 2)]?.lines).toBeLessThanOrEqual(80);
});

test("files are named in kebab-case, by what they are for", () => {
  const KEBAB = /^[a-z\d]+(-[a-z\d]+)*(\.(test|config))?\.ts$/;
  const SAYS_NOTHING = /^(utils?|common|helpers?|misc|shared|types|interfaces)\b/;
  expect(files.filter((file) => !KEBAB.test(basename(file)) || SAYS_NOTHING.test(basename(file)))).toEqual([]);
});

test("the test files that are known to wait are there", () => {
  expect(WAITING.filter((file) => !existsSync(file))).toEqual([]);
});

test("what a file exports it defines: there are no barrels", () => {
  const passing = /^export (?:type )?(?:\*|\{[^}]*\}) from /m;
  expect(files.filter((file) => basename(file) === "index.ts" || passing.test(textOf(file)))).toEqual([]);
});
