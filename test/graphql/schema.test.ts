import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getIntrospectionQuery } from "graphql";
import { describe, expect, test } from "vitest";
import { undeclaredBreakingChanges } from "../../src/graphql/breaking-changes.ts";
import { printedErrors, printedSchema } from "../../src/print-schema.ts";
import { startService } from "../support/service/service.ts";

describe("schema.graphql", () => {
  test("is the printed schema; `npm run schema` makes it so", () => {
    const committed = readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8");
    expect(committed).toBe(printedSchema());
  });
});

describe("docs/errors.md", () => {
  const committed = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");

  test("is what the schema and the service have; `npm run schema` makes it so", () => {
    expect(committed).toBe(printedErrors());
  });

  test("has every code that is told anywhere, and no other", () => {
    const src = fileURLToPath(new URL("../../src", import.meta.url));
    const told = globSync("{auth,books,cqrs,graphql,http}/**/*.ts", { cwd: src, exclude: ["**/error-codes.ts"] })
      .flatMap((file) => [
        ...readFileSync(join(src, file), "utf8").matchAll(
          /"([A-Z]+(?:_[A-Z]+)+)"|(?:ServiceError\(|code: )"([A-Z]+)"/g,
        ),
      ])
      .map(([, long, short]) => long ?? short)
      .filter((code = "") => !/^(ALLOW|AUTH|MAX|SQLITE|SQL|PG\w+|ERR|CSV|WRITER)_/.test(code));
    const listed = [...committed.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    // this one is Yoga's own
    expect(listed.sort()).toEqual([...new Set([...told, "OPERATION_RESOLUTION_FAILURE"])].sort());
  });
});

describe("a change of the schema", () => {
  const released =
    "type Query { book(title: String): Book } type Book { title: String! isbn: String } enum Sort { TITLE }";
  const changelog = (unreleased: string) =>
    `# Changelog\n\n## Unreleased\n${unreleased}\n## 1.0.0\n\nBook.isbn was removed.\n`;

  test("that breaks no client needs no word", () => {
    const current = released.replace("isbn", "pages: Int isbn").replace("TITLE", "TITLE AUTHOR");
    expect(undeclaredBreakingChanges(released, current, changelog(""))).toEqual([]);
  });

  test("that breaks clients is found, until the changelog declares it as not released yet", () => {
    const breaking: [current: string, change: string][] = [
      [released.replace("isbn: String", ""), "Field Book.isbn was removed."],
      [released.replace("title: String!", "title: String"), "Field Book.title changed type from String! to String."],
      [
        released.replace("(title: String)", "(title: String, id: ID!)"),
        "A required argument Query.book(id:) was added.",
      ],
      [released.replace("TITLE", "AUTHOR"), "Enum value Sort.TITLE was removed."],
    ];
    for (const [current, change] of breaking) {
      for (const unreleased of ["", `- **Breaking**: ${change.slice(0, -5)}`]) {
        expect(undeclaredBreakingChanges(released, current, changelog(unreleased)), change).toEqual([change]);
      }
      expect(undeclaredBreakingChanges(released, current, `## Unreleased\n- ${change}`)).toEqual([]);
      const set = change.replace(" ", "\n  ").replace(/(\w+\.\w+)/, "`$1`");
      expect(undeclaredBreakingChanges(released, current, changelog(`- **Breaking**: ${set}`)), set).toEqual([]);
    }
  });
});

interface Described {
  readonly name: string;
  readonly description: string | null;
}

interface IntrospectedType extends Described {
  readonly kind: string;
  readonly fields: readonly (Described & { readonly args: readonly Described[] })[] | null;
  readonly inputFields: readonly Described[] | null;
  readonly enumValues: readonly Described[] | null;
}

describe("introspection", () => {
  test("describes every type, field, argument and enum value", async () => {
    const service = await startService();
    const { data } = await service.ask(getIntrospectionQuery());
    // what begins with __ is GraphQL's own
    const types: IntrospectedType[] = data.__schema.types.filter(({ name }: Described) => !name.startsWith("__"));
    const undescribed: string[] = [];
    for (const type of types) {
      const parts: Described[] = [type, ...(type.inputFields ?? []), ...(type.enumValues ?? [])];
      for (const field of type.fields ?? []) parts.push(field, ...field.args);
      undescribed.push(
        ...parts.filter(({ description }) => !description?.trim()).map(({ name }) => `${type.name} ${name}`),
      );
    }
    expect(undescribed).toEqual([]);
    expect(types.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["Book", "BookEditForm", "AddBookResult", "Error", "Node", "Date", "JSON"]),
    );
    expect(data.__schema.subscriptionType).toEqual({ kind: "OBJECT", name: "Subscription" });
  });
});
