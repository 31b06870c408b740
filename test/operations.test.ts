import { existsSync, readFileSync } from "node:fs";
import { buildSchema, parse, validate } from "graphql";
import { describe, expect, test } from "vitest";
import { errorCodes } from "../src/graphql/error-codes.ts";
import { modules } from "../src/modules.ts";
import { SchemaCoverage, type SentOperation } from "./support/suite/schema-coverage.ts";

const schema = buildSchema(readFileSync(new URL("../schema.graphql", import.meta.url), "utf8"));
const record = process.env.OPERATIONS_RECORD ?? "";

/** Values of an enum that operations cannot select: codes of errors, which are told beside the data. */
const isNeverAnswered = new Set([
  ...[errorCodes, ...modules.map((module) => module.errorCodes)].flatMap((codes) =>
    Object.keys(codes).map((code) => `ErrorCode.${code}`),
  ),
]);

// vitest.config.ts runs this file after all others; on its own it has nothing to look at
describe.skipIf(!existsSync(record))("the operations that the whole suite sends", () => {
  const sent: SentOperation[] = [];
  if (existsSync(record)) {
    for (const line of readFileSync(record, "utf8").trimEnd().split("\n")) sent.push(JSON.parse(line));
  }

  const faults = new Map<string, readonly string[]>();
  for (const { query } of sent) if (!faults.has(query)) faults.set(query, faultsOf(query));

  test("are valid in schema.graphql; `sendInvalid` is for those that are not meant to be", () => {
    expect([...faults].filter(([, found]) => found.length > 0)).toEqual([]);
  });

  test("exercise every field, argument, enum value and union member", () => {
    const coverage = new SchemaCoverage(schema);
    for (const operation of sent) {
      if (coverage.unexercised.length === 0) break;
      if (faults.get(operation.query)?.length === 0) coverage.note(operation);
    }
    const unexercised = coverage.unexercised.filter((part) => !isNeverAnswered.has(part));
    expect(unexercised.join(", "), "not exercised, if this was the whole suite").toBe("");
  });
});

/** Why the document cannot be executed. */
function faultsOf(query: string): readonly string[] {
  try {
    return validate(schema, parse(query)).map(({ message }) => message);
  } catch (error) {
    return [(error as Error).message];
  }
}

describe("the coverage of a schema", () => {
  test("misses what no operation exercises, and nothing else", () => {
    const coverage = new SchemaCoverage(
      buildSchema(`
        type Query { find(by: Filter, order: Order = UP, ids: [ID!]): [Found!]! plain: Int }
        input Filter { name: String, not: [Filter!] }
        enum Order { UP DOWN }
        interface Named { name: String }
        type Cat implements Named { name: String, mood: Mood }
        type Dog implements Named { name: String }
        enum Mood { GOOD BAD }
        union Found = Cat | Dog
      `),
    );
    const all = coverage.unexercised;
    coverage.note({
      query: `query ($by: Filter, $ids: [ID!], $order: Order = DOWN) { a: find(by: $by, ids: $ids, order: $order) { __typename ...F } }
        fragment F on Found { ... on Cat { mood } ... on Named { name } }`,
      variables: { by: { not: [{ name: "x" }] } },
      data: { a: [{ __typename: "Cat", mood: "GOOD" }] },
    });
    expect(coverage.unexercised).toEqual([
      "Query.find(ids:)",
      "Query.plain",
      "Order.UP",
      "Cat.name",
      "Dog.name",
      "Mood.BAD",
      "Found = Dog",
    ]);
    expect(all).toEqual(expect.arrayContaining([...coverage.unexercised, "Filter.not", "Named.name", "Found = Cat"]));
    coverage.note({ query: "{ plain find(order: UP, ids: 1) { ... on Cat { name } ... on Dog { name } } }" });
    expect(coverage.unexercised).toEqual(["Mood.BAD", "Found = Dog"]);
  });
});
