import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that npm does not bring, and the Debian package that holds it. */
export interface NeededProgram {
  readonly program: string;
  readonly debianPackage: string;
}

/** Finds the programs that `user` starts, and installs those that are missing where that can be done unasked. */
export function preparePrograms(needed: readonly NeededProgram[], user: string): void {
  const missing = () => needed.filter(({ program }) => !programPath(program));
  const packages = missing().map(({ debianPackage }) => debianPackage);
  if (packages.length === 0) return;
  if (process.getuid?.() === 0 && programPath("apt-get")) {
    console.log(`installing ${packages.join(" and ")} for ${user}`);
    install(packages);
  }
  const still = missing().map(({ program }) => program);
  if (still.length > 0) throw new Error(`${still.join(" and ")} must be on the PATH for ${user}; please install`);
}

function install(packages: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...packages]]) {
      execFileSync("apt-get", args, { env, stdio: ["ignore", "ignore", "pipe"] });
    }
  } catch (error) {
    // it also fails where the package is in place and only its service cannot be started, so the caller looks again
    console.error(String((error as { stderr?: Buffer }).stderr ?? error));
  }
}

/** The full path of a program on the PATH, or where Debian has servers, which is on root's alone. */
export function programPath(program: string): string | undefined {
  const directories = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return directories.map((directory) => join(directory, program)).find(existsSync);
}
