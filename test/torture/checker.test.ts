import { describe, expect, test } from "vitest";
import type { Change, GroundTruth } from "./change-log.ts";
import { check } from "./checker.ts";
import type { Book, Operation, Outcome, Request } from "./history.ts";
import { timelinesOf } from "./timelines.ts";

const LEASE_MS = 200;

const book = (title: string, author: string, version = 1, id = 1): Book => ({
  id,
  title,
  author,
  publishedDate: null,
  isbn: null,
  stockQuantity: 0,
  version,
});

/** An operation from one instant to another, in milliseconds. No two instants of a history may be the same. */
function operation(
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
  return { id: from, client: "client", process: `process ${from}`, request, invoked, completed, outcome, ...more };
}

const add = (title: string, author: string): Request => ({ kind: "add", title, input: { author, stockQuantity: 0 } });
const update = (title: string, author: string, expectedVersion?: number): Request => {
  const request = { kind: "update" as const, title, input: { author } };
  return expectedVersion === undefined ? request : { ...request, expectedVersion };
};
const get = (title: string): Request => ({ kind: "book", title });
const list: Request = { kind: "books" };

const acknowledged = (revision: number, answered: Book): Outcome => ({
  kind: "acknowledged",
  revision,
  book: answered,
});
const read = (revision: number, ...books: Book[]): Outcome => ({ kind: "read", revision, servedBy: "redis", books });
const refused = (revision: number, type: string, more = {}): Outcome => ({
  kind: "refused",
  revision,
  refusal: { type, ...more },
});
const failed = (more: Partial<Extract<Outcome, { kind: "failed" }>> = {}): Outcome => ({
  kind: "failed",
  code: "ECONNRESET",
  message: "socket hang up",
  definite: false,
  excuse: "killed",
  ...more,
});

/** A database whose log holds these steps from one book to the next. */
function database(...steps: [before: Book | null, after: Book | null][]): GroundTruth {
  const books = new Map<string, Book>();
  const changes = steps.map(([before, after], index): Change => {
    if (before) books.delete(before.title);
    if (after) books.set(after.title, after);
    const kind = before ? (after ? "update" : "delete") : "add";
    return { revision: index + 1, token: `t${index + 1}`, previousToken: `t${index}`, kind, before, after };
  });
  const last = changes.at(-1);
  const sorted = [...books.values()].sort((a, b) => (a.title < b.title ? -1 : 1));
  const { revision = 0, token = "t0" } = last ?? {};
  return { changes, revision, token, readModel: null, leaseMs: LEASE_MS, books: sorted };
}

/** The rules that the checker finds broken. */
function broken(operations: Operation[], truth: GroundTruth): string[] {
  return [...new Set(check(operations, truth).map(({ rule }) => rule))];
}

const STALE = "no answer is older than an acknowledged mutation";
const OVERWRITTEN = "a register never shows what was overwritten before";
const NOT_THE_STATE = "a read is the state at the revision that it reports";
const LOST = "an acknowledged mutation is in the log, as it was answered";
const REFUSAL = "a refusal is right at the revision that it reports";
const ONCE = "an operation takes effect once if it may, and nothing else does";
const ONE_HISTORY = "the change log is one history";

/** `A` is added by `one` and then updated by `two`. */
const [one, two] = [book("A", "one"), book("A", "two", 2)];
const addOne = operation(1, 10, add("A", "one"), acknowledged(1, one));
const updateTwo = operation(20, 40, update("A", "two"), acknowledged(2, two));
const truth = database([null, one], [one, two]);

describe("the checker accepts", () => {
  test("reads that see a write or not while it is unacknowledged, even new before old", () => {
    const operations = [addOne, updateTwo, operation(22, 24, get("A"), read(2, two))];
    operations.push(operation(26, 28, get("A"), read(1, one)), operation(41, 42, get("A"), read(2, two)));
    operations.push(operation(43, 44, list, read(2, two)), operation(2, 3, get("A"), read(0)));
    expect(broken(operations, truth)).toEqual([]);
  });

  test("a write of unknown outcome that took effect, and one that did not", () => {
    const took = operation(20, 21, update("A", "two"), failed());
    const didNot = operation(22, 23, update("A", "three"), failed());
    const operations = [addOne, took, didNot, operation(30, 31, get("A"), read(1, one))];
    operations.push(operation(300, 301, get("A"), read(2, two)));
    expect(broken(operations, truth)).toEqual([]);
  });

  test("a delete of unknown outcome that took effect", () => {
    const unknown = operation(20, 21, { kind: "delete", title: "A" }, failed());
    const after = operation(30, 31, get("A"), read(2));
    expect(broken([addOne, unknown, after], database([null, one], [one, null]))).toEqual([]);
  });

  test("refusals for the right reason", () => {
    const operations = [
      addOne,
      updateTwo,
      operation(50, 51, add("A", "x"), refused(2, "TitleTakenError", { subject: "A" })),
      operation(52, 53, update("B", "y"), refused(2, "BookNotFoundError", { subject: "B" })),
      operation(
        54,
        55,
        update("A", "z", 1),
        refused(2, "VersionConflictError", { expectedVersion: 1, actualVersion: 2, book: two }),
      ),
    ];
    expect(broken(operations, truth)).toEqual([]);
  });
});

describe("the checker finds", () => {
  test("a stale read", () => {
    const stale = operation(50, 60, get("A"), read(1, one));
    expect(broken([addOne, updateTwo, stale], truth)).toEqual([STALE, OVERWRITTEN]);
  });

  test("a stale list", () => {
    const stale = operation(50, 60, list, read(1, one));
    expect(broken([addOne, updateTwo, stale], truth)).toEqual([STALE, OVERWRITTEN]);
  });

  test("a stale read that claims to be new", () => {
    const stale = operation(50, 60, get("A"), read(2, one));
    expect(broken([addOne, updateTwo, stale], truth)).toEqual([NOT_THE_STATE, OVERWRITTEN]);
  });

  test("a stale read even when the log is in a wrong order", () => {
    const [three, back] = [book("A", "two", 1), book("A", "one", 2)];
    const lied = [
      operation(1, 10, add("A", "one"), acknowledged(1, one)),
      operation(20, 40, update("A", "two"), acknowledged(2, two)),
      operation(50, 60, get("A"), read(2, back)),
    ];
    expect(broken(lied, database([null, three], [three, back]))).toContain(OVERWRITTEN);
  });

  test("a book that is missing after it was added, and one that is there after it was deleted", () => {
    const missing = operation(11, 12, get("A"), read(0));
    expect(broken([addOne, missing], database([null, one]))).toEqual([STALE, OVERWRITTEN]);
    const deleted = operation(20, 30, { kind: "delete", title: "A" }, acknowledged(2, one));
    const there = operation(40, 41, get("A"), read(1, one));
    expect(broken([addOne, deleted, there], database([null, one], [one, null]))).toEqual([STALE, OVERWRITTEN]);
  });

  test("the old title of a book that was renamed", () => {
    const renamed = { ...two, title: "B" };
    const rename = operation(
      20,
      40,
      { kind: "update", title: "A", input: { author: "two", title: "B" } },
      acknowledged(2, renamed),
    );
    const old = operation(50, 51, get("A"), read(1, one));
    expect(broken([addOne, rename, old], database([null, one], [one, renamed]))).toEqual([STALE, OVERWRITTEN]);
  });

  test("an acknowledged write that was lost", () => {
    expect(broken([addOne, updateTwo], database([null, one]))).toEqual([LOST]);
  });

  test("an acknowledged write that is in the log otherwise than it was answered", () => {
    const answered = operation(20, 40, update("A", "two"), acknowledged(2, { ...two, stockQuantity: 7 }));
    expect(broken([addOne, answered], truth)).toEqual([LOST]);
  });

  test("an update that changes what it was not asked to, or ignores the expected version", () => {
    const spoilt = { ...two, stockQuantity: 7 };
    const answered = operation(20, 40, update("A", "two"), acknowledged(2, spoilt));
    expect(broken([addOne, answered], database([null, one], [one, spoilt]))).toEqual([LOST]);
    const conditional = operation(20, 40, update("A", "two", 5), acknowledged(2, two));
    expect(broken([addOne, conditional], truth)).toEqual([LOST]);
  });

  test("a list that mixes two revisions", () => {
    const [a, b] = [book("A", "one"), book("B", "two", 1, 2)];
    const [a2, b2] = [book("A", "three", 2), book("B", "four", 2, 2)];
    const operations = [
      addOne,
      operation(20, 30, add("B", "two"), acknowledged(2, b)),
      operation(40, 80, update("A", "three"), acknowledged(3, a2)),
      operation(41, 81, update("B", "four"), acknowledged(4, b2)),
      // each book may be read so, but the two were never like this at once
      operation(50, 60, list, read(4, a, b2)),
    ];
    const log = database([null, a], [null, b], [a, a2], [b, b2]);
    expect(broken(operations, log)).toEqual([NOT_THE_STATE]);
  });

  test("a list in a wrong order, and a page that says what is not so", () => {
    const [upper, lower] = [book("B", "one"), book("a", "two", 1, 2)];
    const operations = [
      operation(1, 10, add("B", "one"), acknowledged(1, upper)),
      operation(20, 30, add("a", "two"), acknowledged(2, lower)),
    ];
    const log = database([null, upper], [null, lower]);
    expect(broken([...operations, operation(40, 50, list, read(2, lower, upper))], log)).toEqual([NOT_THE_STATE]);
    const request: Request = { kind: "page", limit: 1, backwards: false };
    const page = { totalCount: 2, hasPreviousPage: false, hasNextPage: true };
    const answer = read(2, upper) as Extract<Outcome, { kind: "read" }>;
    expect(broken([...operations, operation(40, 50, request, { ...answer, page })], log)).toEqual([]);
    for (const wrong of [{ totalCount: 1 }, { hasPreviousPage: true }, { hasNextPage: false }]) {
      const told = operation(40, 50, request, { ...answer, page: { ...page, ...wrong } });
      expect(broken([...operations, told], log)).toEqual([NOT_THE_STATE]);
    }
  });

  test("an unknown outcome that was shown and then never was", () => {
    const unknown = operation(20, 21, update("A", "two"), failed());
    const shown = operation(30, 31, get("A"), read(2, two));
    const gone = operation(32, 33, get("A"), read(1, one));
    expect(broken([addOne, unknown, shown, gone], database([null, one]))).toEqual([LOST]);
  });

  test("an unknown outcome that flickers for longer than a lease", () => {
    const unknown = operation(20, 21, update("A", "two"), failed());
    const shown = operation(30, 31, get("A"), read(2, two));
    const within = operation(100, 101, get("A"), read(1, one));
    expect(broken([addOne, unknown, shown, within], truth)).toEqual([]);
    const later = operation(300, 301, get("A"), read(1, one));
    expect(broken([addOne, unknown, shown, later], truth)).toEqual([
      "no answer is older than what was shown a lease ago",
    ]);
  });

  test("a process that goes back", () => {
    const process = "a#1";
    const operations = [addOne, updateTwo, operation(22, 24, get("A"), read(2, two), { process })];
    operations.push(operation(26, 28, get("A"), read(1, one), { process }));
    expect(broken(operations, truth)).toEqual(["no answer is older than what the same process has shown"]);
  });

  test("an answer that shows what was not yet asked for", () => {
    const early = operation(12, 13, get("A"), read(2, two));
    expect(broken([addOne, updateTwo, early], truth)).toEqual([
      "no answer shows what was not yet asked for",
      "a register holds what was written to it",
    ]);
  });

  test("an answer older than the client asked for, and a false claim that there is none", () => {
    const older = operation(22, 24, get("A"), read(1, one), { atLeast: 2 });
    expect(broken([addOne, updateTwo, older], truth)).toEqual(["no answer is older than the client asks for"]);
    const claim = operation(50, 51, get("A"), { kind: "not reached" }, { atLeast: 2 });
    expect(broken([addOne, updateTwo, claim], truth)).toEqual(["the database is not said to be older than it is"]);
    const honest = operation(50, 51, get("A"), { kind: "not reached" }, { atLeast: 3 });
    expect(broken([addOne, updateTwo, honest], truth)).toEqual([]);
  });

  test.each([
    ["not found, though it is there", update("A", "x"), refused(2, "BookNotFoundError", { subject: "A" })],
    ["taken, though it is free", add("B", "x"), refused(2, "TitleTakenError", { subject: "B" })],
    [
      "a conflict with the version that it has",
      update("A", "x", 2),
      refused(2, "VersionConflictError", { expectedVersion: 2, actualVersion: 2, book: two }),
    ],
    [
      "a conflict that shows another book",
      update("A", "x", 1),
      refused(2, "VersionConflictError", { expectedVersion: 1, actualVersion: 2, book: one }),
    ],
    ["invalid, though it is valid", add("B", "x"), refused(2, "ValidationError")],
    ["an ISBN that was not given", add("B", "x"), refused(2, "IsbnTakenError", { subject: "9780000000001" })],
  ])("a wrong refusal: %s", (_, request, outcome) => {
    expect(broken([addOne, updateTwo, operation(50, 60, request, outcome)], truth)).toEqual([REFUSAL]);
  });

  test("a refusal that is older than an acknowledged write", () => {
    const stale = operation(12, 13, update("A", "x"), refused(0, "BookNotFoundError", { subject: "A" }));
    expect(broken([addOne, stale], database([null, one]))).toEqual([STALE]);
  });

  test("a failure without an excuse", () => {
    const unexcused = operation(50, 51, get("A"), failed({ excuse: undefined }));
    expect(broken([addOne, updateTwo, unexcused], truth)).toEqual([
      "reads and writes do not fail while only Redis is ill",
    ]);
    expect(broken([addOne, updateTwo, operation(50, 51, get("A"), failed())], truth)).toEqual([]);
  });

  test("what takes effect though it was refused, twice, or asked for by nobody", () => {
    const refusedYet = operation(20, 30, update("A", "two"), failed({ definite: true }));
    expect(broken([addOne, refusedYet], truth)).toEqual([ONCE]);
    const again = book("A", "two", 3);
    expect(broken([addOne, updateTwo], database([null, one], [one, two], [two, again]))).toEqual([ONCE]);
    expect(broken([addOne], truth)).toEqual([ONCE]);
  });

  test("a log with a gap, and a table that is not what the log leads to", () => {
    const [first, second] = truth.changes as [Change, Change];
    const gap = { ...truth, changes: [first, { ...second, previousToken: "other" }] };
    expect(broken([addOne, updateTwo], gap)).toEqual([ONE_HISTORY]);
    expect(broken([addOne, updateTwo], { ...truth, books: [one] })).toEqual([ONE_HISTORY]);
  });
});

describe("when the database was restored from a copy that was made before the update, the checker", () => {
  const lostParts = [{ from: 15, to: 45, truth }];
  const other = book("A", "other", 2);
  const updateOther = operation(50, 60, update("A", "other"), acknowledged(2, other));
  const restored = database([null, one], [one, other]);
  const brokenIn = (operations: Operation[]) =>
    timelinesOf({ operations, lostParts }, restored).map((timeline) =>
      broken([...timeline.operations], timeline.truth),
    );

  test("accepts that the update is forgotten and its revision is taken by another", () => {
    const before = operation(41, 42, get("A"), read(2, two));
    const between = operation(46, 47, get("A"), read(1, one));
    const after = operation(70, 80, get("A"), read(2, other));
    expect(brokenIn([addOne, updateTwo, before, between, updateOther, after])).toEqual([[], []]);
  });

  test("finds what is older than the update before the restore", () => {
    const stale = operation(41, 42, get("A"), read(1, one));
    expect(brokenIn([addOne, updateTwo, stale, updateOther])).toEqual([[STALE, OVERWRITTEN], []]);
  });

  test("finds the forgotten update where it is still shown", () => {
    const shown = operation(70, 80, get("A"), read(2, two));
    expect(brokenIn([addOne, updateTwo, updateOther, shown])).toEqual([
      [],
      [NOT_THE_STATE, "a register holds what was written to it"],
    ]);
  });
});
