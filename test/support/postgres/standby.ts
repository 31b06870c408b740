import { join } from "node:path";
import { endWithTest } from "../cleanup.ts";
import { freePort } from "../network/port.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import { findBinaries } from "./programs.ts";
import { readyServer, runAsServer, spawnServer } from "./server.ts";

/** Starts a hot standby of the run's PostgreSQL server. It ends with the test. */
export async function startStandby(): Promise<string> {
  const directory = temporaryDirectory();
  const data = join(directory, "data");
  const source = ["-d", process.env.TEST_POSTGRES_URL as string];
  const backUp = join(findBinaries() as string, "pg_basebackup");
  runAsServer(directory, backUp, ...source, "-D", data, "-R", "-c", "fast");
  const port = await freePort();
  const server = spawnServer(data, port, "max_connections=300");
  endWithTest(server, "SIGINT");
  await readyServer(server);
  return `postgresql://postgres@127.0.0.1:${port}/postgres`;
}
