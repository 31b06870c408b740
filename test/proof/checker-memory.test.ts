import { expect, test } from "vitest";
import { Judge } from "../../proof/checker/judge.ts";
import type { Violation } from "../../proof/checker/violation.ts";
import type { Branch } from "../../proof/history/branch.ts";
import type { Change } from "../../proof/history/change.ts";
import type { Book, Operation } from "../../proof/history/operation.ts";
import { acknowledged, add, answers, book, failed, get, read, update } from "./histories.ts";

const MINUTES = 20;
/** Rounds of a write and a read in a second. */
const RATE = 10;

/** A long run: a book that is updated again and again, and read each time, and now and then a write without an answer. */
async function judged(onRound: (operation: Operation, round: number) => void = () => {}) {
  const violations: Violation[] = [];
  const judge = new Judge({ leaseMs: 200, scrubMs: 0, foreignMs: 0 }, (violation) => violations.push(violation));
  const changes: Change[] = [];
  const branch: Branch = { name: "original", read: async (since) => changes.slice(since) };
  const sizes: ReturnType<() => Judge["size"]>[] = [];
  let order = 0;
  let now: Book | undefined;
  for (let round = 0; round < MINUTES * 60 * RATE; round++) {
    const ms = (round * 1000) / RATE;
    const perform = (request: Operation["request"], outcome: Operation["outcome"]) => {
      const invoked = { order: order++, ms };
      const completed = { order: order++, ms: ms + 1 };
      const operation = { id: order, client: "c", process: "a#1", branch: "original", request, invoked };
      return Object.assign(operation as Operation, { completed, outcome });
    };
    const note = (operation: Operation) => {
      judge.note(operation, true);
      judge.note(operation, false);
    };
    const written: Book = book("A", `operation ${round}`, (now?.version ?? 0) + 1);
    const [revision, token, previousToken] = [changes.length + 1, `t${changes.length + 1}`, `t${changes.length}`];
    const kind = now ? "update" : "add";
    const at = written.updatedAt;
    changes.push({ revision, token, previousToken, at, kind, before: now ?? null, after: written });
    now = written;
    const request = kind === "add" ? add("A", written.author) : update("A", written.author);
    note(perform(request, round % 20 === 19 ? failed() : acknowledged(revision, written)));
    const reading = perform(get("A"), read(revision, written));
    onRound(reading, round);
    note(reading);
    if (round % RATE > 0) continue;
    await judge.cut([branch], ms);
    await judge.settle();
    sizes.push(judge.size);
  }
  return { violations, sizes };
}

test("a long run takes no more memory than a short one", async () => {
  const { violations, sizes } = await judged();
  expect(violations).toEqual([]);
  const largest = (part: typeof sizes) =>
    Math.max(...part.map(({ events, revisions, writes }) => events + revisions + writes));
  const [first, second] = [sizes.slice(0, sizes.length / 2), sizes.slice(sizes.length / 2)];
  expect(largest(second)).toBeLessThanOrEqual(largest(first));
});

test("what is wrong is found after all that was forgotten, and what is older than that", async () => {
  const last = MINUTES * 60 * RATE - RATE;
  const late = await judged((operation, round) => {
    if (round === last - 1) operation.outcome = answers(round, { books: [book("A", `operation ${round - 1}`, round)] });
  });
  expect(late.violations.map(({ rule }) => rule)).toContain("no answer is older than an acknowledged mutation");
  const ancient = await judged((operation, round) => {
    if (round === last - 1) operation.outcome = read(1, book("A", "operation 0"));
  });
  expect(ancient.violations.map(({ rule }) => rule)).toContain("no answer is older than what its checker remembers");
});
