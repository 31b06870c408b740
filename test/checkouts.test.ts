import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema, type GraphQLSchema } from "graphql";
import { expect, test } from "vitest";
import { printedSchema } from "../src/print-schema.ts";
import { addFields, documentedField, optionalField } from "./support/checkout/added-field.ts";
import { checkoutWithFilms, filmsFor } from "./support/checkout/copied-aggregate.ts";
import { edit } from "./support/checkout/copied-checkout.ts";

/** Checks the service, and what has changed since the last time: everything takes it as long as a hundred other tests. */
function checkTypes(checkout: string): void {
  writeFileSync(join(checkout, "service.json"), '{ "extends": "./tsconfig.json", "include": ["src"] }');
  const options = ["-p", "service.json", "--singleThreaded", "--incremental", "--tsBuildInfoFile", "checked.json"];
  execFileSync(join(checkout, "node_modules/.bin/tsc"), options, { cwd: checkout, stdio: "pipe", encoding: "utf8" });
}

function namesIn(schema: GraphQLSchema): string[] {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith("__"));
  return types.flatMap((type) => [
    type.name,
    ...("getFields" in type ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`) : []),
  ]);
}

test("a checkout with films, a documented field and one more passes the type check, and its schema has them", () => {
  const checkout = checkoutWithFilms();
  addFields(checkout, documentedField, optionalField);
  checkTypes(checkout);

  const printed = execFileSync(process.execPath, ["src/print-schema.ts"], { cwd: checkout, encoding: "utf8" });
  const ofBooks = printedSchema();
  const names = namesIn(buildSchema(ofBooks));
  const added = ["AddBookInput", "Book", "UpdateBookInput"].flatMap((type) => [`${type}.edition`, `${type}.publisher`]);
  const expected = new Set([...names, ...names.map(filmsFor), ...added]);
  expect(namesIn(buildSchema(printed)).sort()).toEqual([...expected].sort());

  const lines = printed.split("\n").map((line) => line.trim());
  expect(lines.filter((line) => /^(publisher|edition): /.test(line))).toEqual([
    ...["publisher: String", "edition: Int = 1"],
    ...["publisher: String", "edition: Int"],
    ...["publisher: String", "edition: Int!"],
  ]);

  // a field that has no line in the format
  const [line = ""] = documentedField.format;
  edit(checkout, "src/books/book-format.ts", (text) => text.replace(line, `// forgotten: ${line}`));
  expect(() => checkTypes(checkout)).toThrow(
    expect.objectContaining({ stdout: expect.stringMatching(/^src\/books\/book-format\.ts.*[\s\S]*edition/) }),
  );
});
