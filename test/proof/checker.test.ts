import { describe, expect, test } from "vitest";
import type { Change, GroundTruth } from "../../proof/torture/change-log.ts";
import { check } from "../../proof/torture/checker/checker.ts";
import { Edits } from "../../proof/torture/checker/edits.ts";
import { withoutForeign, writersOf } from "../../proof/torture/checker/foreign.ts";
import { type Timeline, timelinesOf } from "../../proof/torture/checker/timelines.ts";
import type { Violation } from "../../proof/torture/checker/violation.ts";
import type { Book, Branch, Operation, Outcome, Request } from "../../proof/torture/history.ts";

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

const NO_EDITS = new Edits([], 0);

/** The rules that the checker finds broken. */
function broken(operations: Operation[], truth: GroundTruth, edits = NO_EDITS): string[] {
  const timeline = { branch: { name: "original", truth }, operations, inherited: [], truth, since: 0 };
  return rulesOf(check(timeline, edits, writersOf(operations)));
}

/** The rules that the checker finds broken at each branch. */
function brokenAt(operations: Operation[], branches: Branch[]): string[][] {
  const writers = writersOf(operations);
  return timelinesOf({ operations, branches }).map((timeline) => rulesOf(check(timeline, NO_EDITS, writers)));
}

function rulesOf(violations: Violation[]): string[] {
  return [...new Set(violations.map(({ rule }) => rule))];
}

const STALE = "no answer is older than an acknowledged mutation";
const OVERWRITTEN = "a register never shows what was overwritten before";
const NOT_THE_STATE = "a read is the state at the revision that it reports";
const LOST = "an acknowledged mutation is in the log, as it was answered";
const REFUSAL = "a refusal is right at the revision that it reports";
const ONCE = "an operation takes effect once if it may, and nothing else does";
const UNWRITTEN = "a register holds what was written to it";
const FOREIGN = "no answer shows what only another history holds";
const NEVER_THERE = "no answer is of a revision that its database never had";
const OLDER_THAN_THE_COPY = "no answer is older than what its database began with";
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
    expect(broken([addOne, unknown, shown, gone], database([null, one]))).toEqual([NEVER_THERE]);
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
  const before: Branch = { name: "original", truth };
  const other = book("A", "other", 2);
  const restored = database([null, one], [one, other]);
  const after: Branch = { name: "restored", origin: { branch: before, revision: 1, order: 15 }, truth: restored };
  const here = { branch: "restored" };
  const updateOther = operation(50, 60, update("A", "other"), acknowledged(2, other), here);
  const brokenIn = (...operations: Operation[]) =>
    brokenAt([addOne, updateTwo, ...operations, updateOther], [before, after]);

  test("accepts that the update is forgotten and its revision is taken by another", () => {
    const early = operation(41, 42, get("A"), read(2, two));
    const between = operation(46, 47, get("A"), read(1, one), here);
    const late = operation(70, 80, get("A"), read(2, other), here);
    expect(brokenIn(early, between, late)).toEqual([[], []]);
  });

  test("finds what is older than the update before the restore", () => {
    expect(brokenIn(operation(41, 42, get("A"), read(1, one)))).toEqual([[STALE, OVERWRITTEN], []]);
  });

  test("finds the forgotten update where it is still shown", () => {
    const shown = operation(70, 80, get("A"), read(2, two), here);
    expect(brokenIn(shown)).toEqual([[], [NOT_THE_STATE, UNWRITTEN, FOREIGN]]);
  });
});

describe("when the database is copied while it goes on, the checker", () => {
  const [three, four] = [book("A", "three", 2), book("A", "four", 3)];
  const [here, there] = [{ branch: "original" }, { branch: "copy" }];
  const original: Branch = { name: "original", truth };
  const copied = database([null, one], [one, three], [three, four]);
  // the copy is made while the update is under way, and does not have it
  const copy: Branch = { name: "copy", origin: { branch: original, revision: 1, order: 25 }, truth: copied };
  const updateThree = operation(41, 50, update("A", "three"), acknowledged(2, three), there);
  const updateFour = operation(51, 60, update("A", "four"), acknowledged(3, four), there);
  const history = [addOne, updateTwo, updateThree, updateFour];
  const brokenBy = (...operations: Operation[]) => brokenAt([...history, ...operations], [original, copy]);

  test("accepts that each goes on by itself", () => {
    const ofOriginal = operation(70, 80, get("A"), read(2, two), here);
    const ofCopy = operation(71, 81, get("A"), read(3, four), there);
    expect(brokenBy(ofOriginal, ofCopy)).toEqual([[], []]);
    const early = operation(26, 27, get("A"), read(1, one), there);
    expect(brokenBy(early)).toEqual([[], []]);
  });

  test("accepts that a write of unknown outcome is in the original, in the copy, in both or in neither", () => {
    const unknown = operation(11, 12, update("A", "three"), failed());
    const states = [database([null, one]), database([null, one], [one, three])];
    for (const first of states) {
      for (const second of states) {
        const [from, to] = [
          { name: "original", truth: first },
          { ...copy, truth: second },
        ];
        const origin = { branch: from, revision: second.revision, order: 25 };
        expect(brokenAt([addOne, unknown], [from, { ...to, origin }])).toEqual([[], []]);
      }
    }
  });

  test.each([
    ["of the same revision", read(2, three), [NOT_THE_STATE, UNWRITTEN, FOREIGN]],
    ["of a higher revision", read(3, four), [NEVER_THERE, UNWRITTEN, FOREIGN]],
    ["that has overtaken its own", read(3), [NEVER_THERE, OVERWRITTEN]],
  ])("finds a state of the copy %s that the original shows", (_, shown, rules) => {
    expect(brokenBy(operation(70, 80, get("A"), shown, here))).toEqual([rules, []]);
    expect(brokenBy(operation(70, 80, list, shown, here))).toEqual([rules, []]);
  });

  test("finds a state of the original that the copy shows", () => {
    const shown = operation(70, 80, get("A"), read(2, two), there);
    expect(brokenBy(shown)).toEqual([[], [NOT_THE_STATE, STALE, UNWRITTEN, FOREIGN]]);
  });

  test("finds an acknowledged write of the original that vanished behind the copy's mark", () => {
    const vanished = operation(70, 80, get("A"), read(3, one), here);
    expect(brokenBy(vanished)).toEqual([[NEVER_THERE, OVERWRITTEN], []]);
  });

  describe("that tolerates states of the copy for 100 ms", () => {
    const process = "a#1";
    const at = (ms: number, outcome: Outcome) => operation(ms, ms + 1, get("A"), outcome, { ...here, process });
    const judge = (truth: GroundTruth, ...operations: Operation[]) => {
      const branch: Branch = { name: "original", truth };
      const branches = [branch, { ...copy, origin: { branch, revision: 1, order: 25 } }];
      const all = [addOne, updateThree, updateFour, ...operations];
      const [timeline] = timelinesOf({ operations: all, branches });
      const tolerant = withoutForeign(timeline as Timeline, branches, writersOf(all), 100);
      return rulesOf(check(tolerant, NO_EDITS, writersOf(all)));
    };
    const still = database([null, one]);

    test("lets a process show them for so long", () => {
      expect(
        judge(still, at(70, read(3, four)), at(80, read(3)), at(160, read(3, four)), at(180, read(1, one))),
      ).toEqual([]);
      expect(judge(still, at(70, read(3, four)), at(180, read(3, four)))).toEqual([NEVER_THERE, UNWRITTEN, FOREIGN]);
      const fromTable = { ...read(3, four), servedBy: "database" } as Outcome;
      expect(judge(still, at(70, read(3, four)), at(80, fromTable))).toEqual([NEVER_THERE, UNWRITTEN, FOREIGN]);
    });

    test("finds them in place of what was acknowledged since", () => {
      expect(judge(truth, updateTwo, at(70, read(3, four)))).toEqual([NEVER_THERE, UNWRITTEN, FOREIGN]);
      // what is merely old is no state of the copy
      expect(judge(truth, updateTwo, at(70, read(1, one)))).toEqual([STALE, OVERWRITTEN]);
    });
  });

  test("finds what is older than the copy", () => {
    const older = operation(26, 27, get("A"), read(0), there);
    expect(brokenBy(older)).toEqual([[], [OLDER_THAN_THE_COPY, OVERWRITTEN]]);
  });

  test("finds a copy that lacks what was acknowledged before it was made", () => {
    const lacking: Branch = { ...copy, truth: database() };
    expect(brokenAt([addOne, updateTwo], [original, lacking])).toEqual([[], [LOST]]);
  });

  test("finds a state of a copy of the copy, and of one that is gone", () => {
    const five = book("A", "five", 3);
    const again: Branch = { name: "again", origin: { branch: copy, revision: 2, order: 52 } };
    again.truth = database([null, one], [one, three], [three, five]);
    const own = operation(61, 65, update("A", "five"), acknowledged(3, five), { branch: "again" });
    const right = operation(70, 80, get("A"), read(3, five), { branch: "again" });
    const operations = [...history, own, right];
    expect(brokenAt(operations, [original, copy, again])).toEqual([[], [], []]);
    const wrong = operation(81, 90, get("A"), read(3, five), there);
    expect(brokenAt([...operations, wrong], [original, copy, again])[1]).toEqual([NOT_THE_STATE, UNWRITTEN, FOREIGN]);
    const further = operation(81, 90, get("A"), read(3, four), { branch: "again" });
    expect(brokenAt([...operations, further], [original, copy, again])[2]).toEqual([NOT_THE_STATE, UNWRITTEN, FOREIGN]);
  });
});

describe("when a row of the read model was changed by hand, the checker", () => {
  const edits = new Edits([{ title: "A", at: 50 }], 100);
  const byHand = book("A", "by hand", 2);
  const other = book("B", "other", 1, 2);
  const both = database([null, one], [one, two], [null, other]);
  const history = [addOne, updateTwo, operation(41, 45, add("B", "other"), acknowledged(3, other))];
  const brokenBy = (operation: Operation) => broken([...history, operation], both, edits);

  test("accepts wrong answers about it for a while", () => {
    expect(brokenBy(operation(60, 70, get("A"), read(3, byHand)))).toEqual([]);
    expect(brokenBy(operation(60, 70, get("A"), read(3)))).toEqual([]);
    expect(brokenBy(operation(60, 70, list, read(3, other)))).toEqual([]);
    expect(brokenBy(operation(60, 70, list, read(3, other, byHand)))).toEqual([]);
  });

  test("finds them before and after that", () => {
    for (const [from, to] of [
      [46, 48],
      [151, 152],
    ] as const) {
      expect(brokenBy(operation(from, to, get("A"), read(3, byHand)))).toEqual([NOT_THE_STATE, UNWRITTEN]);
      expect(brokenBy(operation(from, to, list, read(3, other)))).toEqual([NOT_THE_STATE, OVERWRITTEN]);
    }
  });

  test("finds wrong answers about others, and from the database", () => {
    expect(brokenBy(operation(60, 70, get("B"), read(3)))).toEqual([NOT_THE_STATE, OVERWRITTEN]);
    expect(brokenBy(operation(60, 70, list, read(3, byHand)))).toEqual([NOT_THE_STATE, OVERWRITTEN]);
    const fromTable = { ...read(3, byHand), servedBy: "database" } as Outcome;
    expect(brokenBy(operation(60, 70, get("A"), fromTable))).toEqual([NOT_THE_STATE, UNWRITTEN]);
  });

  test("finds an answer that is too old", () => {
    expect(brokenBy(operation(60, 70, get("A"), read(1, one)))).toEqual([STALE]);
  });
});

describe("of the parts of an answer, the checker finds", () => {
  const other = { ...book("B", "other", 1, 2), isbn: "9780000000001" };
  const asked: Request = { kind: "add", title: "B", input: { author: "other", stockQuantity: 0, isbn: other.isbn } };
  const log = database([null, one], [one, two], [null, other]);
  const brokenBy = (request: Request, outcome: Outcome) =>
    broken(
      [addOne, updateTwo, operation(41, 45, asked, acknowledged(3, other)), operation(60, 70, request, outcome)],
      log,
    );
  const stateOf = (rules: string[]) => rules.filter((rule) => rule === NOT_THE_STATE);

  test("a form whose values are not its book's", () => {
    const form: Request = { kind: "form", title: "A" };
    expect(brokenBy(form, read(3, two, two))).toEqual([]);
    expect(brokenBy(form, read(3))).toEqual([NOT_THE_STATE, OVERWRITTEN]);
    expect(stateOf(brokenBy(form, read(3, two, one)))).toEqual([NOT_THE_STATE]);
    expect(stateOf(brokenBy(form, read(3, two, { ...two, stockQuantity: 9 })))).toEqual([NOT_THE_STATE]);
  });

  test("another book under an id, one that is left out, and one that is not there", () => {
    const nodes: Request = { kind: "nodes", ids: [2, 7, 1] };
    expect(brokenBy(nodes, read(3, other, two))).toEqual([]);
    for (const shown of [[two, other], [other], [other, two, two], [other, one]]) {
      expect(stateOf(brokenBy(nodes, read(3, ...shown)))).toEqual([NOT_THE_STATE]);
    }
  });

  test("another book under an ISBN, or none", () => {
    const isbn: Request = { kind: "isbn", isbn: "9780000000001" };
    expect(brokenBy(isbn, read(3, other))).toEqual([]);
    for (const shown of [[], [two]]) expect(stateOf(brokenBy(isbn, read(3, ...shown)))).toEqual([NOT_THE_STATE]);
  });
});
