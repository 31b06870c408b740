import { closeDatabase, openDatabase } from "../app.ts";
import { ConfigService } from "../config.ts";
import { sqliteFileOf } from "../cqrs/database/engine-of.ts";
import { Derivation } from "../cqrs/derivation.ts";
import { checkDerived, rebuildWords } from "../cqrs/derived-check.ts";
import { modules } from "../modules.ts";
import { runCommand } from "./command-line.ts";
import { requireUnused } from "./require-unused.ts";

const USAGE = `Usage: npm run search-index [-- --rebuild]

Compares what searches and orders go by with the rows that it was made of, and the index of words with both, and names
what differs. It changes nothing, and the service may run meanwhile. On SQLite it needs room for a copy of the file beside
it, on PostgreSQL some 200 bytes of memory for each different word. DATABASE_URL is read as by npm start.

  --rebuild  makes the index of words anew first. On SQLite all commands wait for that, so it refuses while anything is
             connected to the file; on PostgreSQL the service may run.
  --force    with --rebuild: does it nevertheless
  --help     shows this text

Exit code: 0 when all agrees, 1 when something differs or it could not be found out.`;

/** Differences that are named; of others it is told how many there are. */
const MOST_NAMED = 100;

const FLAG = { type: "boolean" } as const;

await runCommand(USAGE, { rebuild: FLAG, force: FLAG }, async ({ values: { rebuild, force } }) => {
  const { databaseUrl } = ConfigService.load(process.env, modules);
  if (rebuild && !force && sqliteFileOf(databaseUrl) !== undefined) {
    await requireUnused(databaseUrl, "search-index -- --rebuild");
  }
  const orm = await openDatabase(databaseUrl, modules);
  try {
    for (const { stream } of modules) {
      if (rebuild) {
        if (await rebuildWords(orm, stream)) console.log(`${stream.name}: the index of words was made anew.`);
        await new Derivation(orm, stream).renew();
      }
      const { rows, stale, differences } = await checkDerived(orm, stream);
      for (const line of differences.slice(0, MOST_NAMED)) console.log(line);
      if (differences.length > MOST_NAMED) console.log(`and ${differences.length - MOST_NAMED} more`);
      if (differences.length > 0) process.exitCode = 1;
      const waiting = stale > 0 ? `; ${stale} that another version wrote will be made anew when they are read by` : "";
      console.log(`${stream.name}: ${rows} rows, ${differences.length} differences${waiting}.`);
    }
  } finally {
    await closeDatabase(orm);
  }
});
