import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "../history/evidence.ts";
import { byName, sorted, table } from "../history/table.ts";
import type { RunResult } from "./run.ts";

/** What was done, what went wrong meanwhile, and how slow that made it. */
export function reportOf({ options, history, truth, told }: RunResult): string {
  const { tally, evidence, judge } = history;
  const seconds = options.ms / 1000;
  const lines = [
    `Torture on ${options.engine}, seed ${options.seed}: ${options.processes} processes with Redis, ` +
      `${options.bare} without, a lease of ${options.leaseMs} ms, ${options.clients} clients, ${seconds} s`,
    "",
    ...table([
      ["operations", ""],
      ["answered in a minute", Math.round(tally.perMinute)],
      ["answered for each fault", tally.faultCount === 0 ? "-" : Math.round(tally.answered / tally.faultCount)],
      ["CPU time of the torture itself for each, µs", ownCpu(tally.operations)],
      ["all", tally.operations],
      ...sorted(tally.outcomes),
    ]),
    "",
    ...table([["requests", ""], ...sorted(tally.requests)]),
    "",
    ...table([
      ["change logs", ""],
      ["revisions", judge.counts.changes],
      ["by adds and updates that were never acknowledged", judge.counts.unacknowledged],
      ["books of the original at the end", truth.books.length],
      ["branches: the beginning, restored, made anew, copied", history.branchCount],
      ["changes and checkpoints that subscribers were told", told],
      ["rows changed by hand", judge.edits.count],
      ["answers of another history that were tolerated", judge.counts.tolerated],
    ]),
    "",
    ...table([
      ["fault", "times", "slowest read", "slowest write"],
      ...[...tally.slowest]
        .sort(byName)
        .map(([kind, { times, read, write }]) => [
          kind,
          times || "",
          `${read.toFixed(0)} ms`,
          `${write.toFixed(0)} ms`,
        ]),
      ["all", tally.faultCount, "", ""],
    ]),
    "",
    evidence.count === 0 ? "No violations." : `${evidence.count} VIOLATIONS, the first after ${found(evidence.first)}`,
    ...(evidence.count === 0 ? [] : table(sorted(evidence.rules))),
  ];
  return lines.join("\n");
}

/** The violations with what was around them. */
export function showViolations({ history: { evidence } }: Pick<RunResult, "history">): string {
  const more = evidence.count - evidence.shown.length;
  return evidence.shown.join("\n\n") + (more > 0 ? `\n\n… and ${more} more` : "");
}

/** Makes a directory for what is kept of a run; returns its path. */
export function keepingDirectory(parent: string, { engine, seed }: { engine: string; seed: number }): string {
  const directory = join(parent, `torture-${engine}-${seed}-${Date.now()}`);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Writes the violations, the operations and faults around them, and the processes' logs to a directory. */
export function keepEvidence(result: RunResult, directory: string): void {
  const { history, logs } = result;
  const { evidence } = history;
  const lines = (values: Iterable<unknown>) => [...values].map((value) => `${JSON.stringify(value)}\n`).join("");
  const around = [...evidence.operations.values()].sort((a, b) => a.id - b.id);
  writeFileSync(join(directory, "around.jsonl"), lines(around));
  writeFileSync(join(directory, "faults.jsonl"), lines(evidence.faults));
  writeFileSync(join(directory, "violations.txt"), `${showViolations(result)}\n\n${reportOf(result)}\n`);
  for (const [name, log] of logs) writeFileSync(join(directory, `process-${name}.log`), log);
}

function ownCpu(operations: number): number {
  const { user, system } = process.cpuUsage();
  return Math.round((user + system) / Math.max(1, operations));
}

function found(first: Progress | undefined): string {
  return first ? `${first.operations} operations, ${(first.ms / 1000).toFixed(1)} s from the start` : "";
}
