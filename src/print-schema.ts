import { printSchema } from "graphql";
import { ConfigService } from "./config.ts";
import { errorReference } from "./graphql/error-reference.ts";
import { buildSchema } from "./graphql/schema.ts";
import { modules } from "./modules.ts";

const schema = () => buildSchema(modules, ConfigService.load({}, modules));

/** The schema as `schema.graphql` holds it. */
export function printedSchema(): string {
  return `${printSchema(schema())}\n`;
}

/** The errors as `docs/errors.md` holds them. */
export function printedErrors(): string {
  const codes = modules.map(({ errorCodes }) => errorCodes);
  return errorReference(schema(), codes);
}

if (import.meta.main) process.stdout.write(process.argv[2] === "errors" ? printedErrors() : printedSchema());
