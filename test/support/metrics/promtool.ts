import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { programPath } from "../suite/programs.ts";

const KEPT = fileURLToPath(new URL("../../../node_modules/.promtool", import.meta.url));

/**
 * Runs Prometheus's tool for rules, and returns what it says.
 *
 * @throws Error with that, when it finds fault
 */
export function promtool(...args: readonly string[]): string {
  const program = programPath("promtool") ?? extracted();
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`promtool ${args.join(" ")}: ${stdout}${stderr}`);
  }
}

/** Debian's package brings a service with it, which is not to be started: of that package the one file is taken. */
function extracted(): string {
  const program = join(KEPT, "promtool");
  if (existsSync(program)) return program;
  if (!programPath("apt-get")) throw new Error("promtool must be on the PATH for the tests; please install");
  mkdirSync(KEPT, { recursive: true });
  const directory = mkdtempSync(join(KEPT, "download-"));
  const run = (...[command, ...args]: [string, ...string[]]) =>
    execFileSync(command, args, { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
  try {
    try {
      run("apt-get", "download", "prometheus");
    } catch {
      // a bare machine knows of no packages yet
      run("apt-get", "update");
      run("apt-get", "download", "prometheus");
    }
    const [archive = ""] = readdirSync(directory).filter((file) => file.endsWith(".deb"));
    run("sh", "-c", 'dpkg-deb --fsys-tarfile "$0" | tar -x ./usr/bin/promtool', archive);
    renameSync(join(directory, "usr/bin/promtool"), program);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return program;
}
