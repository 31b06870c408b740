import {
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInterfaceType,
  isUnionType,
} from "graphql";
import { type ErrorCode, errorCodes } from "./error-codes.ts";

type Codes = Readonly<Record<string, ErrorCode>>;

/** All that may go wrong, for people, as Markdown; `ofModules` are the codes that are theirs. */
export function errorReference(schema: GraphQLSchema, ofModules: readonly Codes[]): string {
  return `# Errors

Made by \`npm run schema\`; do not edit.

## What a mutation refuses

An answer, not a failure: members of its result's union that implement \`Error\`. Nothing was changed.

${table(["type", "means", "fields", "refuses"], refusalsIn(schema))}
## Codes

In \`extensions.code\` of an entry of \`errors\`. With the status 200 the rest of the answer counts; to who accepts
\`application/graphql-response+json\` it is 400 instead when nothing was executed.

${table(["code", "status", "means"], codesOf(schema, ofModules))}`;
}

type Row = readonly string[];

function refusalsIn(schema: GraphQLSchema): Row[] {
  const error = schema.getType("Error");
  if (!isInterfaceType(error)) throw new Error("the schema has no interface Error");
  return schema.getPossibleTypes(error).map((type) => [
    `\`${type.name}\``,
    type.description ?? "",
    Object.keys(type.getFields())
      .map((name) => `\`${name}\``)
      .join(", "),
    mutationsRefusedWith(schema, type)
      .map((name) => `\`${name}\``)
      .join(", "),
  ]);
}

function mutationsRefusedWith(schema: GraphQLSchema, refusal: GraphQLObjectType): string[] {
  return Object.values(schema.getMutationType()?.getFields() ?? {})
    .filter(({ type }) => {
      const result = getNamedType(type);
      return isUnionType(result) && result.getTypes().includes(refusal);
    })
    .map(({ name }) => name);
}

/** Those of the schema's own list, once it has one; what is told of them stands beside the service's parts. */
function codesOf(schema: GraphQLSchema, ofModules: readonly Codes[]): Row[] {
  const told: Codes = Object.assign({}, errorCodes, ...ofModules);
  const listed = schema.getType("ErrorCode");
  const descriptions = isEnumType(listed)
    ? listed.getValues().map(({ name, description }) => [name, description ?? ""] as const)
    : Object.entries(told).map(([name, { description }]) => [name, description] as const);
  return [...descriptions]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, description]) => [`\`${name}\``, told[name]?.status ?? "200", description]);
}

function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.join(" | ")} |`.replaceAll("|  |", "| |");
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}
