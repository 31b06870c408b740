import { createWriteStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cleaningUp } from "../../test/support/cleanup.ts";
import startPostgres from "../../test/support/postgres/run-server.ts";
import type { History } from "../history/history.ts";
import type { Operation } from "../history/operation.ts";
import { DEFAULT_FAULT_NAMES, FAULT_NAMES } from "./nemesis/nemesis.ts";
import { keepEvidence, keepingDirectory, reportOf } from "./report.ts";
import { run } from "./run.ts";

const USAGE = `npm run torture -- [options]
  --minutes N    how long the nemesis is at work (1)
  --seed N       the seed of workload and faults (the time)
  --engine NAME  sqlite or postgresql (sqlite)
  --processes N  API processes with Redis (3)
  --bare N       API processes without Redis (1)
  --lease N      READ_LEASE_MS of all processes: a longer one opens each race wider (200, 400 or 800, as the seed says)
  --clients N    concurrent clients (80)
  --rate N       requests per second of all clients, not counting the reads after a write (700)
  --faults LIST  only these kinds of faults, separated by commas
  --and LIST     these as well, beside those that are there by default
  --without LIST none of these
  --scrub MS     how long answers may be wrong about a row that was changed by hand (20000)
  --foreign MS   how long a process may show states of another database once it has met them (3000)
  --apart        a key prefix for each database: copies cannot harm then, so what is found is the torture's own fault
  --keep DIR     where violations are kept, with what was around them (the system's directory for temporary files)
  --keep-always  keep every operation, and what was found in any case: some gigabytes in a night
kinds of faults (* by default):
${FAULT_NAMES.map((name) => `  ${DEFAULT_FAULT_NAMES.includes(name) ? "*" : " "} ${name}`).join("\n")}`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    engine: { type: "string", default: "sqlite" },
    processes: { type: "string", default: "3" },
    bare: { type: "string", default: "1" },
    lease: { type: "string" },
    clients: { type: "string", default: "80" },
    rate: { type: "string", default: "700" },
    faults: { type: "string" },
    and: { type: "string", default: "" },
    without: { type: "string", default: "" },
    scrub: { type: "string", default: "20000" },
    foreign: { type: "string", default: "3000" },
    apart: { type: "boolean", default: false },
    keep: { type: "string", default: tmpdir() },
    "keep-always": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

let shown = 0;
const { engine } = values;
const numbers = {
  minutes: Number(values.minutes),
  seed: Number(values.seed),
  processes: Number(values.processes),
  bare: Number(values.bare),
  leaseMs: Number(values.lease ?? 200 * 2 ** (Number(values.seed) % 3)),
  clients: Number(values.clients),
  rate: Number(values.rate),
  scrubMs: Number(values.scrub),
  foreignMs: Number(values.foreign),
};
const named = (list: string | undefined) =>
  list
    ?.split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
const [only = DEFAULT_FAULT_NAMES, more = [], without = []] = [values.faults, values.and, values.without].map(named);
const faults = [...only, ...more].filter((name) => !without.includes(name));
const unknown = [...only, ...more, ...without].filter((name) => !FAULT_NAMES.includes(name));
const { minutes, seed, ...sizes } = numbers;
const isEngine = engine === "sqlite" || engine === "postgresql";
const isBad = Object.values(numbers).some((number) => !(number >= 0)) || sizes.processes < 1 || unknown.length > 0;

if (values.help || !isEngine || isBad) {
  if (unknown.length > 0) console.error(`there is no fault of the kind ${unknown.join(", ")}\n`);
  console.log(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  const stopPostgres = engine === "postgresql" ? await startPostgres() : async () => {};
  try {
    const options = { engine, seed, ...sizes, faults, apart: values.apart, ms: minutes * 60_000 } as const;
    let directory = values["keep-always"] ? keepingDirectory(values.keep, options) : undefined;
    const spool = directory === undefined ? undefined : createWriteStream(join(directory, "operations.jsonl"));
    const onForget = (operation: Operation) => void spool?.write(`${JSON.stringify(operation)}\n`);
    const onlookers = { onProgress: progress(), onForget };
    const result = await cleaningUp(() => Promise.race([run(options, onlookers), interrupted()]));
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    const isBroken = result.history.evidence.count > 0;
    showNew(result.history);
    console.log(reportOf(result));
    if (spool) await new Promise<void>((resolve) => spool.end(resolve));
    if (isBroken) directory ??= keepingDirectory(values.keep, options);
    if (directory) {
      keepEvidence(result, directory);
      console.log(`What was kept is in ${directory}`);
    }
    if (isBroken) process.exitCode = 1;
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
  await stopPostgres();
  // what was interrupted may still wait for something
  process.exit();
}

/** Rejected when somebody wants the program to end; what it has started must end first. */
function interrupted(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  });
}

/** Shows the violations that were found since it did so last: a run may take a night, or be ended. */
function showNew({ evidence }: History): void {
  for (const text of evidence.shown.slice(shown)) console.log(`${text}\n`);
  shown = evidence.shown.length;
}

/** One line, that a terminal overwrites each second; elsewhere a new one now and then. */
function progress(): (history: History, faults: string) => void {
  let lines = 0;
  return (history, faults) => {
    const { nextId, now, evidence, judge } = history;
    showNew(history);
    const found = evidence.count > 0 ? `, ${evidence.count} VIOLATIONS` : "";
    if (!process.stderr.isTTY && lines++ % 30 !== 0) return;
    const { events, revisions } = judge.size;
    const memory = `${Math.round(process.memoryUsage.rss() / 1e6)} MB, ${events} events and ${revisions} revisions kept`;
    const line = `${(now / 1000).toFixed(0)} s, seed ${seed}, ${nextId} operations${found} (${memory}): ${faults}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line.slice(0, process.stderr.columns - 1)}`);
    else console.error(line);
  };
}
