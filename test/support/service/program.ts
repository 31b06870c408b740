import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { inherited } from "./environment.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a program has of this environment: its packages too, as the run has bundled them. That halves what a start takes. */
export const programEnvironment: Environment = {
  ...inherited,
  ...(process.env.BUNDLED_PACKAGES && {
    BUNDLED_PACKAGES: process.env.BUNDLED_PACKAGES,
    NODE_OPTIONS: `--import=${new URL("./use-bundled-packages.ts", import.meta.url)}`,
  }),
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
    env: { ...programEnvironment, ...env },
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
