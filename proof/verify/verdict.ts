import { sorted, table } from "../history/table.ts";
import type { VerifyResult } from "./run.ts";

/** Writes that must have been acknowledged for a verdict, and reads that were answered. */
const FEWEST = 10;

export interface Verdict {
  /** 0: kept; 1: broken; 2: it cannot be said, or books were left behind. */
  readonly exitCode: 0 | 1 | 2;
  readonly text: string;
}

/** What was found, with the evidence, and what was done. */
export function verdictOf(result: VerifyResult): Verdict {
  const { history, left, unjudged, options, lasted, word } = result;
  const { evidence } = history;
  const writes = count(result, /^mutation acknowledged/);
  const reads = count(result, /^query read/);
  const done = `${reads} reads and ${writes} writes in ${(lasted / 1000).toFixed(0)} s through ${options.urls.length} ${options.urls.length === 1 ? "address" : "addresses"}`;
  const doubts = [
    ...(unjudged === undefined ? [] : [unjudged]),
    ...(writes < FEWEST || reads < FEWEST ? ["too little was answered"] : []),
    ...(options.signal?.aborted ? ["it was ended early"] : []),
  ];
  const lines =
    evidence.count > 0
      ? [`THE PROMISE IS BROKEN: ${evidence.count} contradictions in ${done}.`, ...table(sorted(evidence.rules))]
      : doubts.length > 0
        ? [`NO VERDICT (${doubts.join("; ")}): no contradiction in ${done}.`]
        : [`The promise was kept: no contradiction in ${done}.`];
  const shown = evidence.shown.flatMap((text) => ["", text]);
  const isClean = left.length === 0;
  return {
    exitCode: evidence.count > 0 ? 1 : doubts.length > 0 || !isClean ? 2 : 0,
    text: [...shown, "", ...tablesOf(result), "", ...lines, ...showLeft(left, word)].join("\n").trimStart(),
  };
}

/** What an operator is to know of what could not be deleted. */
export function showLeft(left: readonly string[] | string, word: string): readonly string[] {
  if (left.length === 0) return [];
  const what =
    typeof left === "string"
      ? `it is not known whether any are left (${left})`
      : `left are ${left.map((title) => JSON.stringify(title)).join(", ")}`;
  return [`BOOKS ARE LEFT BEHIND, or may be: ${what}. All have titles that begin with ${word}.`];
}

function tablesOf({ history: { tally }, pace, subscribers, options }: VerifyResult): readonly string[] {
  const slowed = pace.refusals === 0 ? "-" : `${pace.slowest.toFixed(1)} a second`;
  return [
    ...table([["what was asked for", "times"], ...sorted(tally.requests)]),
    "",
    ...table([
      ["what came of it", "times"],
      // that there is something on the way is said of all
      ...sorted(tally.outcomes).map(([name, times]) => [name.replace(/, something on the way\)$/, ")"), times]),
      ["told to subscribers", subscribers.told],
      ...sorted(subscribers.refusals).map(([code, times]) => [`subscriptions refused (${code})`, times]),
      ["answers that asked for patience (429, 503)", pace.refusals],
      [`slowed down from ${options.rate} a second to`, slowed],
    ]),
  ];
}

function count({ history: { tally } }: VerifyResult, name: RegExp): number {
  return [...tally.outcomes].reduce((sum, [outcome, times]) => sum + (name.test(outcome) ? times : 0), 0);
}
