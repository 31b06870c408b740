import { ConfigService } from "../config.ts";
import { type Revisions, readBackup, targetOf } from "../cqrs/database/backup.ts";
import { StartupError } from "../cqrs/errors.ts";
import { modules } from "../modules.ts";
import { onlyFile, runCommand } from "./command-line.ts";
import { known } from "./known.ts";
import { requireUnused } from "./require-unused.ts";

const USAGE = `Usage: npm run restore -- FILE [--replace] [--force]

Puts what npm run backup has saved in place of the database that DATABASE_URL names, in one step: whenever it ends, the
database is as it was or as the backup. It is safe only while no process of the service runs, and refuses while anything is
connected to the database. Redis may stay: what it holds is of another history, which processes notice when they start.

  --replace  does it though the database holds something, which is lost then
  --force    does it though something is connected, for when you know that it is no process of the service
  --help     shows this text`;

const OPTIONS = { replace: { type: "boolean" }, force: { type: "boolean" } } as const;

await runCommand(USAGE, OPTIONS, async ({ values, positionals }) => {
  const file = onlyFile("restore", positionals);
  const { databaseUrl } = ConfigService.load(process.env, modules);
  const database = known(databaseUrl, modules);
  const backup = await readBackup(database, file);
  if (!values.force) await requireUnused(databaseUrl, "restore -- FILE");
  const target = await targetOf(database);
  if (target.revisions && !values.replace) {
    throw new StartupError([
      `The database holds ${told(target.revisions)}, which would be lost. Back it up first, if it can be, and give --replace.`,
    ]);
  }
  await target.restore(file);
  console.log(`restored: ${told(backup.revisions)}`);
  console.log("A Redis needs nothing: the first process that starts finds that its read model is of another history.");
});

function told(revisions: Revisions): string {
  return [...revisions].map(([stream, revision]) => `${stream} at revision ${revision}`).join(", ");
}
