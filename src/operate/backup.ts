import { ConfigService } from "../config.ts";
import { backUp } from "../cqrs/database/backup.ts";
import { modules } from "../modules.ts";
import { onlyFile, runCommand } from "./command-line.ts";
import { known } from "./known.ts";
import { makeWholeFile } from "./whole-file.ts";

const USAGE = `Usage: npm run backup -- FILE

Copies the database as it is at one moment into a file that does not exist yet, while the service runs on. Of SQLite it is a
database file again, of PostgreSQL what pg_dump makes (--format=custom), which must be installed. npm run restore takes
either back. Redis needs no backup. DATABASE_URL is read as by npm start.

  --help  shows this text`;

await runCommand(USAGE, {}, async ({ positionals }) => {
  const file = onlyFile("backup", positionals);
  const { databaseUrl } = ConfigService.load(process.env, modules);
  const { bytes, revisions } = await makeWholeFile(file, (partial) => backUp(known(databaseUrl, modules), partial));
  for (const [stream, revision] of revisions) console.log(`${stream}: revision ${revision}`);
  console.log(`${file}: ${bytes} bytes`);
});
