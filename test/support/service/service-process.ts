import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { endWithTest } from "../cleanup.ts";
import { eventually } from "../wait.ts";
import { GraphqlClient } from "./graphql-client.ts";
import { type Environment, type Program, spawnProgram } from "./program.ts";

/** A service in a process of its own, started as `npm start` does. */
export class ServiceProcess extends GraphqlClient {
  readonly child: ChildProcess;
  readonly #run: Program;

  constructor(url: string, run: Program) {
    super(url);
    this.child = run.child;
    this.#run = run;
  }

  /** What it has written to standard error so far. */
  get log(): string {
    return this.#run.stderr();
  }

  /** What it has written to standard output so far. */
  get stdout(): string {
    return this.#run.stdout();
  }

  /** Sends the signal and returns the exit code. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exited = once(this.child, "exit");
    this.child.kill("SIGCONT");
    this.child.kill(signal);
    await exited;
    return this.child.exitCode;
  }
}

/**
 * Starts a process and waits for its ready line. It ends with the test. `entry` may be that of another version;
 * `through` is a command that ends in running it.
 */
export async function startProcess(
  env: Environment,
  entry = "src/main.ts",
  through: readonly string[] = [],
): Promise<ServiceProcess> {
  const run = spawnProgram(entry, [], { PORT: "0", ...env }, through);
  endWithTest(run.child, "SIGKILL");
  const ready = () => {
    if (run.child.exitCode !== null) throw new Error(`the service did not start: ${run.stderr()}`);
    return /ready.*?(http:\S+)/.exec(run.stdout())?.[1] ?? "";
  };
  // a busy machine takes its time to start several
  const url = await eventually("the ready line", ready, 90_000);
  return new ServiceProcess(url, run);
}

/** Runs a process that is expected to end by itself, as one with a bad configuration does. */
export async function runToEnd(env: Environment): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const run = spawnProgram("src/main.ts", [], env);
  endWithTest(run.child, "SIGKILL");
  await once(run.child, "close");
  return { code: run.child.exitCode, stdout: run.stdout(), stderr: run.stderr() };
}
