import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { closeDatabase, openDatabase } from "./app.ts";
import { ConfigService } from "./config.ts";
import { isDatabaseInUse } from "./cqrs/database/engine-of.ts";
import { StartupError } from "./cqrs/errors.ts";
import { Stream } from "./cqrs/stream.ts";
import { modules } from "./modules.ts";

const USAGE = `Usage: npm run reset [-- --force]

Takes the read model out of force, for when its Redis is gone for good, and sets the lease to READ_LEASE_MS, even where
it was longer. What is stored and its history stay as they are. DATABASE_URL and READ_LEASE_MS are read as by npm start.

It is safe only while no process of the service runs, and refuses while anything is connected to the database.

  --force  does it nevertheless, for when you know that what is connected is no process of the service
  --help   shows this text`;

try {
  const { values } = parseArgs({ options: { force: { type: "boolean" }, help: { type: "boolean" } } });
  if (values.help) console.log(USAGE);
  else await reset(values.force === true);
} catch (error) {
  const lines = error instanceof StartupError ? error.lines : [(error as Error).message.replaceAll(/\s*\n\s*/g, " ")];
  for (const line of lines) console.error(line);
  process.exitCode = 1;
}
// what did not close in time is left
process.exit();

async function reset(force: boolean): Promise<void> {
  const { databaseUrl, readLeaseMs } = ConfigService.load(process.env, modules);
  if (!force && (await staysInUse(databaseUrl))) {
    throw new StartupError([
      "Something is connected to the database. Stop every process of the service first; " +
        "if it is none of them: npm run reset -- --force",
    ]);
  }
  const orm = await openDatabase(databaseUrl, modules);
  try {
    for (const { stream } of modules) {
      const { name, readModel, leaseMs } = await new Stream(orm, stream).reset(readLeaseMs);
      const model = readModel === null ? "had no read model" : `forgot the read model ${readModel}`;
      const lease =
        leaseMs === readLeaseMs
          ? `the lease stays at ${leaseMs} ms`
          : `the lease was ${leaseMs} ms and is ${readLeaseMs} ms`;
      console.log(`${name}: ${model}; ${lease}.`);
    }
  } finally {
    await closeDatabase(orm);
  }
}

/** Looks several times: a connection outlives the process that it belonged to by a moment. */
async function staysInUse(url: string): Promise<boolean> {
  for (let look = 0; look < 5; look++) {
    if (!(await isDatabaseInUse(url))) return false;
    await sleep(200);
  }
  return true;
}
