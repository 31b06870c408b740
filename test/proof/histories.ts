import { expect } from "vitest";
import { signatureIn } from "../../proof/checker/authors.ts";
import type { Edit } from "../../proof/checker/edits.ts";
import { Judge } from "../../proof/checker/judge.ts";
import { byTitle } from "../../proof/checker/title-order.ts";
import type { Violation } from "../../proof/checker/violation.ts";
import type { Branch } from "../../proof/history/branch.ts";
import type { Change, GroundTruth } from "../../proof/history/change.ts";
import {
  type Answer,
  type Book,
  mayHaveHappened,
  type Operation,
  type Outcome,
  type Request,
  signatureOf,
} from "../../proof/history/operation.ts";

const LEASE_MS = 200;

/** When everything was done. */
const AT = "2001-02-03T04:05:06.789Z";

export const book = (title: string, author: string, version = 1, id = 1): Book => ({
  id,
  title,
  author,
  publishedDate: null,
  ...{ isbn: null, language: null, description: null, coverUrl: null },
  stockQuantity: 0,
  version,
  addedAt: AT,
  updatedAt: AT,
});

/** An operation from one instant to another, in milliseconds. No two instants of a history may be the same. */
export function operation(
  from: number,
  to: number,
  request: Request,
  outcome: Outcome,
  more: Partial<Operation> = {},
): Operation {
  const [invoked, completed] = [from, to].map((ms) => ({ order: ms, ms })) as [
    Operation["invoked"],
    Operation["invoked"],
  ];
  return {
    id: from,
    client: "client",
    process: `process ${from}`,
    branch: "original",
    request,
    invoked,
    completed,
    outcome,
    ...more,
  };
}

export const add = (title: string, author: string): Request => ({
  kind: "add",
  title,
  input: { author, stockQuantity: 0 },
});
export const update = (title: string, author: string, expectedVersion?: number): Request => {
  const request = { kind: "update" as const, title, input: { author } };
  return expectedVersion === undefined ? request : { ...request, expectedVersion };
};
export const get = (title: string): Request => ({ kind: "book", title });
export const list: Request = { kind: "books" };

export const acknowledged = (revision: number, answered: Book): Outcome => ({
  kind: "acknowledged",
  revision,
  book: answered,
});
export const answers = (revision: number, ...parts: Answer[]): Outcome => {
  return { kind: "read", revision, servedBy: "redis", answers: parts };
};
export const read = (revision: number, ...books: (Book | null)[]): Outcome => answers(revision, { books });
export const refused = (revision: number, type: string, more = {}): Outcome => ({
  kind: "refused",
  revision,
  refusal: { type, ...more },
});
export const failed = (more: Partial<Extract<Outcome, { kind: "failed" }>> = {}): Outcome => ({
  kind: "failed",
  code: "ECONNRESET",
  message: "socket hang up",
  definite: false,
  excuse: "killed",
  ...more,
});

/** A database whose log holds these steps from one book to the next. */
export function database(...steps: [before: Book | null, after: Book | null][]): GroundTruth {
  const books = new Map<string, Book>();
  const changes = steps.map(([before, after], index): Change => {
    if (before) books.delete(before.title);
    if (after) books.set(after.title, after);
    const kind = before ? (after ? "update" : "delete") : "add";
    return { revision: index + 1, token: `t${index + 1}`, previousToken: `t${index}`, at: AT, kind, before, after };
  });
  const last = changes.at(-1);
  const sorted = [...books.values()].sort((a, b) => byTitle(a.title, b.title));
  const { revision = 0, token = "t0" } = last ?? {};
  return { changes, revision, token, readModel: null, books: sorted };
}

/** A branch as the tests know it: all that it will ever hold. */
export interface Whole {
  readonly name: string;
  readonly trimmedTo?: number;
  readonly origin?: { readonly branch: Whole; readonly revision: number };
  readonly truth: GroundTruth;
}

/** What the judge is told, beside the history. */
export interface Told {
  readonly edits?: readonly Edit[];
  readonly scrubMs?: number;
  readonly foreignMs?: number;
}

/** The rules that the judge finds broken, whether it is asked at the end alone or all the time. */
export async function broken(operations: Operation[], truth: GroundTruth, told: Told = {}): Promise<string[]> {
  const [rules] = await brokenAt(operations, [{ name: "original", truth }], told);
  return rules as string[];
}

/** The rules that are found broken at each branch. */
export async function brokenAt(operations: Operation[], branches: Whole[], told: Told = {}): Promise<string[][]> {
  const atTheEnd = await judged(operations, branches, told, false);
  const allTheTime = await judged(operations, branches, told, true);
  // what is seen before it is in the log is of a revision that there is not, or not yet
  expect(blamed(allTheTime)).toEqual(blamed(atTheEnd));
  return branches.map(({ name }) => rulesOf(atTheEnd.filter(({ branch }) => branch === name)));
}

async function judged(operations: Operation[], wholes: Whole[], told: Told, always: boolean): Promise<Violation[]> {
  const violations: Violation[] = [];
  const { scrubMs = 0, foreignMs = 0, edits = [] } = told;
  const judge = new Judge({ leaseMs: LEASE_MS, scrubMs, foreignMs }, (violation) => violations.push(violation));
  for (const edit of edits) judge.edits.add(edit);
  let now = Number.POSITIVE_INFINITY;
  const branches = new Map<Whole, Branch>();
  for (const whole of wholes) {
    const { name, origin, truth, trimmedTo = 0 } = whole;
    const branch = origin && (branches.get(origin.branch) as Branch);
    branches.set(whole, {
      name,
      trimmedTo,
      ...(branch && origin && { origin: { branch, revision: origin.revision } }),
      read: async (since) => loggedAt(now, truth, operations).slice(since),
    });
  }
  const events = operations
    .flatMap((operation) => [
      { at: operation.invoked, note: () => judge.note(operation, true) },
      ...(operation.completed ? [{ at: operation.completed, note: () => judge.note(operation, false) }] : []),
    ])
    .sort((a, b) => a.at.order - b.at.order);
  for (const { at, note } of events) {
    note();
    if (!always) continue;
    now = at.order;
    // a copy cannot be made of what is still to come
    const begun = [...branches].filter(
      ([{ origin }]) => !origin || loggedAt(now, origin.branch.truth, operations).length >= origin.revision,
    );
    await judge.cut(
      begun.map(([, branch]) => branch),
      at.ms,
    );
    await judge.settle();
  }
  for (const [{ truth }, branch] of branches) branch.truth = truth;
  await judge.cut([...branches.values()], 1e6);
  await judge.settle();
  return violations;
}

/** What a log holds at a moment: nothing that is asked for only later. */
function loggedAt(now: number, { changes }: GroundTruth, operations: Operation[]): readonly Change[] {
  const first = changes.findIndex(({ before, after }) => {
    const asked = operations.filter(({ request }) => {
      return after
        ? signatureOf(request) === signatureIn(before, after)
        : request.kind === "delete" && request.title === before?.title;
    });
    const done = asked.filter(mayHaveHappened);
    const authors = done.length > 0 ? done : asked;
    return authors.length > 0 && authors.every(({ invoked }) => invoked.order > now);
  });
  return first < 0 ? changes : changes.slice(0, first);
}

/** Which operations of which branches were found wrong, whatever rule they break. */
function blamed(violations: readonly Violation[]): string[] {
  const names = violations.map(({ branch, operations }) => `${branch}: ${operations[0]?.id ?? "the log"}`);
  return [...new Set(names)].sort();
}

function rulesOf(violations: Violation[]): string[] {
  return [...new Set(violations.map(({ rule }) => rule))];
}

export const STALE = "no answer is older than an acknowledged mutation";
export const OVERWRITTEN = "a register never shows what was overwritten before";
export const NOT_THE_STATE = "a read is the state at the revision that it reports";
export const LOST = "an acknowledged mutation is in the log, as it was answered";
export const REFUSAL = "a refusal is right at the revision that it reports";
export const ONCE = "an operation takes effect once if it may, and nothing else does";
export const UNWRITTEN = "a register holds what was written to it";
export const FOREIGN = "no answer shows what only another history holds";
export const NEVER_THERE = "no answer is of a revision that its database never had";
export const OLDER_THAN_THE_COPY = "no answer is older than what its database began with";
export const ONE_HISTORY = "the change log is one history";

export const NOT_AS_IT_WAS = "a book as of a revision is as it was at that revision";
export const NOT_ITS_HISTORY = "a history is what the log says of a book";
export const SHORTER = "the log is not said to be shorter than it is";
export const NOT_REACHED = "the database is not said to be older than it is";

/** `A` is added by `one` and then updated by `two`. */
export const [one, two] = [book("A", "one"), book("A", "two", 2)];
export const addOne = operation(1, 10, add("A", "one"), acknowledged(1, one));
export const updateTwo = operation(20, 40, update("A", "two"), acknowledged(2, two));
export const truth = database([null, one], [one, two]);
