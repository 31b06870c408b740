import type { Known } from "../cqrs/database/backup.ts";
import { kernelMigrations } from "../cqrs/database/migrations.ts";
import type { Module } from "../module.ts";

/** What is known of the database that is named so, without opening it. */
export function known(database: string, modules: readonly Module[]): Known {
  return {
    database,
    streams: modules.map(({ stream }) => stream),
    migrations: [...kernelMigrations, ...modules.flatMap(({ migrations }) => migrations)],
  };
}
