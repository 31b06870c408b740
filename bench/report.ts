import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { goals } from "./goals.ts";
import { type Entrant, errorsOf, type Figure, medianOf, type Result, type Rounds, ratioOf } from "./measure.ts";

const FIGURES = { rate: "requests/s", p99: "p99", cpu: "CPU" } as const;

/** What the figures hold for. */
export interface Circumstances {
  /** How far the catalogue grew. */
  readonly grown: number;
  readonly rounds: Rounds;
}

/** The results in Markdown. */
export function report(results: readonly Result[], circumstances: Circumstances): string {
  return [goalTable(results, circumstances.grown), ...results.map(workloadTable), method(circumstances)].join("\n\n");
}

/** The errors of everyone in all workloads. */
export function totalErrors(results: readonly Result[]): number {
  return results
    .flatMap(({ workload, runs }) => workload.entrants.map(({ name }) => errorsOf(runs, name)))
    .reduce((sum, errors) => sum + errors, 0);
}

function goalTable(results: readonly Result[], grown: number): string {
  const rows = goals(grown).flatMap(({ workload: name, figure, entrant, other, bound }) => {
    const runs = results.find(({ workload }) => workload.name === name)?.runs;
    // not every run has every workload, nor everyone in it
    if (!runs?.has(entrant) || !runs.has(other)) return [];
    const ratio = ratioOf(runs, entrant, other, figure);
    const isRate = figure === "rate";
    const met = isRate ? ratio >= bound : ratio <= bound;
    return [
      [
        name,
        `${FIGURES[figure]} of ${entrant} / ${other}`,
        `${isRate ? "≥" : "≤"} ${bound.toFixed(2)}`,
        ratio.toFixed(2),
        met ? "pass" : "miss",
      ],
    ];
  });
  const errors = totalErrors(results);
  rows.push(["all", "errors of everyone", "0", `${errors}`, errors === 0 ? "pass" : "miss"]);
  return table(["workload", "what", "goal", "result", ""], rows);
}

function workloadTable({ workload: { name, about, entrants }, runs }: Result): string {
  const [base] = entrants as [Entrant];
  const rows = entrants.map(({ name: entrant }) => {
    const figure = (of: Figure) => medianOf(runs, entrant, of);
    return [
      entrant,
      Math.round(figure("rate")).toLocaleString("en"),
      ratioOf(runs, entrant, base.name, "rate").toFixed(2),
      shown(figure("p50"), 2),
      shown(figure("p99"), 2),
      shown(figure("cpu"), 0),
      shown(figure("busy") * 100, 0, " %"),
      figure("memory").toFixed(0),
      `${errorsOf(runs, entrant)}`,
    ];
  });
  const header = ["", "requests/s", "ratio", "p50 ms", "p99 ms", "CPU µs", "busy", "MB", "errors"];
  const fromRedis = entrants.flatMap(({ name: entrant, server }) => {
    const share = medianOf(runs, entrant, "fromRedis");
    return server.servedBy === "redis" && share >= 0 ? [`${entrant}: ${(share * 100).toFixed(1)} %`] : [];
  });
  const note = fromRedis.length > 0 ? [`Reads answered from Redis: ${fromRedis.join("; ")}.`] : [];
  const problems = entrants.flatMap(({ name: entrant }) =>
    (runs.get(entrant) ?? [])
      .flatMap((run) => run?.problems ?? [])
      .map((problem) => `Error of ${entrant}: ${problem}.`),
  );
  return [`**${name}**: ${about}`, table(header, rows), ...note, ...problems].join("\n\n");
}

/** Nothing where it was not measured. */
function shown(figure: number, digits: number, unit = ""): string {
  return Number.isNaN(figure) ? "" : `${figure.toFixed(digits)}${unit}`;
}

function method({ rounds: { count, seconds } }: Circumstances): string {
  const { dependencies } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));
  const versions = ["mercurius", "fastify", "@apollo/server", "@nestjs/core", "@nestjs/cqrs", "graphql"]
    .map((name) => `${name} ${dependencies[name]}`)
    .join(", ");
  return `Medians of ${count} rounds, in each of which every server has a turn of ${seconds} s; a ratio is the median
of the ratios within the rounds, to the first line of its table. The server whose turn it is has a core to itself and all
others stand still; wrk and Redis have the other core. Before and after each workload the answers are checked against the
database, and every answer under load is looked at: errors are failed connections, time-outs, statuses from 400 on, and
answers with GraphQL errors or without the book. CPU is the server's processor time for a request, busy the share of the
time in which it kept its core so, MB its resident memory. What goes on beside an entrant counts for its CPU and its errors,
and for nothing else. Where busy is far from 100 %, something else set the pace: the
disk where there are writes, and elsewhere whatever else ran on the machine.

${cpus()[0]?.model}, Node ${process.version}; ${versions}.`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[], filler = " ") =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] as number, filler)).join(" | ")} |`;
  const rule = header.map(() => "");
  return [line(header), line(rule, "-"), ...rows.map((row) => line(row))].join("\n");
}
