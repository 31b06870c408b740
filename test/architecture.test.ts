import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SRC = join(ROOT, "src");

const files = globSync("**/*.ts", { cwd: SRC }).map((file) => ({ file, text: readFileSync(join(SRC, file), "utf8") }));

interface Import {
  readonly file: string;
  readonly imported: string;
  /** Whether it is gone when types are stripped. */
  readonly typesOnly: boolean;
}

/** What the files import: packages by their names, files by their paths relative to src. */
const allImports: readonly Import[] = files.flatMap(({ file, text }) => {
  const specifiers = [
    ...text.matchAll(/^(?:import|export)\b([^;]*?)from "([^"]+)";/gms),
    ...text.matchAll(/\b(import)\("([^"]+)"\)/g),
    ...text.matchAll(/^(import) "([^"]+)";/gm),
  ];
  return specifiers.map(([, names = "", specifier = ""]) => ({
    file,
    imported: specifier.startsWith(".") ? relative(SRC, join(SRC, dirname(file), specifier)) : specifier,
    typesOnly:
      names.startsWith(" type ") ||
      names
        .replaceAll(/[{}]/g, "")
        .split(",")
        .every((name) => /^\s*(type\s|$)/.test(name)),
  }));
});

const imports = allImports.filter(({ imported }) => imported.endsWith(".ts"));

/** What the files of a folder import from outside the given ones. */
function beyond(folder: string, ...allowed: readonly string[]) {
  const isAllowed = (path: string) => [folder, ...allowed].some((prefix) => path.startsWith(prefix));
  return pathsOf(imports.filter(({ file, imported }) => file.startsWith(folder) && !isAllowed(imported)));
}

function crossing(from: string, to: string) {
  return pathsOf(imports.filter(({ file, imported }) => file.startsWith(from) && imported.startsWith(to)));
}

function pathsOf(found: readonly Import[]) {
  return found.map(({ file, imported }) => `${file} -> ${imported}`);
}

/** Those that lead back to themselves, each with all that are in its circle. */
function circles(arrows: readonly (readonly [from: string, to: string])[]): string[] {
  const next = Map.groupBy(arrows, ([from]) => from);
  const reached = (from: string, seen = new Set<string>()) => {
    for (const [, to] of next.get(from) ?? []) if (!seen.has(to) && seen.add(to)) reached(to, seen);
    return seen;
  };
  return [...next.keys()].filter((from) => reached(from).has(from)).sort();
}

test("the imports are found", () => {
  expect(imports).toContainEqual({
    file: "books/commands/book-command-handler.ts",
    imported: "books/commands/book-commands.ts",
    typesOnly: false,
  });
  expect(imports).toContainEqual({ file: "books/book-type.ts", imported: "books/book.ts", typesOnly: true });
  expect(
    circles([
      ["a", "b"],
      ["b", "c"],
      ["c", "b"],
    ]),
  ).toEqual(["b", "c"]);
});

test("the service needs nothing of its tests, proofs and benchmarks", () => {
  expect(pathsOf(imports.filter(({ imported }) => imported.startsWith("..")))).toEqual([]);
});

test("nothing needs files from outside the repository", () => {
  const texts = globSync("{src,test,proof,bench}/**/*.ts", { cwd: ROOT, exclude: ["**/node_modules/**"] });
  const outside = texts.flatMap((file) =>
    [...readFileSync(join(ROOT, file), "utf8").matchAll(/"((?:\.\.\/)+[^"$]*)"/g)]
      .map(([, path = ""]) => relative(ROOT, join(ROOT, dirname(file), path)))
      .filter((path) => path.startsWith(".."))
      .map((path) => `${file}: ${path}`),
  );
  expect(outside).toEqual([]);
});

test("no file needs what needs it in order to be loaded", () => {
  const needed = imports.filter(({ typesOnly }) => !typesOnly);
  expect(circles(needed.map(({ file, imported }) => [file, imported]))).toEqual([]);
});

test.each(["", "cqrs/", "cqrs/database/", "graphql/", "books/"])(
  "the folders side by side in src/%s know each other one way only",
  (parent) => {
    const folderOf = (path: string) => path.startsWith(parent) && /^([^/]+)\//.exec(path.slice(parent.length))?.[1];
    const arrows = imports.flatMap(({ file, imported }) => {
      const [from, to] = [folderOf(file), folderOf(imported)];
      return from && to && from !== to ? [[from, to] as const] : [];
    });
    expect(circles(arrows)).toEqual([]);
  },
);

describe("the aggregate of books", () => {
  /** The list of the modules, and the program that imports books. */
  const MAY_IMPORT = ["modules.ts", "import.ts"];

  test("is imported by the list of modules and by the program that imports books alone", () => {
    const importing = imports.filter(
      ({ file, imported }) => !file.startsWith("books/") && imported.startsWith("books/"),
    );
    expect(new Set(importing.map(({ file }) => file))).toEqual(new Set(MAY_IMPORT));
    expect(crossing("modules.ts", "books/")).toEqual(["modules.ts -> books/book-module.ts"]);
    expect(crossing("import.ts", "books/book-module.ts")).toEqual([]);
  });

  test("is spoken of nowhere else, but for what the service is called", () => {
    const called = [
      'config.ts: DATABASE_URL: checked((url) => databaseUrlFault(url, env)).default("sqlite:./data/books.db"),',
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

test("the programs alone know which modules there are", () => {
  const programs = [
    "import.ts",
    "main.ts",
    ...["backup", "doctor", "export", "reset", "restore", "token"].map((name) => `operate/${name}.ts`),
    "print-schema.ts",
  ];
  const knowing = imports.filter(({ imported }) => imported === "modules.ts").map(({ file }) => file);
  expect(knowing.sort()).toEqual(programs);
  expect(pathsOf(imports.filter(({ imported }) => programs.includes(imported)))).toEqual([]);
});

test.each([
  ["ioredis", /^cqrs\/redis\//],
  ["better-sqlite3|pg|@mikro-orm/(?:sqlite|postgresql)", /^cqrs\/database\//],
  ["@mikro-orm/core", /^(cqrs\/database|books)\//],
  ["kysely", /^cqrs\//],
  ["graphql", /^(graphql\/|print-schema\.ts$)/],
  ["@pothos/[a-z-]+", /^graphql\/[^/]+$/],
  ["graphql-yoga|graphql-jit", /^graphql\/execution\//],
  ["node:http|negotiator", /^http\//],
  ["@prometheus-io/client", /^metrics\//],
  ["@opentelemetry/[a-z-]+", /^tracing\//],
  ["node:diagnostics_channel", /^(cqrs|tracing)\/(tracing|following)\.ts$/],
  ["csv-[a-z/]+", /^(books\/import|operate)\//],
  ["jose", /^(auth\/|operate\/token\.ts$)/],
])("%s is used in its own room alone", (packages, room) => {
  const using = files.filter(({ text }) => new RegExp(`from "(?:${packages})"`).test(text)).map(({ file }) => file);
  expect(using).not.toEqual([]);
  expect(using.filter((file) => !room.test(file))).toEqual([]);
});

test("the threads load no package but their driver, since every process has them beside all else", () => {
  const needed = Map.groupBy(
    allImports.filter(({ typesOnly }) => !typesOnly),
    ({ file }) => file,
  );
  const database = "cqrs/database/sqlite";
  const loaded = new Set([`${database}/writer-thread.ts`, `${database}/reading-thread.ts`]);
  // what the one that writes is told to load
  for (const { file, text } of files) if (/^\s+module: import\.meta\.url,$/m.test(text)) loaded.add(file);
  expect([...loaded].slice(2)).not.toEqual([]);
  for (const file of loaded) for (const { imported } of needed.get(file) ?? []) loaded.add(imported);
  expect([...loaded].filter((path) => !/\.ts$|^node:/.test(path))).toEqual(["better-sqlite3"]);
});

describe("the parts that hold something open", () => {
  const constructing = (parts: string) =>
    files.filter(({ text }) => new RegExp(`\\bnew (?:${parts})\\b`).test(text)).map(({ file }) => file);
  const ROOTS = ["app.ts", "cqrs/aggregate.ts"];

  test("are constructed by the composition roots, or by the one part that owns them", () => {
    const classes = files.flatMap(({ file, text }) =>
      [...text.matchAll(/^export class (\w+)[^{]*\{.*?^\}/gms)]
        .filter(([body]) => /^ {2}(?:async )?(?:close|stop|destroy|\[Symbol\.asyncDispose\])\(/m.test(body))
        .map(([, name = ""]) => ({ file, name })),
    );
    expect(classes.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["OrmService", "HttpServer", "LiveChanges"]),
    );
    for (const { file, name } of classes) {
      const owners = constructing(name).filter((owner) => !ROOTS.includes(owner));
      expect(owners.length, name).toBeLessThanOrEqual(1);
      for (const owner of owners) expect(dirname(owner), `${owner} constructs ${name}`).toBe(dirname(file));
    }
  });

  test("are each constructed in the place where one looks for it", () => {
    // OrmService hands out itself, bound to a transaction
    expect(constructing("OrmService|RedisService").sort()).toEqual(["app.ts", "cqrs/database/orm-service.ts"]);
    expect(constructing("HttpServer|Graphql|DatabaseReadiness")).toEqual(["app.ts"]);
    expect(constructing("StreamWriter|TableReads|Head|Reader|CommandQueue|readModelClass")).toEqual([
      "cqrs/aggregate.ts",
    ]);
    expect(constructing("Stream").sort()).toEqual([
      "cqrs/aggregate.ts",
      "cqrs/doctor/table-and-log.ts",
      "operate/export.ts",
      "operate/reset.ts",
    ]);
    expect(constructing("BookReadModel|ReadModel")).toEqual([]);
    expect(constructing("BookCommandHandler|BookQueryHandler")).toEqual(["books/book-module.ts"]);
  });
});
