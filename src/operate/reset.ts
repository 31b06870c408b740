import { closeDatabase, openDatabase } from "../app.ts";
import { ConfigService } from "../config.ts";
import { Stream } from "../cqrs/stream.ts";
import { modules } from "../modules.ts";
import { runCommand } from "./command-line.ts";
import { requireUnused } from "./require-unused.ts";

const USAGE = `Usage: npm run reset [-- --force]

Takes the read model out of force, for when its Redis is gone for good, and sets the lease to READ_LEASE_MS, even where
it was longer. What is stored and its history stay as they are. DATABASE_URL and READ_LEASE_MS are read as by npm start.

It is safe only while no process of the service runs, and refuses while anything is connected to the database.

  --force  does it nevertheless, for when you know that what is connected is no process of the service
  --help   shows this text`;

await runCommand(USAGE, { force: { type: "boolean" } } as const, async ({ values }) => {
  const config = ConfigService.load(process.env, modules);
  const { databaseUrl, readLeaseMs } = config;
  if (!values.force) await requireUnused(databaseUrl, "reset");
  const orm = await openDatabase(databaseUrl, modules, config);
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
});
