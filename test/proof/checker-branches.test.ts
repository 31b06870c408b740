import { describe, expect, test } from "vitest";
import type { GroundTruth } from "../../proof/history/change.ts";
import type { Book, Operation, Outcome, Query, Request } from "../../proof/history/operation.ts";
import {
  acknowledged,
  addOne,
  answers,
  book,
  brokenAt,
  database,
  FOREIGN,
  failed,
  get,
  list,
  NEVER_THERE,
  NOT_THE_STATE,
  OLDER_THAN_THE_COPY,
  ONE_HISTORY,
  OVERWRITTEN,
  one,
  operation,
  read,
  STALE,
  truth,
  two,
  UNWRITTEN,
  update,
  updateTwo,
  type Whole,
} from "./histories.ts";

describe("when the database was restored from a copy that was made before the update, the checker", () => {
  const before: Whole = { name: "original", truth };
  const other = book("A", "other", 2);
  const restored = database([null, one], [one, other]);
  const after: Whole = { name: "restored", origin: { branch: before, revision: 1 }, truth: restored };
  const here = { branch: "restored" };
  const updateOther = operation(50, 60, update("A", "other"), acknowledged(2, other), here);
  const brokenIn = (...operations: Operation[]) =>
    brokenAt([addOne, updateTwo, ...operations, updateOther], [before, after]);

  test("accepts that the update is forgotten and its revision is taken by another", async () => {
    const early = operation(41, 42, get("A"), read(2, two));
    const between = operation(46, 47, get("A"), read(1, one), here);
    const late = operation(70, 80, get("A"), read(2, other), here);
    expect(await brokenIn(early, between, late)).toEqual([[], []]);
  });

  test("finds what is older than the update before the restore", async () => {
    expect(await brokenIn(operation(41, 42, get("A"), read(1, one)))).toEqual([[STALE, OVERWRITTEN], []]);
  });

  test("finds the forgotten update where it is still shown", async () => {
    const shown = operation(70, 80, get("A"), read(2, two), here);
    expect(await brokenIn(shown)).toEqual([[], [NOT_THE_STATE, UNWRITTEN, FOREIGN]]);
  });
});

describe("when the database is copied while it goes on, the checker", () => {
  const [three, four] = [book("A", "three", 2), book("A", "four", 3)];
  const [here, there] = [{ branch: "original" }, { branch: "copy" }];
  const original: Whole = { name: "original", truth };
  const copied = database([null, one], [one, three], [three, four]);
  // the copy is made while the update is under way, and does not have it
  const copy: Whole = { name: "copy", origin: { branch: original, revision: 1 }, truth: copied };
  const updateThree = operation(41, 50, update("A", "three"), acknowledged(2, three), there);
  const updateFour = operation(51, 60, update("A", "four"), acknowledged(3, four), there);
  const history = [addOne, updateTwo, updateThree, updateFour];
  const brokenBy = (...operations: Operation[]) => brokenAt([...history, ...operations], [original, copy]);

  test("accepts that each goes on by itself", async () => {
    const ofOriginal = operation(70, 80, get("A"), read(2, two), here);
    const ofCopy = operation(71, 81, get("A"), read(3, four), there);
    expect(await brokenBy(ofOriginal, ofCopy)).toEqual([[], []]);
    const early = operation(26, 27, get("A"), read(1, one), there);
    expect(await brokenBy(early)).toEqual([[], []]);
  });

  test("accepts that a write of unknown outcome is in the original, in both or in neither", async () => {
    const unknown = operation(11, 12, update("A", "three"), failed());
    const [without, having] = [database([null, one]), database([null, one], [one, three])];
    for (const [first, second] of [
      [having, without],
      [having, having],
      [without, without],
    ] as const) {
      const from = { name: "original", truth: first };
      const origin = { branch: from, revision: second.revision };
      expect(await brokenAt([addOne, unknown], [from, { ...copy, truth: second, origin }])).toEqual([[], []]);
    }
  });

  test.each([
    ["of the same revision", read(2, three), [NOT_THE_STATE, UNWRITTEN, FOREIGN]],
    ["of a higher revision", read(3, four), [NEVER_THERE, UNWRITTEN, FOREIGN]],
    ["that has overtaken its own", read(3), [NEVER_THERE, OVERWRITTEN]],
  ])("finds a state of the copy %s that the original shows", async (_, shown, rules) => {
    expect(await brokenBy(operation(70, 80, get("A"), shown, here))).toEqual([rules, []]);
    expect(await brokenBy(operation(70, 80, list, shown, here))).toEqual([rules, []]);
  });

  test("finds a state of the original that the copy shows", async () => {
    const shown = operation(70, 80, get("A"), read(2, two), there);
    expect(await brokenBy(shown)).toEqual([[], [STALE, NOT_THE_STATE, UNWRITTEN, FOREIGN]]);
  });

  test("finds an acknowledged write of the original that vanished behind the copy's mark", async () => {
    const vanished = operation(70, 80, get("A"), read(3, one), here);
    expect(await brokenBy(vanished)).toEqual([[NEVER_THERE, OVERWRITTEN], []]);
  });

  describe("that tolerates states of the copy for 100 ms", () => {
    const process = "a#1";
    const at = (ms: number, outcome: Outcome) => operation(ms, ms + 1, get("A"), outcome, { ...here, process });
    const judge = async (truth: GroundTruth, ...operations: Operation[]) => {
      const branch: Whole = { name: "original", truth };
      const branches = [branch, { ...copy, origin: { branch, revision: 1 } }];
      const all = [addOne, updateThree, updateFour, ...operations];
      return (await brokenAt(all, branches, { foreignMs: 100 }))[0];
    };
    const still = database([null, one]);

    test("lets a process show them for so long", async () => {
      const shown = [at(70, read(3, four)), at(80, read(2, three)), at(160, read(3, four)), at(180, read(1, one))];
      expect(await judge(still, ...shown)).toEqual([]);
      const late = [NEVER_THERE, UNWRITTEN, FOREIGN];
      expect(await judge(still, at(70, read(3, four)), at(180, read(3, four)))).toEqual(late);
      const fromTable = { ...read(3, four), servedBy: "database" } as Outcome;
      expect(await judge(still, at(70, read(3, four)), at(80, fromTable))).toEqual(late);
    });

    test("lets a process that has met one copy meet another later", async () => {
      const five = book("A", "five", 2);
      const branch: Whole = { name: "original", truth: still };
      const later: Whole = {
        name: "later copy",
        origin: { branch, revision: 1 },
        truth: database([null, one], [one, five]),
      };
      const branches = [branch, { ...copy, origin: { branch, revision: 1 } }, later];
      const updateFive = operation(61, 65, update("A", "five"), acknowledged(2, five), { branch: "later copy" });
      const all = [addOne, updateThree, updateFour, updateFive, at(70, read(3, four)), at(300, read(2, five))];
      const [broken] = await brokenAt(all, branches, { foreignMs: 100 });
      expect(broken).toEqual([]);
      const [late] = await brokenAt([...all, at(450, read(2, five))], branches, { foreignMs: 100 });
      expect(late).toEqual([NEVER_THERE, UNWRITTEN, FOREIGN]);
    });

    test("lets a process go back behind what may have been of either, until its own is acknowledged", async () => {
      const absent = (ms: number, revision: number) =>
        operation(ms, ms + 1, get("C"), read(revision), { ...here, process });
      const own = (end: number) => operation(65, end, update("A", "two"), acknowledged(2, two), here);
      expect(await judge(truth, absent(70, 2), absent(80, 1), own(90))).toEqual([]);
      expect(await judge(truth, own(66), absent(70, 2), absent(80, 1))).toContain(STALE);
    });

    test("finds what is of neither history", async () => {
      expect(await judge(still, at(70, read(3, four)), at(80, read(3)))).toEqual([NEVER_THERE, OVERWRITTEN]);
      expect(await judge(still, at(70, read(3, four)), at(80, read(3, three)))).toEqual([
        NEVER_THERE,
        UNWRITTEN,
        FOREIGN,
      ]);
    });

    test("tolerates several reads of which one is of each history, but no mixture beside them", async () => {
      const request: Request = { kind: "several", queries: [get("A"), get("A")] as Query[] };
      const both = (ms: number, ...books: Book[]) => {
        const outcome = answers(1, ...books.map((shown) => ({ books: [shown] })));
        return operation(ms, ms + 1, request, outcome, { ...here, process });
      };
      expect(await judge(still, both(70, one, four))).toEqual([]);
      expect(await judge(still, both(70, one, book("A", "four", 2)))).toContain(NOT_THE_STATE);
    });

    test("lets a process show them with what became of the book, which the database tells", async () => {
      const changes = copied.changes.slice();
      const told = (revision: number) =>
        ({ ...answers(revision, { books: [four], changes }), servedBy: "both" }) as Outcome;
      const asked = (ms: number, revision: number) =>
        operation(ms, ms + 1, { kind: "history", title: "A" }, told(revision), { ...here, process });
      expect(await judge(still, asked(70, 3))).toEqual([]);
      // the database, which was asked later, has not come as far
      expect(await judge(still, asked(70, 1))).toEqual([]);
      expect(await judge(still, asked(70, 3), asked(180, 3))).not.toEqual([]);
    });

    test("finds them in place of what was acknowledged since", async () => {
      expect(await judge(truth, updateTwo, at(70, read(3, four)))).toEqual([NEVER_THERE, UNWRITTEN, FOREIGN]);
      // what is merely old is no state of the copy
      expect(await judge(truth, updateTwo, at(70, read(1, one)))).toEqual([STALE, OVERWRITTEN]);
    });
  });

  test("finds what is older than the copy", async () => {
    const older = operation(26, 27, get("A"), read(0), there);
    expect(await brokenBy(older)).toEqual([[], [OLDER_THAN_THE_COPY, OVERWRITTEN]]);
  });

  test("finds a copy that lacks what was acknowledged before it was made", async () => {
    const lacking: Whole = { ...copy, truth: database() };
    expect(await brokenAt([addOne, updateTwo], [original, lacking])).toEqual([[], [ONE_HISTORY]]);
  });

  test("finds a state of a copy of the copy, and of one that is gone", async () => {
    const five = book("A", "five", 3);
    const state = database([null, one], [one, three], [three, five]);
    const again: Whole = { name: "again", origin: { branch: copy, revision: 2 }, truth: state };
    const own = operation(61, 65, update("A", "five"), acknowledged(3, five), { branch: "again" });
    const right = operation(70, 80, get("A"), read(3, five), { branch: "again" });
    const operations = [...history, own, right];
    expect(await brokenAt(operations, [original, copy, again])).toEqual([[], [], []]);
    const wrong = operation(81, 90, get("A"), read(3, five), there);
    expect((await brokenAt([...operations, wrong], [original, copy, again]))[1]).toEqual([
      NOT_THE_STATE,
      UNWRITTEN,
      FOREIGN,
    ]);
    const further = operation(81, 90, get("A"), read(3, four), { branch: "again" });
    expect((await brokenAt([...operations, further], [original, copy, again]))[2]).toEqual([
      NOT_THE_STATE,
      UNWRITTEN,
      FOREIGN,
    ]);
  });
});
