import type { GroundTruth } from "../change-log.ts";
import type { Operation } from "../history.ts";
import { showList } from "../show.ts";
import { checkAnswers } from "./answers.ts";
import { attribute } from "./authors.ts";
import { Catalogue, sameList } from "./catalogue.ts";
import type { Edits } from "./edits.ts";
import { checkForeign } from "./foreign.ts";
import { checkRegisters } from "./registers.ts";
import { checkTime } from "./time.ts";
import type { Timeline } from "./timelines.ts";
import type { Violation } from "./violation.ts";

/**
 * Holds a history against the promise. The change log says in which order the mutations took effect, and every answer
 * says at which revision it is true; so there is no order to search for, and each check is one pass.
 * `writers` are the adds and updates of all branches by their authors.
 */
export function check(timeline: Timeline, edits: Edits, writers: ReadonlyMap<string, Operation>): Violation[] {
  const { operations, inherited, truth, since } = timeline;
  const all = [...inherited, ...operations].sort((a, b) => a.invoked.order - b.invoked.order);
  const { authors, violations } = attribute(all, truth);
  return [
    ...checkLog(truth),
    ...violations,
    ...checkAnswers(all, truth, authors, edits),
    ...checkTime(operations, truth, authors, since),
    ...checkRegisters(all, edits),
    ...checkForeign(timeline, writers),
    ...checkAvailability(operations),
  ];
}

/** The log is one history without gaps, and the table is what it leads to. */
function checkLog({ changes, revision, token, books }: GroundTruth): Violation[] {
  const violations: Violation[] = [];
  const wrong = (what: string, at: number) =>
    violations.push({ rule: "the change log is one history", what, operations: [], revision: at });
  const catalogue = new Catalogue();
  for (const [index, change] of changes.entries()) {
    if (change.revision !== index + 1) wrong(`revision ${index + 1} is missing`, index + 1);
    const previous = changes[index - 1];
    if (previous && change.previousToken !== previous.token) wrong("it names another predecessor", change.revision);
    const fault = catalogue.apply(change);
    if (fault) wrong(fault, change.revision);
  }
  const last = changes.at(-1);
  if (last && (last.revision !== revision || last.token !== token))
    wrong(`the row stands at ${revision}`, last.revision);
  if (!sameList(catalogue.list, books)) {
    wrong(`the table holds ${showList(books)}, but the log leads to ${showList(catalogue.list)}`, revision);
  }
  return violations;
}

/** A process that the nemesis left alone answers; what was done to Redis is no excuse. */
function checkAvailability(operations: readonly Operation[]): Violation[] {
  const rule = "reads and writes do not fail while only Redis is ill";
  return operations.flatMap((operation) => {
    const { outcome } = operation;
    if (outcome?.kind !== "failed" || outcome.excuse) return [];
    return [{ rule, what: `${outcome.code}: ${outcome.message}`, operations: [operation] }];
  });
}
