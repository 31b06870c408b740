import { closeDatabase, openDatabase } from "./app.ts";
import type { Config } from "./config.ts";
import { Derivation } from "./cqrs/derivation.ts";
import type { Module } from "./module.ts";

/**
 * Brings the database up to date and does nothing else: runs the migrations, and makes what is derived of the rows, so that
 * a start has neither to do.
 *
 * @returns what was done, a line each
 * @throws StartupError
 */
export async function migrateOnly(config: Config, modules: readonly Module[]): Promise<readonly string[]> {
  const orm = await openDatabase(config.databaseUrl, modules, config);
  try {
    const { ran, newer } = orm.migrated;
    const lines = ran.map((name) => `migrated: ${name}`);
    for (const name of newer) lines.push(`of a newer version: ${name}`);
    for (const { stream } of modules) {
      const rows = await new Derivation(orm, stream).renew();
      if (rows > 0) lines.push(`${stream.name}: what is derived of ${rows} rows was made anew`);
    }
    return lines.length > 0 ? lines : ["nothing to migrate"];
  } finally {
    await closeDatabase(orm);
  }
}
