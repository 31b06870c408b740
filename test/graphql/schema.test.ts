import { readFileSync } from "node:fs";
import { getIntrospectionQuery } from "graphql";
import { describe, expect, test } from "vitest";
import { printedSchema } from "../../src/print-schema.ts";
import { startService } from "../support/service/service.ts";

describe("schema.graphql", () => {
  test("is the printed schema; `npm run schema` makes it so", () => {
    const committed = readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8");
    expect(committed).toBe(printedSchema());
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
    expect(data.__schema.subscriptionType).toBeNull();
  });
});
