import { printSchema } from "graphql";
import { ConfigService } from "./config.ts";
import { buildSchema } from "./graphql/schema.ts";
import { modules } from "./modules.ts";

/** The schema as `schema.graphql` holds it. */
export function printedSchema(): string {
  return `${printSchema(buildSchema(modules, ConfigService.load({}, modules)))}\n`;
}

if (import.meta.main) process.stdout.write(printedSchema());
