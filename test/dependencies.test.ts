import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { forbiddenIn } from "../.ci/check-licences.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const jsonOf = (file: string) => JSON.parse(readFileSync(`${ROOT}/${file}`, "utf8"));

test("docs/dependencies.md says of each package what it is there for, and of no other", () => {
  const [, service = "", tools = ""] = readFileSync(`${ROOT}/docs/dependencies.md`, "utf8").split(/^## /m);
  const listed = (part: string) =>
    [...part.matchAll(/^\| (`.+`) \| .+ \|$/gm)].flatMap(([, names = ""]) =>
      [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    );
  const { dependencies, devDependencies } = jsonOf("package.json");
  expect(listed(service).sort()).toEqual(Object.keys(dependencies).sort());
  expect(listed(tools).sort()).toEqual(Object.keys(devDependencies).sort());
});

describe("the licences", () => {
  const locked = (more: object) => ({ packages: { "": {}, "node_modules/a": { version: "1.0.0", ...more } } });

  test("of all that the lock files name are allowed", () => {
    const locks = globSync("**/package-lock.json", { cwd: ROOT, exclude: ["**/node_modules/**"] });
    expect(locks).toContain("package-lock.json");
    for (const file of locks) expect(forbiddenIn(jsonOf(file), file !== "package-lock.json"), file).toEqual([]);
  });

  test("that are others are named, and so is who has none", () => {
    expect(forbiddenIn(locked({ license: "GPL-3.0" }), true)).toEqual(["a 1.0.0: GPL-3.0"]);
    expect(forbiddenIn(locked({}), false)).toEqual(["a 1.0.0: no licence is named"]);
    expect(forbiddenIn(locked({ license: "MIT AND SSPL-1.0" }), false)).toEqual(["a 1.0.0: MIT AND SSPL-1.0"]);
    expect(forbiddenIn(locked({ license: "(MIT OR GPL-2.0)" }), false)).toEqual([]);
  });

  test("that bind changes are for tools alone", () => {
    expect(forbiddenIn(locked({ license: "MPL-2.0" }), false)).toEqual(["a 1.0.0: MPL-2.0"]);
    expect(forbiddenIn(locked({ license: "MPL-2.0", dev: true }), false)).toEqual([]);
    expect(forbiddenIn(locked({ license: "MPL-2.0" }), true)).toEqual([]);
  });
});
