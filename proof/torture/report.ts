import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GroundTruth } from "./change-log.ts";
import { isMutation, type Operation } from "./history.ts";
import type { Finding, RunResult } from "./run.ts";
import { showBook, showOperation } from "./show.ts";

/** Violations that are shown in full; one cause often has many. */
const SHOWN = 10;
/** Operations shown around a violation. */
const AROUND = 12;

/** What was done, what went wrong meanwhile, and how slow that made it. */
export function reportOf({ options, history, truth, findings }: RunResult): string {
  const { operations, faults } = history;
  const seconds = options.ms / 1000;
  const lines = [
    `Torture on ${options.engine}, seed ${options.seed}: ${options.processes} processes with Redis, ` +
      `${options.bare} without, a lease of ${options.leaseMs} ms, ${options.clients} clients, ${seconds} s`,
    "",
    ...table([
      ["operations", ""],
      ["in a minute", Math.round(operations.length / ((operations.at(-1)?.invoked.ms ?? 1) / 60_000))],
      ...countOutcomes(operations),
    ]),
    "",
    ...table([
      ["change log of the original", ""],
      ["revisions", truth.changes.length],
      ["by adds and updates that were never acknowledged", countUnacknowledged(operations, truth)],
      ["books at the end", truth.books.length],
      ["branches: the beginning, restored, made anew, copied", history.branches.length],
      ["rows changed by hand", history.edits.length],
    ]),
    "",
    ...table([["fault", "times", "slowest read", "slowest write"], ...slowestByFault(operations, faults)]),
    "",
    findings.length === 0 ? "No violations." : `${findings.length} VIOLATIONS`,
  ];
  const rules = Map.groupBy(findings, ({ rule }) => rule);
  if (findings.length > 0) lines.push(...table([...rules].map(([rule, found]) => [rule, found.length])));
  return lines.join("\n");
}

/** The violations with what was around them. */
export function showViolations(result: RunResult): string {
  const shown = result.findings.slice(0, SHOWN).map((finding) => showFinding(finding, result));
  const more = result.findings.length - shown.length;
  return shown.join("\n\n") + (more > 0 ? `\n\n… and ${more} more` : "");
}

/** Writes the history, the change log, the faults and the processes' logs to a directory; returns its path. */
export function keepHistory({ history, truth, logs, findings, options }: RunResult, parent: string): string {
  const directory = join(parent, `torture-${options.engine}-${options.seed}-${Date.now()}`);
  mkdirSync(directory, { recursive: true });
  const lines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");
  writeFileSync(join(directory, "operations.jsonl"), lines(history.operations));
  writeFileSync(join(directory, "faults.jsonl"), lines(history.faults));
  writeFileSync(join(directory, "changes.jsonl"), lines(truth.changes));
  writeFileSync(join(directory, "violations.txt"), findings.map((one) => `${one.rule}: ${one.what}\n`).join(""));
  for (const [name, log] of logs) writeFileSync(join(directory, `process-${name}.log`), log);
  return directory;
}

function showFinding({ rule, what, operations, revision, truth }: Finding, { history }: RunResult): string {
  const lines = [`VIOLATION: ${rule}`, `  ${what}`, ...operations.map((one) => `  ${showOperation(one)}`)];
  if (revision !== undefined) {
    for (const change of truth.changes.slice(Math.max(0, revision - 3), revision + 3)) {
      const { kind, before, after } = change;
      lines.push(`    log ${change.revision} ${kind}: ${showBook(before)} -> ${showBook(after)}`);
    }
  }
  const [first] = operations;
  if (!first) return lines.join("\n");
  const from = Math.min(...operations.map(({ invoked }) => invoked.ms)) - 50;
  const to = first.completed?.ms ?? first.invoked.ms;
  for (const fault of history.faults) {
    if (fault.from > to || fault.to < from - 1000) continue;
    lines.push(`    fault ${fault.kind} (${fault.target}) ${fault.from.toFixed(0)}–${fault.to.toFixed(0)} ms`);
  }
  const around = history.operations.filter(({ invoked, completed }) => {
    return invoked.ms <= to && (completed?.ms ?? Number.POSITIVE_INFINITY) >= from;
  });
  for (const one of around.slice(-AROUND)) lines.push(`    around ${showOperation(one)}`);
  return lines.join("\n");
}

function countOutcomes(operations: readonly Operation[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { request, outcome } of operations) {
    const kind = outcome?.kind === "read" ? `read from ${outcome.servedBy}` : (outcome?.kind ?? "no completion");
    const failed = outcome?.kind === "failed" ? ` (${outcome.code}, ${outcome.excuse ?? "NO EXCUSE"})` : "";
    const name = `${isMutation(request) ? "mutation" : "query"} ${kind}${failed}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [["all", operations.length], ...[...counts].sort(([a], [b]) => (a < b ? -1 : 1))];
}

function countUnacknowledged(operations: readonly Operation[], { changes }: GroundTruth): number {
  const done = new Set(changes.map(({ after }) => after?.author));
  return operations.filter(({ request, outcome }) => {
    return "input" in request && outcome?.kind === "failed" && done.has(request.input.author);
  }).length;
}

function slowestByFault(
  operations: readonly Operation[],
  faults: RunResult["history"]["faults"],
): (string | number)[][] {
  const rows = new Map<string, { times: number; read: number; write: number }>();
  const rowOf = (kind: string) => {
    const row = rows.get(kind) ?? { times: 0, read: 0, write: 0 };
    rows.set(kind, row);
    return row;
  };
  for (const { kind } of faults) rowOf(kind).times++;
  for (const { request, invoked, completed, outcome } of operations) {
    if (!completed || outcome?.kind === "failed") continue;
    const took = completed.ms - invoked.ms;
    const during = faults.filter(({ from, to }) => from <= completed.ms && to >= invoked.ms);
    for (const kind of during.length > 0 ? during.map((fault) => fault.kind) : ["(none)"]) {
      const row = rowOf(kind);
      if (isMutation(request)) row.write = Math.max(row.write, took);
      else row.read = Math.max(row.read, took);
    }
  }
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, { times, read, write }]) => [kind, times || "", `${read.toFixed(0)} ms`, `${write.toFixed(0)} ms`]);
}

function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = rows.map((row) => row.map(String));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  return cells.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
