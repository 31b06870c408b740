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
  // the schema lists them in one enum with those of refusals; which are which stands beside the service's parts
  const told: Codes = Object.assign({}, errorCodes, ...ofModules);
  const all = valuesOf(schema, "ErrorCode");
  return `# Errors

Made by \`npm run schema\`; do not edit. What to tell people, and what to do: [clients.md](clients.md#what-errors-mean-for-people).

## What a mutation refuses

An answer, not a failure: members of its result's union that implement \`Error\`. Nothing was changed.

${table(["type", "means", "fields", "refuses"], refusalsIn(schema))}
For programs each has a \`code\`:

${table(["code", "means"], rowsOf(all.filter(([name]) => !(name in told))))}
So has what is wrong with a field, in \`fieldErrors\`:

${table(["code", "means"], rowsOf(valuesOf(schema, "FieldErrorCode")))}
## Codes

In \`extensions.code\` of an entry of \`errors\`. With the status 200 the rest of the answer counts; to who accepts
\`application/graphql-response+json\` it is 400 instead when nothing was executed.

${table(["code", "status", "means"], codesOf(told))}`;
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

function codesOf(told: Codes): Row[] {
  return Object.entries(told)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { status, description }]) => [`\`${name}\``, status ?? "200", description]);
}

type Value = readonly [name: string, description: string];

function rowsOf(values: readonly Value[]): Row[] {
  return values.map(([name, description]) => [`\`${name}\``, description]);
}

/** The values of an enum and what each means, in the order of their names. */
function valuesOf(schema: GraphQLSchema, name: string): Value[] {
  const type = schema.getType(name);
  if (!isEnumType(type)) throw new Error(`the schema has no enum ${name}`);
  return type.getValues().map((value) => [value.name, value.description ?? ""]);
}

function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.join(" | ")} |`.replaceAll("|  |", "| |");
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}
