import { expect, test } from "vitest";
import { cursorOf } from "../../proof/checker/cursor.ts";
import { Judge } from "../../proof/checker/judge.ts";
import type { Change } from "../../proof/history/change.ts";
import type { Operation, Request } from "../../proof/history/operation.ts";
import { acknowledged, add, answers, book, get, NOT_THE_STATE, operation, read, STALE } from "./histories.ts";

/** A catalogue that was at revision 10 when it began to be looked at, of which only `A` is known, and that others write. */
const A = book("A", "one", 12, 7);
const change = (revision: number, kind: string, after: Change["after"] = null): Change => {
  return { revision, token: undefined, previousToken: undefined, at: A.addedAt, kind, before: null, after };
};
const log = [change(11, "elsewhere"), change(12, "add", A), change(13, "elsewhere")];
const page: Request = { kind: "page", limit: 5, backwards: false };
const cursors = (...titles: string[]) => ({ cursors: titles.map(cursorOf), isPart: true }) as const;

/** The rules that an answer breaks which comes after `A` was added. */
async function brokenBy(...asked: readonly Operation[]): Promise<string[]> {
  const rules: string[] = [];
  const bounds = { leaseMs: 60_000, foreignMs: 0, scrubMs: 0, arePlacesShared: true };
  const judge = new Judge(bounds, ({ rule }) => rules.push(rule));
  for (const one of [operation(1, 10, add("A", "one"), acknowledged(12, A)), ...asked]) {
    judge.note(one, true);
    judge.note(one, false);
  }
  const branch = {
    name: "original",
    since: 10,
    read: async (after: number) => log.filter(({ revision }) => revision > after),
  };
  await judge.cut([branch], 1000);
  await judge.settle();
  return rules;
}

test("of a part of a catalogue the checker accepts what is right, at any address and in any order", async () => {
  const at = { process: "https://catalogue.example/graphql" };
  expect(
    await brokenBy(operation(20, 21, get("A"), read(13, A), at), operation(30, 31, get("A"), read(12, A), at)),
  ).toEqual([]);
  expect(await brokenBy(operation(20, 21, page, answers(13, { books: [A], page: cursors("A") })))).toEqual([]);
});

test("of a part of a catalogue the checker finds what is old, not there or elsewhere", async () => {
  expect(await brokenBy(operation(20, 21, get("A"), read(11)))).toContain(STALE);
  expect(await brokenBy(operation(20, 21, get("A"), read(13)))).toContain(NOT_THE_STATE);
  expect(await brokenBy(operation(20, 21, page, answers(13, { books: [], page: cursors() })))).toContain(NOT_THE_STATE);
  expect(await brokenBy(operation(20, 21, page, answers(13, { books: [A], page: cursors("B") })))).toContain(
    NOT_THE_STATE,
  );
});
