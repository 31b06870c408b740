import { describe, expect, test } from "vitest";
import { type ToldChange, ToldOf } from "../../proof/checker/told.ts";
import { book, database } from "./histories.ts";

const states = [1, 2, 3, 4].map((version) => book("A", `Author ${version}`, version));
const truth = database(
  ...states.map((after, i): [typeof after | null, typeof after] => [states[i - 1] ?? null, after]),
);
const told: readonly ToldChange[] = truth.changes.map(({ revision, before, after }) => ({
  revision,
  kind: before ? "UPDATED" : "ADDED",
  before,
  after,
}));
const [one, two, three, four] = told as [ToldChange, ToldChange, ToldChange, ToldChange];
const checkpoint = (revision: number): ToldChange => ({ revision, kind: "CHECKPOINT", before: null, after: null });

/** The rules that it breaks to be told this, where `floor` was acknowledged before and the log goes up to 4. */
function broken(events: readonly ToldChange[], floor = 0): string[] {
  const rules: string[] = [];
  const subscriber = new ToldOf("subscriber", "branch", floor, ({ rule }) => rules.push(rule));
  for (const event of events) subscriber.take(event);
  subscriber.verify((revision) => truth.changes[revision - 1]);
  subscriber.end(4);
  return rules;
}

describe("a subscriber", () => {
  test("may be told everything, from any revision on, with checkpoints in between", () => {
    expect(broken(told)).toEqual([]);
    expect(broken([three, four], 2)).toEqual([]);
    expect(broken([checkpoint(2), three, checkpoint(3), checkpoint(3), four, checkpoint(4)], 2)).toEqual([]);
    expect(broken([])).toEqual([]);
  });

  test.each([
    ["loses one", [one, three, four], ["no change is left out"]],
    ["loses the last", [one, two, three], ["everything is told in the end"]],
    ["is told one twice", [one, two, two, three, four], ["no change is told twice or out of order"]],
    ["is told two in the wrong order", [one, three, two, four], expect.arrayContaining(["no change is left out"])],
    [
      "is told of a revision that is to come",
      [one, checkpoint(2), two, three, four],
      expect.arrayContaining([expect.stringContaining("checkpoint")]),
    ],
    [
      "is told what did not happen",
      [one, two, { ...three, after: four.after }, four],
      ["what is told is what the log says"],
    ],
    [
      "is told another kind",
      [one, { ...two, kind: "ADDED" as const }, three, four],
      ["what is told is what the log says"],
    ],
  ])("that %s is noticed", (_, events, rules) => {
    expect(broken(events)).toEqual(rules);
  });

  test("that is told of what was acknowledged before it began is noticed", () => {
    expect(broken([two, three, four], 2)).toEqual([
      "nothing is told that was acknowledged before a subscription began",
    ]);
    expect(broken([checkpoint(1), two, three, four], 2)).toHaveLength(1);
  });
});
