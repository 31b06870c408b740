import type { GroundTruth } from "../change-log.ts";
import { type Book, type Branch, isMutation, type Operation } from "../history.ts";
import { checkAnswers } from "./answers.ts";
import { attribute } from "./authors.ts";
import { Catalogue } from "./catalogue.ts";
import { Edits } from "./edits.ts";
import { faultOfRead } from "./read-answers.ts";
import { partingOf, type Timeline } from "./timelines.ts";
import type { Violation } from "./violation.ts";

/**
 * Finds what came from another database, or from a history that this one has left: books that were written there and
 * are no part of what this one began with. `writers` are the adds and updates of all branches by their authors.
 */
export function checkForeign(timeline: Timeline, writers: ReadonlyMap<string, Operation>): Violation[] {
  const foreignIn = foreignBooks(timeline, writers);
  return timeline.operations.flatMap((operation) => {
    const foreign = foreignIn(operation);
    if (!foreign) return [];
    const writer = writers.get(foreign.author) as Operation;
    const rule = "no answer shows what only another history holds";
    const what = `${foreign.title} is ${foreign.author}, as it is in “${writer.branch}”`;
    return [{ rule, what, operations: [operation, writer] }];
  });
}

/**
 * The timeline without what Redis answered to a process in the `ms` after it first answered of another history: by then
 * the process must have found it out. None of it counts as shown. A state of another history is tolerated only while
 * nothing that was acknowledged in this one is missing from it.
 */
export function withoutForeign(
  timeline: Timeline,
  branches: readonly Branch[],
  writers: ReadonlyMap<string, Operation>,
  ms: number,
): Timeline {
  if (ms === 0) return timeline;
  const { operations, inherited, truth } = timeline;
  const foreignIn = foreignBooks(timeline, writers);
  const all = [...inherited, ...operations];
  const { authors } = attribute(all, truth);
  const untrue = new Set(
    checkAnswers(all, truth, authors, new Edits([], 0)).map((violation) => violation.operations[0]),
  );
  const others = branches.flatMap((branch) => (branch.truth && branch !== timeline.branch ? [branch.truth] : []));
  const until = new Map<string, number>();
  for (const operation of operations) {
    const { process, outcome, completed } = operation;
    if (until.has(process) || outcome?.kind !== "read" || !completed) continue;
    const asked = authors.get(outcome.revision)?.invoked.order ?? 0;
    const isEarly = outcome.revision > truth.revision || asked > completed.order;
    const isElsewhere = untrue.has(operation) && others.some((other) => isTrueIn(operation, other));
    if (isEarly || isElsewhere || foreignIn(operation)) until.set(process, completed.ms + ms);
  }
  const acknowledged = operations.flatMap(({ completed, outcome }) =>
    completed && outcome?.kind === "acknowledged" ? { order: completed.order, revision: outcome.revision } : [],
  );
  const lacks = (operation: Operation): boolean => {
    const foreign = foreignIn(operation);
    const other = branches.find(({ name }) => name === (foreign && writers.get(foreign.author))?.branch);
    if (!other) return false;
    const parting = partingOf(timeline.branch, other);
    return acknowledged.some(({ order, revision }) => order < operation.invoked.order && revision > parting);
  };
  const isTolerated = (operation: Operation) => {
    const { process, invoked, outcome } = operation;
    if (outcome?.kind !== "read" || outcome.servedBy === "database") return false;
    return invoked.ms < (until.get(process) ?? 0) && !lacks(operation);
  };
  return { ...timeline, operations: operations.filter((operation) => !isTolerated(operation)) };
}

/** Whether the answer to a read is the state of another history at the revision that it reports. */
function isTrueIn({ request, outcome }: Operation, { changes }: GroundTruth): boolean {
  if (outcome?.kind !== "read" || isMutation(request) || outcome.revision > changes.length) return false;
  const catalogue = new Catalogue();
  for (const change of changes.slice(0, outcome.revision)) catalogue.apply(change);
  return faultOfRead(request, outcome, catalogue, new Set()) === undefined;
}

/** Says which book of an answer, if any, was written at another branch and is not inherited. */
function foreignBooks({ operations, inherited }: Timeline, writers: ReadonlyMap<string, Operation>) {
  const own = writersOf([...inherited, ...operations]);
  return ({ outcome }: Operation): Book | undefined => {
    if (outcome?.kind !== "read") return undefined;
    return outcome.books.find(({ author }) => !own.has(author) && writers.has(author));
  };
}

/** Adds and updates by the authors that they sign with. */
export function writersOf(operations: readonly Operation[]): Map<string, Operation> {
  const writers = new Map<string, Operation>();
  for (const operation of operations) {
    const { request } = operation;
    if (isMutation(request) && request.kind !== "delete") writers.set(request.input.author, operation);
  }
  return writers;
}
