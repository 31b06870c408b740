import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { freePort } from "./port.ts";

const INSTALL = "The tests need PostgreSQL 15 or newer (initdb and postgres). On Debian: apt-get install postgresql";

/** Starts a PostgreSQL server for the run; tests make databases of their own in it. Names it in TEST_POSTGRES_URL. */
export default async function startPostgres(): Promise<() => Promise<void>> {
  const bin = findBinaries() ?? install();
  const directory = mkdtempSync(join(tmpdir(), "books-postgres-"));
  const user = databaseUser();
  if (user) chownSync(directory, user.uid, user.gid);
  const data = join(directory, "data");
  execFileSync(
    join(bin, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
    {
      ...user,
      cwd: directory,
      stdio: "ignore",
    },
  );
  const port = await freePort();
  const options = ["-D", data, "-p", `${port}`, "-k", directory, "-c", "listen_addresses=127.0.0.1"];
  const server = spawn(join(bin, "postgres"), [...options, "-c", "max_connections=300"], {
    ...user,
    cwd: directory,
    stdio: ["ignore", "ignore", "pipe"],
  });
  await readyServer(server);
  process.env.TEST_POSTGRES_URL = `postgresql://postgres@127.0.0.1:${port}`;
  return async () => {
    server.kill("SIGINT");
    await once(server, "exit");
    rmSync(directory, { recursive: true, force: true });
  };
}

/** Waits until a server that is starting accepts connections. */
export async function readyServer(server: ChildProcessByStdio<null, null, Readable>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (chunk) => {
      log += chunk;
      if (/ready to accept (read-only )?connections/.test(log)) resolve();
    });
    server.once("exit", () => reject(new Error(`PostgreSQL did not start: ${log}`)));
  });
}

/** The folder that holds PostgreSQL's programs. */
export function findBinaries(): string | undefined {
  return (process.env.PATH ?? "")
    .split(":")
    .concat(globSync("/usr/lib/postgresql/*/bin"))
    .findLast((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));
}

function install(): string {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) throw new Error(INSTALL);
  // the package would start a server of its own
  mkdirSync("/etc/postgresql-common", { recursive: true });
  writeFileSync("/etc/postgresql-common/createcluster.conf", "create_main_cluster = false\n");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  execFileSync("apt-get", ["update", "-qq"], { env, stdio: "ignore" });
  execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "postgresql"], { env, stdio: "ignore" });
  const bin = findBinaries();
  if (!bin) throw new Error(INSTALL);
  return bin;
}

/** PostgreSQL refuses to run as root; it then runs as the user that its package made. */
export function databaseUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
