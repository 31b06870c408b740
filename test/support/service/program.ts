import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { inherited } from "./environment.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A process finds its packages in what the run has bundled, if it has: that halves what a start takes. */
const bundled = process.env.BUNDLED_PACKAGES && {
  BUNDLED_PACKAGES: process.env.BUNDLED_PACKAGES,
  NODE_OPTIONS: `--import=${new URL("./use-bundled-packages.ts", import.meta.url)}`,
};

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A program of the project that is running, and what it has written so far. */
export interface Program {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** Starts `entry` as its npm script does, or by the command `through`, which is to end in running it. */
export function spawnProgram(
  entry: string,
  args: readonly string[],
  env: Environment,
  through: readonly string[] = [],
): Program {
  const [command, ...rest] = [...through, process.execPath, entry, ...args];
  const child = spawn(command as string, rest, {
    cwd: ROOT,
    env: { ...inherited, ...bundled, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  return { child, stdout: () => stdout, stderr: () => stderr };
}
