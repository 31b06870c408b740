import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const INSTALL = "The tests need PostgreSQL 15 or newer (initdb and postgres). On Debian: apt-get install postgresql";

/** The folder that holds PostgreSQL's programs: that of TEST_POSTGRES_BIN, else the newest that is installed. */
export function findBinaries(): string | undefined {
  if (process.env.TEST_POSTGRES_BIN) return process.env.TEST_POSTGRES_BIN;
  return (process.env.PATH ?? "")
    .split(":")
    .concat(globSync("/usr/lib/postgresql/*/bin"))
    .findLast((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));
}

/** Installs PostgreSQL where that can be done unasked. */
export function install(): void {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) throw new Error(INSTALL);
  // the package would start a server of its own
  mkdirSync("/etc/postgresql-common", { recursive: true });
  writeFileSync("/etc/postgresql-common/createcluster.conf", "create_main_cluster = false\n");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  execFileSync("apt-get", ["update", "-qq"], { env, stdio: "ignore" });
  execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "postgresql"], { env, stdio: "ignore" });
  if (!findBinaries()) throw new Error(INSTALL);
}
