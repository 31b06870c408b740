import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../src", import.meta.url));

/** Every import inside src, as `importer -> imported`, both relative to src. */
const imports = globSync("**/*.ts", { cwd: SRC }).flatMap((file) =>
  [...readFileSync(join(SRC, file), "utf8").matchAll(/^(?:import|export)\b[^;]*?from "(\.[^"]+)";/gms)].map(
    ([, specifier = ""]) => ({ file, imported: relative(SRC, join(SRC, dirname(file), specifier)) }),
  ),
);

function from(folder: string) {
  return imports.filter(({ file }) => file.startsWith(folder));
}

test("the imports are found", () => {
  expect(imports).toContainEqual({
    file: "books/commands/book-command-handler.ts",
    imported: "books/queries/book-read-model.ts",
  });
});

test("the kernel knows nothing of books, of GraphQL or of the process", () => {
  expect(from("cqrs/").filter(({ imported }) => !imported.startsWith("cqrs/"))).toEqual([]);
});

test("the read model is the only way from commands to queries", () => {
  const crossing = from("books/commands/").filter(({ imported }) => imported.startsWith("books/queries/"));
  expect(new Set(crossing.map(({ imported }) => imported))).toEqual(new Set(["books/queries/book-read-model.ts"]));
});

test("queries know nothing of commands", () => {
  expect(from("books/queries/").filter(({ imported }) => imported.startsWith("books/commands/"))).toEqual([]);
});

test("only the composition root constructs the stores", () => {
  const constructing = globSync("**/*.ts", { cwd: SRC }).filter((file) =>
    /new (OrmService|RedisService|Stream|Head|BookReadModel|Reader|BookCommandHandler|BookQueryHandler)\(/.test(
      readFileSync(join(SRC, file), "utf8"),
    ),
  );
  // OrmService hands out itself, bound to a transaction
  expect(constructing.sort()).toEqual(["app.ts", "cqrs/orm-service.ts"]);
});
