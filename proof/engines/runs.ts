import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Engine } from "../../test/support/database/database.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Of the promise, of commands and reads that must agree whatever they run on, and of what is told while it happens. */
const TESTS = [
  ...["promise", "lost-answers", "reads-agree", "rebuild", "live-changes", "trimming", "batches", "group-commit"],
  ...["derivation", "word-index", "postgres"],
].map((name) => `test/cqrs/${name}.test.ts`);

/** A set-up of database and Redis. */
export interface SetUp {
  readonly id: string;
  readonly name: string;
  readonly engine: Engine;
  /** What has tests and torture start it. */
  readonly env: Readonly<Record<string, string>>;
  /** Further arguments of the tests, and of the torture. */
  readonly tests: readonly string[];
  readonly torture: readonly string[];
}

/** Runs the tests of the promise on a set-up. */
export async function runTests({
  engine,
  env,
  tests,
}: SetUp): Promise<{ readonly passed: number; readonly failed: number }> {
  const directory = mkdtempSync(join(tmpdir(), "books-engines-tests-"));
  const report = join(directory, "report.json");
  try {
    const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
    const shown = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const { code } = await run(
      [vitest, "run", "--project", engine, "--maxWorkers=1", ...shown, ...tests, ...TESTS],
      env,
    );
    const { numPassedTests: passed = 0, numFailedTests = 0 } = JSON.parse(readFileSync(report, "utf8"));
    // what fails beside the tests fails the run all the same
    return { passed, failed: numFailedTests || (code === 0 ? 0 : 1) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Tortures a set-up. `violations` is undefined when the torture itself did not come to its end. */
export async function runTorture({ engine, env, torture }: SetUp, args: readonly string[]) {
  const { output } = await run(["proof/torture/torture.ts", "--engine", engine, ...args, ...torture], env);
  const number = (pattern: RegExp) => [...output.matchAll(pattern)].map(([, digits]) => Number(digits));
  const [operations = 0, faults = 0] = number(/^all +(\d+)$/gm);
  const count = (servedBy: string) => number(new RegExp(`^query read from ${servedBy} +(\\d+)$`, "gm"))[0] ?? 0;
  const [redis, all] = [count("redis"), count("redis") + count("database") + count("both")];
  const [found] = number(/^(\d+) VIOLATIONS/gm);
  const fromRedis = all === 0 ? "none" : `${Math.round((100 * redis) / all)} %`;
  return { operations, faults, fromRedis, violations: /^No violations\.$/m.test(output) ? 0 : found };
}

/** Runs a program of the project to its end, and shows what it says. */
async function run(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
    process.stderr.write(chunk);
  });
  const [code] = await once(child, "close");
  return { code: code as number | null, output };
}
