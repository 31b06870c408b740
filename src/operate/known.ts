import type { Known } from "../cqrs/database/backup.ts";
import { type Module, migrationsOf } from "../module.ts";

/** What is known of the database that is named so, without opening it. */
export function known(database: string, modules: readonly Module[]): Known {
  return {
    database,
    streams: modules.map(({ stream }) => stream),
    migrations: migrationsOf(modules),
  };
}
