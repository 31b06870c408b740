import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../src", import.meta.url));

const files = globSync("**/*.ts", { cwd: SRC }).map((file) => ({ file, text: readFileSync(join(SRC, file), "utf8") }));

/** Every import inside src, as `importer -> imported`, both relative to src. */
const imports = files.flatMap(({ file, text }) => {
  const specifiers = [
    ...text.matchAll(/^(?:import|export)\b[^;]*?from "(\.[^"]+)";/gms),
    ...text.matchAll(/\bimport\("(\.[^"]+)"\)/g),
    ...text.matchAll(/^import "(\.[^"]+)";/gm),
  ];
  return specifiers.map(([, specifier = ""]) => ({
    file,
    imported: relative(SRC, join(SRC, dirname(file), specifier)),
  }));
});

/** What the files of a folder import from outside the given ones. */
function beyond(folder: string, ...allowed: readonly string[]) {
  const isAllowed = (path: string) => [folder, ...allowed].some((prefix) => path.startsWith(prefix));
  return imports.filter(({ file, imported }) => file.startsWith(folder) && !isAllowed(imported));
}

function crossing(from: string, to: string) {
  return imports.filter(({ file, imported }) => file.startsWith(from) && imported.startsWith(to));
}

test("the imports are found", () => {
  expect(imports).toContainEqual({
    file: "books/commands/book-command-handler.ts",
    imported: "books/commands/book-commands.ts",
  });
  expect(imports).toContainEqual({ file: "graphql/schema.ts", imported: "graphql/scalars.ts" });
});

describe("the aggregate of books", () => {
  /** The list of the modules, and the program that imports books. */
  const MAY_IMPORT = ["modules.ts", "import.ts"];

  test("is imported by the list of modules and by the program that imports books alone", () => {
    const importing = imports.filter(
      ({ file, imported }) => !file.startsWith("books/") && imported.startsWith("books/"),
    );
    expect(new Set(importing.map(({ file }) => file))).toEqual(new Set(MAY_IMPORT));
    expect(crossing("modules.ts", "books/")).toEqual([{ file: "modules.ts", imported: "books/book-module.ts" }]);
  });

  test("is spoken of nowhere else, but for what the service is called", () => {
    const called = [
      'config.ts: .default("sqlite:./data/books.db"),',
      'cqrs/database/postgres/connection-url.ts: applicationName: value("application_name") ?? value("fallback_application_name") ?? "books-catalogue",',
      'cqrs/redis/redis-fault.ts: [/^NOPERM.*(key|channel)/, "the user needs the keys that begin with the prefix and {books"],',
      'http/graphiql.ts: title: "Books catalogue",',
    ];
    const lines = files
      .filter(({ file }) => !file.startsWith("books/") && !MAY_IMPORT.includes(file))
      .flatMap(({ file, text }) => text.split("\n").map((line) => `${file}: ${line.trim()}`));
    expect(lines.filter((line) => /book|isbn/i.test(line)).sort()).toEqual(called);
  });

  test("has two sides that know nothing of each other", () => {
    expect(crossing("books/commands/", "books/queries/")).toEqual([]);
    expect(crossing("books/queries/", "books/commands/")).toEqual([]);
  });
});

test("the kernel knows nothing of aggregates, of GraphQL or of the process", () => {
  expect(beyond("cqrs/")).toEqual([]);
});

describe("the kernel", () => {
  test("has a query side that knows nothing of the command side", () => {
    expect(crossing("cqrs/queries/", "cqrs/commands/")).toEqual([]);
  });

  test("has stores that know nothing of either side", () => {
    for (const store of ["cqrs/database/", "cqrs/redis/"]) {
      for (const side of ["cqrs/commands/", "cqrs/queries/"]) expect(crossing(store, side)).toEqual([]);
    }
    expect(crossing("cqrs/database/", "cqrs/redis/")).toEqual([]);
    expect(crossing("cqrs/redis/", "cqrs/database/")).toEqual([]);
  });
});

test("GraphQL knows the kernel and the settings of modules alone", () => {
  expect(beyond("graphql/", "cqrs/", "settings.ts")).toEqual([]);
});

test("HTTP knows the execution of requests alone", () => {
  expect(beyond("http/", "graphql/execution/")).toEqual([]);
});

test("only the composition roots construct the parts that hold something open", () => {
  const constructing = (parts: string) =>
    files.filter(({ text }) => new RegExp(`\\bnew (${parts})\\(`).test(text)).map(({ file }) => file);
  // OrmService hands out itself, bound to a transaction
  expect(constructing("OrmService|RedisService").sort()).toEqual(["app.ts", "cqrs/database/orm-service.ts"]);
  expect(constructing("Stream|StreamWriter|TableReads|Head|Reader|CommandQueue").sort()).toEqual([
    "cqrs/aggregate.ts",
    "reset.ts",
  ]);
  expect(constructing("BookReadModel|ReadModel")).toEqual([]);
  expect(constructing("BookCommandHandler|BookQueryHandler")).toEqual(["books/book-module.ts"]);
});
