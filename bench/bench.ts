import { execFileSync } from "node:child_process";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cleaningUp } from "../test/support/cleanup.ts";
import { startRedis } from "../test/support/redis/server.ts";
import { preparePrograms } from "../test/support/suite/programs.ts";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { APOLLO, NEST, Stage, YOGA } from "./cast.ts";
import { LARGEST } from "./catalogue.ts";
import { chart } from "./chart.ts";
import { measure, type Result, type Rounds } from "./measure.ts";
import { report, totalErrors } from "./report.ts";
import { moveToLoadCore } from "./server.ts";
import { sideWorkloads } from "./side-workloads.ts";
import { type Preparation, SIZES, workloads } from "./workloads.ts";
import { Loader } from "./wrk.ts";

/**
 * Compares the service with its peers, and with the raw limit of what all of them are made of:
 *
 *     npm run bench -- --quick
 *     npm run bench -- --only slow-disk --only postgres --before ../another-checkout/src/main.ts
 *
 * `--only` takes the workloads whose names begin so; `--before` holds writing on PostgreSQL against another checkout's. A
 * run of all writes `results.md` and `results.svg` beside this file; a quick one, `quick-results.md` and `.svg`.
 */
const { quick, only, before } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [""] },
    before: { type: "string" },
  },
}).values;

const ALL: readonly (readonly [name: string, Preparation])[] = Object.entries({ ...workloads, ...sideWorkloads });
const chosen = ALL.filter(([name]) => only.some((begin) => name.startsWith(begin)));
if (chosen.length === 0) {
  console.error(`--only takes the beginning of one of: ${ALL.map(([name]) => name).join(", ")}`);
  process.exit(2);
}

const ROUNDS: Rounds = quick
  ? { count: 2, seconds: 1, onceOnly: new Set([APOLLO, NEST, YOGA]) }
  : { count: 5, seconds: 3, onceOnly: new Set() };

/** How far the catalogue grows. */
const GROWN = quick ? 100_000 : LARGEST;

const BENCH = fileURLToPath(new URL(".", import.meta.url));

prepare();
const interrupted = new Promise<never>((_, reject) => {
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => reject(new Error(`ended by ${signal}`)));
});
const results = await cleaningUp(() => Promise.race([compare(), interrupted]));
say("");

const name = quick ? "quick-results" : "results";
const text = report(results, { grown: GROWN, rounds: ROUNDS });
console.log(text);
if (chosen.length === ALL.length) {
  writeFileSync(`${BENCH}${name}.md`, `# Benchmark\n\n![The chart of what follows](${name}.svg)\n\n${text}\n`);
  writeFileSync(`${BENCH}${name}.svg`, chart(results));
}
process.exit(totalErrors(results) === 0 ? 0 : 1);

/** Installs what is missing, and leaves one core to the servers. */
function prepare(): void {
  const needed = ["redis-server", "wrk"].map((program) => ({ program, debianPackage: program }));
  preparePrograms(needed, "the benchmark");
  const installed = `${BENCH}node_modules/.package-lock.json`;
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(`${BENCH}package-lock.json`).mtimeMs) {
    say("installing the peers");
    execFileSync("npm", ["ci"], { cwd: BENCH, stdio: ["ignore", "ignore", "inherit"] });
  }
  moveToLoadCore();
}

async function compare(): Promise<Result[]> {
  const directory = temporaryDirectory();
  const stage = new Stage(await startRedis(), directory, SIZES, say);
  const loader = new Loader(directory);
  const results: Result[] = [];
  for (const [name, prepare] of chosen) {
    const prepared = await prepare(stage, { grown: GROWN, before });
    if (!prepared) continue;
    const workload = { name, ...prepared };
    results.push({ workload, runs: await measure(workload, ROUNDS, loader, say) });
  }
  return results;
}

/** The progress line. Where it cannot be rewritten, only what is new is worth a line. */
function say(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
  else if (what) process.stderr.write(`${what}\n`);
}
