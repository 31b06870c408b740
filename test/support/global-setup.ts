import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What the suite starts that npm does not bring: the program, and the Debian package that holds it. */
const NEEDED = [
  { program: "redis-server", debianPackage: "redis-server" },
  { program: "chromium", debianPackage: "chromium" },
  { program: "openssl", debianPackage: "openssl" },
];

/** Finds the programs that the tests start, and installs those that are missing where that can be done unasked. */
export default function preparePrograms(): void {
  const packages = missing().map(({ debianPackage }) => debianPackage);
  if (packages.length === 0) return;
  if (process.getuid?.() === 0 && programPath("apt-get")) {
    console.log(`installing ${packages.join(" and ")} for the tests`);
    install(packages);
  }
  const still = missing().map(({ program }) => program);
  if (still.length > 0) throw new Error(`the tests need ${still.join(" and ")} on the PATH; please install`);
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

function missing() {
  return NEEDED.filter(({ program }) => !programPath(program));
}

/** The full path of a program on the PATH. */
export function programPath(program: string): string | undefined {
  const directories = (process.env.PATH ?? "").split(delimiter);
  return directories.map((directory) => join(directory, program)).find(existsSync);
}
