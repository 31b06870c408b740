import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { modules } from "../src/modules.ts";
import { startService } from "./support/service/service.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const textOf = (file: string) => readFileSync(join(ROOT, file), "utf8");

const documents = globSync(["*.md", "docs/*.md", "examples/*/*.md"], { cwd: ROOT });

const names = new Set(
  globSync(["*.ts", "{src,test,proof,bench,examples}/**/*.ts"], { cwd: ROOT, exclude: ["**/node_modules/**"] }).map(
    (file) => basename(file),
  ),
);
/** What docs/add-an-aggregate.md has people make. */
const isOfExample = (name: string) => /^film\b/.test(name) && names.has(name.replace("film", "book"));

/** What paths begin at in the documents. */
const PLACES = ["", "src", "src/cqrs"];

/** The heading of each section as a link names it. */
function anchorsOf(file: string): string[] {
  return [...textOf(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\d\s-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("the documents", () => {
  test("begin with a README of 130 lines at most", () => {
    expect(textOf("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(130);
  });

  test.each(documents)("%s leads to files and sections that are there", (document) => {
    const links = [...textOf(document).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    for (const [link, path = "", anchor] of links) {
      const target = path === "" ? document : relative(ROOT, join(ROOT, dirname(document), path));
      expect(existsSync(join(ROOT, target)), link).toBe(true);
      if (anchor) expect(anchorsOf(target), link).toContain(anchor);
    }
  });

  test.each(documents)("%s names files of the project that are there", (document) => {
    const named = [
      ...textOf(document).matchAll(/`((?:(?:src|test|proof|bench|docs)\/[\w./-]*|[\w-]+\/[\w./-]+\.ts))`/g),
    ];
    const missing = named
      .map(([, path = ""]) => path)
      .filter((path) => ![...PLACES, dirname(document)].some((place) => existsSync(join(ROOT, place, path))));
    expect(missing).toEqual([]);
    const alone = [...textOf(document).matchAll(/`([\w.-]+\.ts)`/g)].map(([, name = ""]) => name);
    expect(alone.filter((name) => !names.has(name) && !isOfExample(name))).toEqual([]);
  });

  test("say of each rule of the promise by what it is kept", () => {
    const promise = textOf("docs/promise.md");
    const stated = [...promise.matchAll(/^(\d)\. \*\*/gm)].map(([, rule]) => rule);
    const kept = [...promise.matchAll(/^\| (\d) \| (.+) \|$/gm)];
    expect(kept.map(([, rule]) => rule)).toEqual(stated);
    const paths = kept.flatMap(([, , row = ""]) =>
      [...row.matchAll(/`([\w/-]+(?:\.ts|\/))`/g)].map(([, path]) => path),
    );
    expect(paths.filter((path) => !existsSync(join(ROOT, "src/cqrs", `${path}`)))).toEqual([]);

    const citations = globSync("{src,proof}/**/*.ts", { cwd: ROOT }).flatMap((file) =>
      [...textOf(file).matchAll(/\brules? (\d)(?:(?: to | and |, )(\d))*/gi)].flatMap(([cited]) => cited.match(/\d/g)),
    );
    expect(new Set(citations)).toEqual(new Set(stated));
  });
});

describe("docs/clients.md", () => {
  const page = textOf("docs/clients.md");

  test("shows code that its tests run: what stands below the name of a file is that file", () => {
    const shown = [...page.matchAll(/^From \[([\w/.-]+)\][^:]*:\n\n((?: {4}.*\n|\n(?= {4}))+)/gm)];
    expect(shown.length).toBeGreaterThan(4);
    for (const [, file = "", block = ""] of shown) {
      // who copies it has the examples beside it
      const code = textOf(file).replaceAll(/"(?:\.\.\/)+examples\//g, '"./');
      expect(block.replaceAll(/^ {4}/gm, ""), file).toBe(code);
    }
    const [, updater = ""] = /^ {4}updater: \(store\) => \{\n([\s\S]*?)^ {4}\}/m.exec(page) ?? [];
    const lines = (text: string) =>
      text.split("\n").map((line) => line.trim().replace('list()?.__id ?? ""', "connectionId"));
    const tested = lines(textOf("test/clients/relay/relay.test.ts"));
    expect(lines(updater).length).toBeGreaterThan(4);
    expect(lines(updater).filter((line) => !tested.includes(line))).toEqual([]);
  });

  test("says of each code what it means for people", () => {
    const rows = [...page.matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \| .+ \| .+ \|$/gm)];
    const named = rows.flatMap(([, names = ""]) => [...names.matchAll(/[A-Z_]+/g)].map(([name]) => name));
    const [, values = ""] = /^enum ErrorCode \{$([\s\S]*?)^\}$/m.exec(textOf("schema.graphql")) ?? [];
    const codes = [...values.matchAll(/^ {2}([A-Z_]+)$/gm)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(20);
    expect(named.sort()).toEqual(codes.sort());
  });
});

describe("the settings", () => {
  /** The names of a table's first column, with what its second says of each. */
  const tableOf = (file: string) =>
    [...textOf(file).matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \| (.*?) \|/gm)].flatMap(([, names = "", values = ""]) => {
      const all = [...names.matchAll(/`([A-Z_]+)`/g)].map(([, name = ""]) => name);
      const each = all.length > 1 ? values.split(", ") : [values];
      return all.map((name, index) => [name, each[index]?.replaceAll("`", "")] as const);
    });

  const source = textOf("src/config.ts");
  const own = source.split(/^ {6}(?=[A-Z][A-Z_]+: )/m).slice(1);
  const inSource = own.map((text) => {
    const [, given] = /\.default\("?(.+?)"?\)/.exec(text.slice(0, text.search(/^ {4}\}\)/m))) ?? [];
    return [text.slice(0, text.indexOf(":")), given?.replaceAll("_", "")] as const;
  });
  const ofModules = modules
    .flatMap(({ settings }) => settings)
    .map(({ name, schema }) => [name, `${schema.safeParse(undefined).data}`] as const);
  const defaults = new Map([...inSource, ...ofModules]);

  test("are all in docs/settings.md, with their defaults", () => {
    const table = new Map(tableOf("docs/settings.md"));
    expect([...table.keys()].sort()).toEqual([...defaults.keys()].sort());
    for (const [name, value] of defaults) if (value !== undefined) expect(table.get(name), name).toBe(value);
  });

  test("that the README shows are among them", () => {
    const shown = tableOf("README.md");
    expect(shown.length).toBeGreaterThan(5);
    for (const [name, value] of shown) {
      expect([...defaults.keys()]).toContain(name);
      if (defaults.get(name) !== undefined) expect(value, name).toBe(defaults.get(name));
    }
  });
});

test("the requests of README.md and docs/requests.md are answered as they say, one after the other", async () => {
  const URL_SHOWN = "http://127.0.0.1:4000/graphql";
  const service = await startService();
  const shown = ["README.md", "docs/requests.md"].flatMap((file) => [
    ...textOf(file).matchAll(/^ {4}(curl [^\n]*(?:\n {6}[^\n]*)*)\n\n {4}(\{[^\n]*)$/gm),
  ]);
  expect(shown.length).toBeGreaterThan(10);
  expect(shown.length).toBe([...`${textOf("README.md")}${textOf("docs/requests.md")}`.matchAll(/\bcurl /g)].length);
  for (const [, command = "", answer] of shown) {
    const [, search = ""] = new RegExp(`${URL_SHOWN}(\\?[^']*)'$`).exec(command) ?? [];
    const [, type, body] = /-H 'content-type: ([^']+)' -d '([^']*)'$/.exec(command) ?? [];
    expect(command).toContain(URL_SHOWN);
    const init = body ? { method: "POST", headers: { "content-type": `${type}` }, body } : {};
    const response = await fetch(service.url + search, init);
    expect(await response.text(), command).toBe(answer);
  }
});
