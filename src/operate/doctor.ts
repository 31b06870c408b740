import { openStores } from "../app.ts";
import { type Config, ConfigService } from "../config.ts";
import { requireMigrated } from "../cqrs/database/migrations-run.ts";
import { Examination } from "../cqrs/doctor/examination.ts";
import type { Findings } from "../cqrs/doctor/findings.ts";
import { migrationsOf } from "../module.ts";
import { modules } from "../modules.ts";
import { runCommand, UsageFault } from "./command-line.ts";
import { showHowFar } from "./doctor-progress.ts";
import { repairAll } from "./doctor-repair.ts";
import { asJson, linesOf } from "./doctor-report.ts";

const USAGE = `Usage: npm run doctor [-- --repair] [--force] [--json]

Compares all that is stored with what it must be, and names what differs: the table with the change log, the log with itself,
what searches and orders go by with the rows, the read model in Redis with the table, and what the database itself finds. It
changes nothing, and the service may run meanwhile. On SQLite it needs room for a copy of the file beside it, on PostgreSQL
some 200 bytes of memory for each different word. DATABASE_URL, REDIS_URL and the rest are read as by npm start.

  --repair  puts right what can be: what was changed in the table by hand becomes a change in the log, by "doctor"; the read
            model is rebuilt under another name; what is derived, and indexes, are made anew; then it looks again. The
            service may run meanwhile, but for the index of words on SQLite: it is left as it is while anything is
            connected to the file, since all commands would wait
  --force   with --repair: makes that index anew nevertheless
  --json    tells all of it as one JSON object
  --help    shows this text

Exit code: 0 when nothing differs (in the end), 1 when something does, or could not be looked at; 2 when it was called wrongly.`;

const FLAG = { type: "boolean" } as const;

await runCommand(USAGE, { repair: FLAG, force: FLAG, json: FLAG }, async ({ values, positionals }) => {
  if (positionals.length > 0) throw new UsageFault(["It takes no file (--help says more)."]);
  if (values.force && !values.repair) throw new UsageFault(["--force is for --repair (--help says more)."]);
  const config = ConfigService.load({ LOG_LEVEL: "silent", ...process.env }, modules);
  await requireMigrated(config.databaseUrl, migrationsOf(modules));
  const say = (line: string) => {
    if (!values.json) console.log(line);
  };
  const found = await examine(config);
  for (const line of found.flatMap(linesOf)) say(line);
  const repaired: string[] = [];
  let left = found;
  if (values.repair && countOf(found) > 0) {
    await repairAll(config, modules, found, values.force === true, (line) => {
      repaired.push(line);
      say(`repair: ${line}`);
    });
    left = await examine(config);
    for (const line of left.flatMap(linesOf)) say(line);
  }
  if (values.json) console.log(asJson(found, values.repair ? { repaired, left } : undefined));
  if (countOf(left) > 0) process.exitCode = 1;
});

async function examine(config: Config): Promise<readonly Findings[]> {
  const { orm, redis, close } = await openStores(config, modules);
  const progress = showHowFar(process.stderr);
  try {
    const examination = new Examination(orm, redis, progress.update);
    const found = [await examination.database(modules)];
    for (const module of modules) found.push(await examination.stream(module));
    return found;
  } finally {
    progress.end();
    await close();
  }
}

function countOf(found: readonly Findings[]): number {
  return found.reduce((sum, { count }) => sum + count, 0);
}
