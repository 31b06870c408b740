import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { type Environment, spawnProgram } from "../service/program.ts";

/** How an import ended. `counts` are the numbers of its summary by their labels; empty when it printed none. */
export interface ImportResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** An import in a process of its own, started as `npm run import` does. It ends with the test. */
export interface ImportProcess {
  readonly child: ChildProcess;
  /** What it has written to standard error so far. */
  readonly stderr: () => string;
  readonly ended: Promise<ImportResult>;
}

export function startImport(env: Environment, ...args: string[]): ImportProcess {
  const { child, stdout, stderr } = spawnProgram("src/import.ts", args, env);
  const closed = once(child, "close");
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await closed;
  });
  const ended = closed.then(() => ({
    code: child.exitCode,
    stdout: stdout(),
    stderr: stderr(),
    counts: parseCounts(stdout()),
  }));
  return { child, stderr, ended };
}

/** Runs an import to its end. */
export function runImport(env: Environment, ...args: string[]): Promise<ImportResult> {
  return startImport(env, ...args).ended;
}

/** What an import made of the rows, without how long it took. */
export function outcome({ code, counts }: ImportResult): Record<string, number | null | undefined> {
  const { "rows read": read, added, unchanged, rejected } = counts;
  return { code, read, added, unchanged, rejected };
}

function parseCounts(stdout: string): Record<string, number> {
  return Object.fromEntries(
    [...stdout.matchAll(/^(.+?): ([\d.]+)/gm)].map(([, label, count]) => [label, Number(count)]),
  );
}
