import { join } from "node:path";
import { databaseDirectory } from "../temporary-directory.ts";
import { openBooks } from "./books.ts";
import { newPostgres, postgresTemplate } from "./postgres.ts";
import { sqlOn } from "./sql.ts";
import { sqliteAt } from "./sqlite.ts";
import type { TestDatabase } from "./test-database.ts";

export type Engine = "sqlite" | "postgresql";

/** The engine that the run is for. */
export const engine: Engine = process.env.TEST_ENGINE === "postgresql" ? "postgresql" : "sqlite";

/** Makes an empty database that goes with the test. */
export async function newDatabase(on: Engine = engine): Promise<TestDatabase> {
  return on === "sqlite" ? sqliteAt(join(databaseDirectory(), "books.db")) : newPostgres();
}

let migrated: Promise<string> | undefined;

/** A new database in which the service finds its tables. To make those takes PostgreSQL as long as several tests. */
export async function migratedDatabase(): Promise<TestDatabase> {
  if (engine === "sqlite") return newDatabase();
  migrated ??= postgresTemplate(async (url) => {
    const { orm } = await openBooks(url);
    await orm.close();
  });
  const database = await newPostgres(await migrated);
  // as no two catalogues begin alike
  await sqlOn(database.url, "update stream set token = gen_random_uuid()::text");
  return database;
}
