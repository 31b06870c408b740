import { join } from "node:path";
import { temporaryDirectory } from "../temporary-directory.ts";
import { newPostgres } from "./postgres.ts";
import { sqliteAt } from "./sqlite.ts";
import type { TestDatabase } from "./test-database.ts";

export type Engine = "sqlite" | "postgresql";

/** The engine that the run is for. */
export const engine: Engine = process.env.TEST_ENGINE === "postgresql" ? "postgresql" : "sqlite";

/** Makes an empty database that goes with the test. */
export async function newDatabase(on: Engine = engine): Promise<TestDatabase> {
  return on === "sqlite" ? sqliteAt(join(temporaryDirectory(), "books.db")) : newPostgres();
}
