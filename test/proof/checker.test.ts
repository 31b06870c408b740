import { describe, expect, test } from "vitest";
import { Judge } from "../../proof/checker/judge.ts";
import type { Violation } from "../../proof/checker/violation.ts";
import type { Change } from "../../proof/history/change.ts";
import type { Operation } from "../../proof/history/operation.ts";
import {
  acknowledged,
  add,
  addOne,
  book,
  broken,
  database,
  failed,
  get,
  LOST,
  list,
  NEVER_THERE,
  NOT_THE_STATE,
  ONCE,
  ONE_HISTORY,
  OVERWRITTEN,
  one,
  operation,
  REFUSAL,
  read,
  refused,
  STALE,
  truth,
  two,
  update,
  updateTwo,
} from "./histories.ts";

describe("the checker accepts", () => {
  test("reads that see a write or not while it is unacknowledged, even new before old", async () => {
    const operations = [addOne, updateTwo, operation(22, 24, get("A"), read(2, two))];
    operations.push(operation(26, 28, get("A"), read(1, one)), operation(41, 42, get("A"), read(2, two)));
    operations.push(operation(43, 44, list, read(2, two)), operation(2, 3, get("A"), read(0)));
    expect(await broken(operations, truth)).toEqual([]);
  });

  test("a write of unknown outcome that took effect, and one that did not", async () => {
    const took = operation(20, 21, update("A", "two"), failed());
    const didNot = operation(22, 23, update("A", "three"), failed());
    const operations = [addOne, took, didNot, operation(30, 31, get("A"), read(1, one))];
    operations.push(operation(300, 301, get("A"), read(2, two)));
    expect(await broken(operations, truth)).toEqual([]);
  });

  test("a delete of unknown outcome that took effect", async () => {
    const unknown = operation(20, 21, { kind: "delete", title: "A" }, failed());
    const after = operation(30, 31, get("A"), read(2));
    expect(await broken([addOne, unknown, after], database([null, one], [one, null]))).toEqual([]);
  });

  test("refusals for the right reason", async () => {
    const operations = [
      addOne,
      updateTwo,
      operation(50, 51, add("A", "x"), refused(2, "TitleTakenError", { subject: "A", book: two })),
      operation(52, 53, update("B", "y"), refused(2, "BookNotFoundError", { subject: "B" })),
      operation(
        54,
        55,
        update("A", "z", 1),
        refused(2, "VersionConflictError", { expectedVersion: 1, actualVersion: 2, book: two }),
      ),
    ];
    expect(await broken(operations, truth)).toEqual([]);
  });
});

describe("while a log is read, the checker", () => {
  test("knows who makes a change that was asked for meanwhile, and awaits its answer", async () => {
    const violations: Violation[] = [];
    const judge = new Judge({ leaseMs: 200, scrubMs: 0, foreignMs: 0 }, (violation) => violations.push(violation));
    const note = (one: Operation, isInvocation: boolean) => judge.note(one, isInvocation);
    const [first, second] = [
      operation(0, 1, add("A", "one"), acknowledged(1, one)),
      operation(2, 3, update("A", "two"), acknowledged(2, two)),
    ];
    note(first, true);
    note(first, false);
    const read = async (since: number) => {
      // the update is committed between the beginning and the end of the cut
      note(second, true);
      return truth.changes.slice(since);
    };
    await judge.cut([{ name: "original", read }], 10);
    await judge.settle();
    expect(judge.counts.changes).toBe(0);
    note(second, false);
    await judge.settle();
    expect(judge.counts.changes).toBe(2);
    expect(violations).toEqual([]);
  });
});

describe("the checker finds", () => {
  test("a stale read", async () => {
    const stale = operation(50, 60, get("A"), read(1, one));
    expect(await broken([addOne, updateTwo, stale], truth)).toEqual([STALE, OVERWRITTEN]);
  });

  test("a stale list", async () => {
    const stale = operation(50, 60, list, read(1, one));
    expect(await broken([addOne, updateTwo, stale], truth)).toEqual([STALE, OVERWRITTEN]);
  });

  test("a stale read that claims to be new", async () => {
    const stale = operation(50, 60, get("A"), read(2, one));
    expect(await broken([addOne, updateTwo, stale], truth)).toEqual([NOT_THE_STATE, OVERWRITTEN]);
  });

  test("a stale read even when the log is in a wrong order", async () => {
    const [three, back] = [book("A", "two", 1), book("A", "one", 2)];
    const lied = [
      operation(1, 10, add("A", "one"), acknowledged(1, one)),
      operation(20, 40, update("A", "two"), acknowledged(2, two)),
      operation(50, 60, get("A"), read(2, back)),
    ];
    expect(await broken(lied, database([null, three], [three, back]))).toContain(OVERWRITTEN);
  });

  test("a book that is missing after it was added, and one that is there after it was deleted", async () => {
    const missing = operation(11, 12, get("A"), read(0));
    expect(await broken([addOne, missing], database([null, one]))).toEqual([STALE, OVERWRITTEN]);
    const deleted = operation(20, 30, { kind: "delete", title: "A" }, acknowledged(2, one));
    const there = operation(40, 41, get("A"), read(1, one));
    expect(await broken([addOne, deleted, there], database([null, one], [one, null]))).toEqual([STALE, OVERWRITTEN]);
  });

  test("the old title of a book that was renamed", async () => {
    const renamed = { ...two, title: "B" };
    const rename = operation(
      20,
      40,
      { kind: "update", title: "A", input: { author: "two", title: "B" } },
      acknowledged(2, renamed),
    );
    const old = operation(50, 51, get("A"), read(1, one));
    expect(await broken([addOne, rename, old], database([null, one], [one, renamed]))).toEqual([STALE, OVERWRITTEN]);
  });

  test("an acknowledged write that was lost", async () => {
    expect(await broken([addOne, updateTwo], database([null, one]))).toEqual([LOST]);
  });

  test("an acknowledged write that is in the log otherwise than it was answered", async () => {
    const answered = operation(20, 40, update("A", "two"), acknowledged(2, { ...two, stockQuantity: 7 }));
    expect(await broken([addOne, answered], truth)).toEqual([LOST]);
  });

  test("an update that changes what it was not asked to, or ignores the expected version", async () => {
    const spoilt = { ...two, stockQuantity: 7 };
    const answered = operation(20, 40, update("A", "two"), acknowledged(2, spoilt));
    expect(await broken([addOne, answered], database([null, one], [one, spoilt]))).toEqual([LOST]);
    const conditional = operation(20, 40, update("A", "two", 5), acknowledged(2, two));
    expect(await broken([addOne, conditional], truth)).toEqual([LOST]);
  });

  test("a list that mixes two revisions", async () => {
    const [a, b] = [book("A", "one"), book("B", "two", 2, 2)];
    const [a2, b2] = [book("A", "three", 3), book("B", "four", 4, 2)];
    const operations = [
      addOne,
      operation(20, 30, add("B", "two"), acknowledged(2, b)),
      operation(40, 80, update("A", "three"), acknowledged(3, a2)),
      operation(41, 81, update("B", "four"), acknowledged(4, b2)),
      // each book may be read so, but the two were never like this at once
      operation(50, 60, list, read(4, a, b2)),
    ];
    const log = database([null, a], [null, b], [a, a2], [b, b2]);
    expect(await broken(operations, log)).toEqual([NOT_THE_STATE]);
  });

  test("a list in a wrong order", async () => {
    const [b, a] = [book("B", "one"), book("ä", "two", 2, 2)];
    const operations = [
      operation(1, 10, add("B", "one"), acknowledged(1, b)),
      operation(20, 30, add("ä", "two"), acknowledged(2, a)),
    ];
    const log = database([null, b], [null, a]);
    expect(await broken([...operations, operation(40, 50, list, read(2, a, b))], log)).toEqual([]);
    expect(await broken([...operations, operation(40, 50, list, read(2, b, a))], log)).toEqual([NOT_THE_STATE]);
  });

  test("an unknown outcome that was shown and then never was", async () => {
    const unknown = operation(20, 21, update("A", "two"), failed());
    const shown = operation(30, 31, get("A"), read(2, two));
    const gone = operation(32, 33, get("A"), read(1, one));
    expect(await broken([addOne, unknown, shown, gone], database([null, one]))).toEqual([NEVER_THERE]);
  });

  test("an unknown outcome that flickers for longer than a lease", async () => {
    const unknown = operation(20, 21, update("A", "two"), failed());
    const shown = operation(30, 31, get("A"), read(2, two));
    const within = operation(100, 101, get("A"), read(1, one));
    expect(await broken([addOne, unknown, shown, within], truth)).toEqual([]);
    const later = operation(300, 301, get("A"), read(1, one));
    expect(await broken([addOne, unknown, shown, later], truth)).toEqual([
      "no answer is older than what was shown a lease ago",
    ]);
  });

  test("a process that goes back", async () => {
    const process = "a#1";
    const operations = [addOne, updateTwo, operation(22, 24, get("A"), read(2, two), { process })];
    operations.push(operation(26, 28, get("A"), read(1, one), { process }));
    expect(await broken(operations, truth)).toEqual(["no answer is older than what the same process has shown"]);
  });

  test("an answer that shows what was not yet asked for", async () => {
    const early = operation(12, 13, get("A"), read(2, two));
    expect(await broken([addOne, updateTwo, early], truth)).toEqual([
      "no answer shows what was not yet asked for",
      "a register holds what was written to it",
    ]);
  });

  test("an answer older than the client asked for, and a false claim that there is none", async () => {
    const older = operation(22, 24, get("A"), read(1, one), { atLeast: 2 });
    expect(await broken([addOne, updateTwo, older], truth)).toEqual(["no answer is older than the client asks for"]);
    const claim = operation(50, 51, get("A"), { kind: "not reached" }, { atLeast: 2 });
    expect(await broken([addOne, updateTwo, claim], truth)).toEqual([
      "the database is not said to be older than it is",
    ]);
    const honest = operation(50, 51, get("A"), { kind: "not reached" }, { atLeast: 3 });
    expect(await broken([addOne, updateTwo, honest], truth)).toEqual([]);
  });

  test.each([
    ["not found, though it is there", update("A", "x"), refused(2, "BookNotFoundError", { subject: "A" })],
    ["taken, though it is free", add("B", "x"), refused(2, "TitleTakenError", { subject: "B" })],
    ["taken, by the book as it was", add("A", "x"), refused(2, "TitleTakenError", { subject: "A", book: one })],
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
  ])("a wrong refusal: %s", async (_, request, outcome) => {
    expect(await broken([addOne, updateTwo, operation(50, 60, request, outcome)], truth)).toEqual([REFUSAL]);
  });

  test("a book whose version is not the revision that made it, or whose times are not those of the log", async () => {
    const faulty = [
      { ...two, version: 3 },
      { ...two, updatedAt: "2001-02-03T04:05:06.788Z" },
      { ...two, addedAt: "2001-02-03T04:05:06.788Z" },
    ];
    for (const wrong of faulty) {
      const answered = operation(20, 40, update("A", "two"), acknowledged(2, wrong));
      expect(await broken([addOne, answered], database([null, one], [one, wrong]))).toContain(ONE_HISTORY);
    }
  });

  test("a refusal that is older than an acknowledged write", async () => {
    const stale = operation(12, 13, update("A", "x"), refused(0, "BookNotFoundError", { subject: "A" }));
    expect(await broken([addOne, stale], database([null, one]))).toEqual([STALE]);
  });

  test("a failure without an excuse", async () => {
    const unexcused = operation(50, 51, get("A"), failed({ excuse: undefined }));
    expect(await broken([addOne, updateTwo, unexcused], truth)).toEqual([
      "reads and writes do not fail while only Redis is ill",
    ]);
    expect(await broken([addOne, updateTwo, operation(50, 51, get("A"), failed())], truth)).toEqual([]);
  });

  test("what takes effect though it was refused, twice, or asked for by nobody", async () => {
    const refusedYet = operation(20, 30, update("A", "two"), failed({ definite: true }));
    expect(await broken([addOne, refusedYet], truth)).toEqual([ONCE]);
    const again = book("A", "two", 3);
    expect(await broken([addOne, updateTwo], database([null, one], [one, two], [two, again]))).toEqual([ONCE]);
    expect(await broken([addOne], truth)).toEqual([ONCE]);
  });

  test("a log with a gap, and a table that is not what the log leads to", async () => {
    const [first, second] = truth.changes as [Change, Change];
    const gap = { ...truth, changes: [first, { ...second, previousToken: "other" }] };
    expect(await broken([addOne, updateTwo], gap)).toEqual([ONE_HISTORY]);
    expect(await broken([addOne, updateTwo], { ...truth, books: [one] })).toEqual([ONE_HISTORY]);
  });
});
