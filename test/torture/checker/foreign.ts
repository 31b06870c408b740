import { isMutation, type Operation } from "../history.ts";
import type { Timeline } from "./timelines.ts";
import type { Violation } from "./violation.ts";

/**
 * Finds what came from another database, or from a history that this one has left: books that were written there and
 * are no part of what this one began with. `everywhere` are the adds and updates of all branches by their authors.
 */
export function checkForeign(
  { operations, inherited }: Timeline,
  everywhere: ReadonlyMap<string, Operation>,
): Violation[] {
  const own = writersOf([...inherited, ...operations]);
  return operations.flatMap((operation) => {
    const { outcome } = operation;
    if (outcome?.kind !== "read") return [];
    const foreign = outcome.books.find(({ author }) => !own.has(author) && everywhere.has(author));
    if (!foreign) return [];
    const writer = everywhere.get(foreign.author) as Operation;
    const rule = "no answer shows what only another history holds";
    const what = `${foreign.title} is ${foreign.author}, as it is in “${writer.branch}”`;
    return [{ rule, what, operations: [operation, writer] }];
  });
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
