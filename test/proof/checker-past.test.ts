import { describe, expect, test } from "vitest";
import type { Change } from "../../proof/history/change.ts";
import type { Outcome, Request } from "../../proof/history/operation.ts";
import {
  addOne,
  answers,
  book,
  brokenAt,
  NOT_AS_IT_WAS,
  NOT_ITS_HISTORY,
  NOT_REACHED,
  one,
  operation,
  read,
  SHORTER,
  type Told,
  truth,
  two,
  updateTwo,
} from "./histories.ts";

describe("of a book as it was at a revision, the checker", () => {
  const past = (asOf: number): Request => ({ kind: "past", title: "A", asOf });
  const answered = (...shown: Parameters<typeof read>) => ({ ...read(...shown), servedBy: "database" }) as Outcome;
  const brokenBy = async (request: Request, outcome: Outcome, trimmedTo = 0) => {
    const history = [addOne, updateTwo, operation(50, 60, request, outcome)];
    return (await brokenAt(history, [{ name: "original", truth, trimmedTo }]))[0];
  };

  test("accepts what was there then, whatever has overwritten it since", async () => {
    expect(await brokenBy(past(0), answered(2))).toEqual([]);
    expect(await brokenBy(past(1), answered(2, one))).toEqual([]);
    expect(await brokenBy(past(2), answered(2, two))).toEqual([]);
  });

  test("finds what was not", async () => {
    expect(await brokenBy(past(0), answered(2, one))).toEqual([NOT_AS_IT_WAS]);
    expect(await brokenBy(past(1), answered(2))).toEqual([NOT_AS_IT_WAS]);
    expect(await brokenBy(past(1), answered(2, two))).toEqual([NOT_AS_IT_WAS]);
    expect(await brokenBy(past(2), answered(2, one))).toEqual([NOT_AS_IT_WAS]);
    expect(await brokenBy(past(1), answered(2, { ...book("A", "one"), stockQuantity: 7 }))).toEqual([NOT_AS_IT_WAS]);
  });

  test("finds that a revision is refused which was reached, and accepts it of one that was not", async () => {
    expect(await brokenBy(past(2), { kind: "not reached" })).toEqual([NOT_REACHED]);
    expect(await brokenBy(past(3), { kind: "not reached" })).toEqual([]);
  });

  test("finds that a log is said to be shorter than it is", async () => {
    expect(await brokenBy(past(0), { kind: "trimmed", oldest: 1 }, 1)).toEqual([]);
    expect(await brokenBy(past(0), { kind: "trimmed", oldest: 2 }, 1)).toEqual([SHORTER]);
    expect(await brokenBy(past(1), { kind: "trimmed", oldest: 1 }, 1)).toEqual([SHORTER]);
  });
});

describe("of what became of a book, the checker", () => {
  const [first, second] = truth.changes as [Change, Change];
  const brokenBy = async (outcome: Outcome, trimmedTo = 0, beside: Told = {}) => {
    const history = [addOne, updateTwo, operation(50, 60, { kind: "history", title: "A" }, outcome)];
    return (await brokenAt(history, [{ name: "original", truth, trimmedTo }], beside))[0];
  };
  const told = (...changes: Change[]) => answers(2, { books: [two], changes });

  test("accepts what the log says, the newest first, as far back as that reaches", async () => {
    expect(await brokenBy(told(second, first))).toEqual([]);
    expect(await brokenBy(told(second), 1)).toEqual([]);
    expect(await brokenBy(told(second, first), 1)).toEqual([]);
  });

  test("finds what is missing, out of order, told twice, or otherwise than it was", async () => {
    for (const changes of [
      [],
      [second],
      [first],
      [first, second],
      [second, second, first],
      [second, { ...first, after: two }],
      [{ ...second, before: null, kind: "add" }, first],
    ]) {
      expect(await brokenBy(told(...changes))).toEqual([NOT_ITS_HISTORY]);
    }
    expect(await brokenBy(answers(2, { books: [one], changes: [second, first] }))).toEqual([NOT_ITS_HISTORY]);
  });

  test("accepts anything of a row that somebody has just edited by hand, unless it is the table that tells", async () => {
    const shown = answers(2, { books: [{ ...two, stockQuantity: 7 }], changes: [second, first] });
    const beside = { edits: [{ title: "A", at: 45 }], scrubMs: 100 };
    expect(await brokenBy(shown, 0, beside)).toEqual([]);
    expect(await brokenBy({ ...shown, servedBy: "database" } as Outcome, 0, beside)).toEqual([NOT_ITS_HISTORY]);
  });
});
