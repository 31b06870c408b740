import { onTestFinished } from "vitest";
import { createApp } from "../../../src/app.ts";
import { ConfigService } from "../../../src/config.ts";
import { Graphql } from "../../../src/graphql/execution/graphql.ts";
import { buildSchema } from "../../../src/graphql/schema.ts";
import { modules } from "../../../src/modules.ts";
import { newDatabase } from "../database/database.ts";

/** What answers GraphQL requests, without its HTTP side. It ends with the test. */
export async function openGraphql(env: Record<string, string> = {}): Promise<Graphql> {
  const { url: DATABASE_URL } = await newDatabase();
  const config = ConfigService.load({ LOG_LEVEL: "silent", DATABASE_URL, ...env }, modules);
  const app = await createApp(config, modules);
  onTestFinished(() => app.close());
  return new Graphql(buildSchema(modules, config), app.handlers, ["books"], config.graphqlLimits, app.log);
}
