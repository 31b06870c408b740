import { printSchema } from "graphql";
import { buildSchema } from "./schema.ts";

/** The schema as `schema.graphql` holds it. */
export function printedSchema(): string {
  return `${printSchema(buildSchema())}\n`;
}

if (import.meta.main) process.stdout.write(printedSchema());
