import { describe, expect, test } from "vitest";
import type { Book, Mutation, Outcome } from "../../proof/history/operation.ts";
import {
  acknowledged,
  add,
  book,
  broken,
  database,
  failed,
  get,
  LOST,
  ONCE,
  operation,
  REFUSAL,
  read,
  refused,
  STALE,
} from "./histories.ts";

const stocked = (stockQuantity: number, version: number): Book => ({ ...book("A", "one", version), stockQuantity });
const [ten, seven, four] = [stocked(10, 1), stocked(7, 2), stocked(4, 3)];
const addTen = operation(
  0,
  1,
  { ...add("A", "one"), input: { author: "one", stockQuantity: 10 } } as Mutation,
  acknowledged(1, ten),
);
const sell = (by: number, key?: string): Mutation => ({
  kind: "adjust",
  title: "A",
  by,
  ...(key !== undefined && { key }),
});

/** What is broken when these are answered by a database in which three were sold, and then as the last two say. */
function brokenBy(...more: (readonly [from: number, request: Mutation, outcome: Outcome])[]) {
  const operations = more.map(([from, request, outcome]) => operation(from, from + 1, request, outcome));
  return broken([addTen, ...operations], database([null, ten], [ten, seven]));
}

describe("of mutations with a key the checker accepts", () => {
  test("one whose answer was lost, and which is then told by a repeat", async () => {
    expect(await brokenBy([10, sell(-3, "k"), failed()], [20, sell(-3, "k"), acknowledged(2, seven)])).toEqual([]);
  });

  test("one that was not done at first, and one that was refused at first", async () => {
    const notYet = failed({ code: "DATABASE_UNAVAILABLE", definite: true });
    expect(await brokenBy([10, sell(-3, "k"), notYet], [20, sell(-3, "k"), acknowledged(2, seven)])).toEqual([]);
    const early = operation(2, 3, sell(-3, "k"), refused(0, "BookNotFoundError", { subject: "A" }));
    const late = { ...addTen, invoked: { order: 4, ms: 4 }, completed: { order: 5, ms: 5 } };
    const done = operation(20, 21, sell(-3, "k"), acknowledged(2, seven));
    expect(await broken([early, late, done], database([null, ten], [ten, seven]))).toEqual([]);
  });

  test("repeats at later revisions, with what was done first", async () => {
    const operations = [
      addTen,
      operation(10, 11, sell(-3, "k"), acknowledged(2, seven)),
      operation(20, 21, sell(-3), failed()),
      operation(30, 31, sell(-3, "k"), acknowledged(3, seven)),
    ];
    // one without a key takes another number
    (operations[2] as { request: Mutation }).request = { kind: "adjust", title: "A", by: -2 };
    const five = stocked(5, 3);
    expect(await broken(operations, database([null, ten], [ten, seven], [seven, five]))).toEqual([]);
  });

  test("another mutation that is refused because the key was used, and one that asks for too much", async () => {
    expect(
      await brokenBy(
        [10, sell(-3, "k"), acknowledged(2, seven)],
        [20, sell(-4, "k"), refused(2, "IdempotencyKeyReusedError")],
        [30, sell(-8, "l"), refused(2, "InsufficientStockError", { available: 7 })],
        [40, sell(2_147_483_641), refused(2, "ValidationError", { fields: ["by"] })],
        [50, sell(0, "k"), refused(2, "ValidationError", { fields: ["by"] })],
      ),
    ).toEqual([]);
  });
});

describe("of mutations with a key the checker finds", () => {
  test("one that was done twice", async () => {
    const operations = [
      addTen,
      operation(10, 11, sell(-3, "k"), failed()),
      operation(20, 21, sell(-3, "k"), acknowledged(3, four)),
    ];
    expect(await broken(operations, database([null, ten], [ten, seven], [seven, four]))).toContain(ONCE);
  });

  test("a repeat that is answered with another state, or at a revision from before", async () => {
    const first = [10, sell(-3, "k"), acknowledged(2, seven)] as const;
    expect(await brokenBy(first, [20, sell(-3, "k"), acknowledged(2, ten)])).toEqual([LOST]);
    expect(await brokenBy(first, [20, sell(-3, "k"), acknowledged(1, seven)])).toContain(LOST);
  });

  test("a repeat that is refused, though it was done", async () => {
    const first = [10, sell(-3, "k"), acknowledged(2, seven)] as const;
    expect(await brokenBy(first, [20, sell(-3, "k"), refused(2, "IdempotencyKeyReusedError")])).toEqual([REFUSAL]);
    expect(await brokenBy(first, [20, sell(-3, "k"), refused(2, "BookNotFoundError", { subject: "A" })])).toEqual([
      REFUSAL,
    ]);
  });

  test("a key that is refused though it is free, and one that stands for two", async () => {
    expect(
      await brokenBy(
        [5, sell(-4, "k"), refused(1, "IdempotencyKeyReusedError")],
        [10, sell(-3), acknowledged(2, seven)],
      ),
    ).toEqual([REFUSAL]);
    const operations = [
      addTen,
      operation(10, 11, sell(-2, "k"), acknowledged(2, stocked(8, 2))),
      operation(20, 21, sell(-4, "k"), acknowledged(3, four)),
    ];
    const eight = stocked(8, 2);
    expect(await broken(operations, database([null, ten], [ten, eight], [eight, four]))).toContain(ONCE);
  });

  test("a read that is older than the answer to a repeat", async () => {
    const operations = [
      addTen,
      operation(10, 11, sell(-3, "k"), failed()),
      operation(20, 21, sell(-3, "k"), acknowledged(2, seven)),
      operation(22, 23, get("A"), read(1, ten)),
    ];
    expect(await broken(operations, database([null, ten], [ten, seven]))).toEqual([STALE]);
  });

  test("stock that was taken and was not there, or is refused though it is", async () => {
    const below = stocked(-1, 2);
    const operations = [addTen, operation(10, 11, sell(-11), acknowledged(2, below))];
    expect(await broken(operations, database([null, ten], [ten, below]))).toContain("stock is never less than 0");
    expect(
      await brokenBy(
        [10, sell(-3), acknowledged(2, seven)],
        [20, sell(-7), refused(2, "InsufficientStockError", { available: 7 })],
      ),
    ).toEqual([REFUSAL]);
  });
});
