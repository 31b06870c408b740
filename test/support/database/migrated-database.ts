import { openBooks } from "./books.ts";
import { engine, newDatabase } from "./database.ts";
import { newPostgres, postgresTemplate } from "./postgres.ts";
import { sqlOn } from "./sql.ts";
import type { TestDatabase } from "./test-database.ts";

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
