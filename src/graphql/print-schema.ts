import { printSchema } from "graphql";
import { ConfigService } from "../config.ts";
import { buildSchema } from "./schema.ts";

/** The schema as `schema.graphql` holds it. */
export function printedSchema(): string {
  return `${printSchema(buildSchema(ConfigService.load({})))}\n`;
}

if (import.meta.main) process.stdout.write(printedSchema());
