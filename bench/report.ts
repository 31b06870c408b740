import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { MERCURIUS, MERCURIUS_SQLITE, RAW, SERVICE } from "./cast.ts";
import { type Entrant, errorsOf, type Figure, medianOf, type Result, type Rounds, ratioOf } from "./measure.ts";
import { FEW_BOOKS, ONE_CLIENT, serviceWith } from "./workloads.ts";

/** What the figures hold for. */
export interface Circumstances {
  /** How far the catalogue grew. */
  readonly grown: number;
  readonly rounds: Rounds;
}

/** A bound for how an entrant's figure compares with another's. */
interface Goal {
  readonly workload: string;
  readonly figure: "rate" | "p99";
  readonly entrant: string;
  readonly other: string;
  /** The least for a rate, the most for a latency. */
  readonly bound: number;
}

function goals(grown: number): readonly Goal[] {
  const rate = (workload: string, entrant: string, other: string, bound: number): Goal => {
    return { workload, figure: "rate", entrant, other, bound };
  };
  const tail = (workload: string): Goal => ({ workload, figure: "p99", entrant: SERVICE, other: RAW, bound: 2 });
  return [
    rate("point", SERVICE, RAW, 0.8),
    rate("point", SERVICE, MERCURIUS, 1.3),
    tail("point"),
    rate("random", SERVICE, RAW, 0.45),
    rate("random", SERVICE, MERCURIUS, 0.9),
    tail("random"),
    rate("list", SERVICE, RAW, 0.7),
    rate("list", SERVICE, MERCURIUS, 3),
    tail("list"),
    rate("mixed", SERVICE, RAW, 0.65),
    rate("mixed", SERVICE, MERCURIUS, 1.2),
    tail("mixed"),
    rate("sqlite", SERVICE, RAW, 0.4),
    rate("sqlite", SERVICE, MERCURIUS_SQLITE, 1),
    rate("writes", SERVICE, ONE_CLIENT, 4),
    rate("growth", serviceWith(grown), FEW_BOOKS, 0.9),
  ];
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
  const rows = goals(grown).map(({ workload: name, figure, entrant, other, bound }) => {
    const { runs } = results.find(({ workload }) => workload.name === name) as Result;
    const ratio = ratioOf(runs, entrant, other, figure);
    const isRate = figure === "rate";
    const met = isRate ? ratio >= bound : ratio <= bound;
    return [
      name,
      `${isRate ? "requests/s" : "p99"} of ${entrant} / ${other}`,
      `${isRate ? "≥" : "≤"} ${bound.toFixed(2)}`,
      ratio.toFixed(2),
      met ? "pass" : "miss",
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
      figure("p50").toFixed(2),
      figure("p99").toFixed(2),
      figure("cpu").toFixed(0),
      `${(figure("busy") * 100).toFixed(0)} %`,
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
time in which it kept its core so, MB its resident memory. Where busy is far from 100 %, something else set the pace: the
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
