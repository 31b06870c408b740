import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { onFinished, temporaryDirectory } from "./cleanup.ts";
import { freePort } from "./port.ts";
import { databaseUser, findBinaries, readyServer } from "./postgres-setup.ts";

/** Starts a hot standby of the run's PostgreSQL server. It ends with the test. */
export async function startStandby(): Promise<string> {
  const bin = findBinaries() as string;
  const directory = temporaryDirectory();
  const user = databaseUser();
  if (user) chownSync(directory, user.uid, user.gid);
  const data = join(directory, "data");
  const source = ["-d", process.env.TEST_POSTGRES_URL as string];
  execFileSync(join(bin, "pg_basebackup"), [...source, "-D", data, "-R", "-c", "fast"], { ...user, cwd: directory });
  const port = await freePort();
  const server = spawn(
    join(bin, "postgres"),
    ["-D", data, "-p", `${port}`, "-k", directory, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"],
    { ...user, cwd: directory, stdio: ["ignore", "ignore", "pipe"] },
  );
  onFinished(async () => {
    if (server.exitCode !== null) return;
    server.kill("SIGINT");
    await once(server, "exit");
  });
  await readyServer(server);
  return `postgresql://postgres@127.0.0.1:${port}/postgres`;
}
