import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkoutWithFields, documentedField, optionalField } from "./support/checkout/added-field.ts";

function checkTypes(checkout: string): void {
  execFileSync(join(checkout, "node_modules/.bin/tsc"), { cwd: checkout, stdio: "pipe", encoding: "utf8" });
}

test("a checkout with the documented field and one more passes the type check, and its schema has them", () => {
  const checkout = checkoutWithFields(documentedField, optionalField);
  checkTypes(checkout);
  const printed = execFileSync(process.execPath, ["src/print-schema.ts"], { cwd: checkout, encoding: "utf8" });
  const lines = printed.split("\n").map((line) => line.trim());
  const before = readFileSync("schema.graphql", "utf8").split("\n");
  const added = lines.filter((line) => !before.some((other) => other.trim() === line));
  // descriptions stand beside them; the field of the object is spelt as that of the input is
  expect(added.filter((line) => !line.startsWith('"""'))).toEqual([
    ...["publisher: String", "edition: Int = 1"],
    ...["publisher: String", "edition: Int"],
    ...["publisher: String", "edition: Int!"],
  ]);
});

test("a field that has no line in the format fails the type check", () => {
  const { format, ...said } = documentedField;
  const checkout = checkoutWithFields({ ...said, format: [`// forgotten: ${format}`] });
  expect(() => checkTypes(checkout)).toThrow(
    expect.objectContaining({ stdout: expect.stringMatching(/^src\/books\/book-format\.ts.*[\s\S]*edition/) }),
  );
});
