import { describe, expect, test } from "vitest";
import { cursorOf } from "../../proof/checker/cursor.ts";
import type { Book, Operation, Outcome, PageFacts, Request } from "../../proof/history/operation.ts";
import {
  acknowledged,
  add,
  addOne,
  answers,
  book,
  broken,
  database,
  failed,
  get,
  list,
  NOT_THE_STATE,
  OVERWRITTEN,
  one,
  operation,
  REFUSAL,
  read,
  refused,
  STALE,
  two,
  UNWRITTEN,
  update,
  updateTwo,
} from "./histories.ts";

describe("when a row of the read model was changed by hand, the checker", () => {
  const told = { edits: [{ title: "A", at: 50 }], scrubMs: 100 };
  const byHand = book("A", "by hand", 2);
  const other = book("B", "other", 3, 2);
  const both = database([null, one], [one, two], [null, other]);
  const history = [addOne, updateTwo, operation(41, 45, add("B", "other"), acknowledged(3, other))];
  const brokenBy = (operation: Operation) => broken([...history, operation], both, told);

  test("accepts wrong answers about it for a while", async () => {
    expect(await brokenBy(operation(60, 70, get("A"), read(3, byHand)))).toEqual([]);
    expect(await brokenBy(operation(60, 70, get("A"), read(3)))).toEqual([]);
    expect(await brokenBy(operation(60, 70, list, read(3, other)))).toEqual([]);
    expect(await brokenBy(operation(60, 70, list, read(3, other, byHand)))).toEqual([]);
  });

  test("finds them before and after that", async () => {
    for (const [from, to] of [
      [46, 48],
      [151, 152],
    ] as const) {
      expect(await brokenBy(operation(from, to, get("A"), read(3, byHand)))).toEqual([NOT_THE_STATE, UNWRITTEN]);
      expect(await brokenBy(operation(from, to, list, read(3, other)))).toEqual([NOT_THE_STATE, OVERWRITTEN]);
    }
  });

  test("finds wrong answers about others, and from the database", async () => {
    expect(await brokenBy(operation(60, 70, get("B"), read(3)))).toEqual([NOT_THE_STATE, OVERWRITTEN]);
    expect(await brokenBy(operation(60, 70, list, read(3, byHand)))).toEqual([NOT_THE_STATE, OVERWRITTEN]);
    const fromTable = { ...read(3, byHand), servedBy: "database" } as Outcome;
    expect(await brokenBy(operation(60, 70, get("A"), fromTable))).toEqual([NOT_THE_STATE, UNWRITTEN]);
  });

  test("finds an answer that is too old", async () => {
    expect(await brokenBy(operation(60, 70, get("A"), read(1, one)))).toEqual([STALE]);
  });
});

describe("of the parts of an answer, the checker finds", () => {
  const other = { ...book("B", "other", 3, 2), isbn: "9780000000001" };
  const third = book("C", "third", 4, 3);
  const asked: Request = { kind: "add", title: "B", input: { author: "other", stockQuantity: 0, isbn: other.isbn } };
  const log = database([null, one], [one, two], [null, other], [null, third]);
  const brokenBy = async (request: Request, outcome: Outcome) => {
    const written = [
      addOne,
      updateTwo,
      operation(41, 45, asked, acknowledged(3, other)),
      operation(46, 55, add("C", "third"), acknowledged(4, third)),
    ];
    return broken([...written, operation(60, 70, request, outcome)], log);
  };
  /** Without the registers, which see some of it as well. */
  const stateOf = (rules: string[]) => rules.filter((rule) => rule === NOT_THE_STATE);

  test("a form that is a version old, in one of its parts or in all, and one whose fields are others", async () => {
    const form: Request = { kind: "form", title: "A" };
    const names = [
      ...["updateBook", "title", "author", "publishedDate", "isbn", "language", "description", "coverUrl"],
      ...["stockQuantity", "expectedVersion"],
    ];
    const formOf = (...books: Book[]) => answers(4, { books, names });
    expect(await brokenBy(form, formOf(two, two, two))).toEqual([]);
    expect(await brokenBy(form, read(4))).toEqual([NOT_THE_STATE, OVERWRITTEN]);
    const filled = { ...two, stockQuantity: 9 };
    for (const parts of [
      [one, one, one],
      [one, two, two],
      [two, one, two],
      [two, two, one],
      [two, two, filled],
      [two, two],
    ]) {
      expect(stateOf(await brokenBy(form, formOf(...parts)))).toEqual([NOT_THE_STATE]);
    }
    for (const wrong of [names.slice(0, -1), names.toReversed(), ["addBook", ...names.slice(1)]]) {
      const outcome = answers(4, { books: [two, two, two], names: wrong });
      expect(stateOf(await brokenBy(form, outcome))).toEqual([NOT_THE_STATE]);
    }
  });

  test("another book under an id, one in another place, one that is left out, and one that is too old", async () => {
    const nodes: Request = { kind: "nodes", ids: [2, 7, 1] };
    expect(await brokenBy(nodes, read(4, other, null, two))).toEqual([]);
    for (const shown of [
      [two, null, other],
      [other, two],
      [other, null, null],
      [other, two, two],
      [other, null, one],
    ]) {
      expect(stateOf(await brokenBy(nodes, read(4, ...shown)))).toEqual([NOT_THE_STATE]);
    }
    expect(await brokenBy({ kind: "node", id: 1 }, read(4, two))).toEqual([]);
    for (const shown of [[], [other], [one]]) {
      expect(stateOf(await brokenBy({ kind: "node", id: 1 }, read(4, ...shown)))).toEqual([NOT_THE_STATE]);
    }
  });

  test("another book under an ISBN, or none", async () => {
    const isbn: Request = { kind: "isbn", isbn: "9780000000001" };
    expect(await brokenBy(isbn, read(4, other))).toEqual([]);
    for (const shown of [[], [two]]) expect(stateOf(await brokenBy(isbn, read(4, ...shown)))).toEqual([NOT_THE_STATE]);
  });

  describe("of a page,", () => {
    const request: Request = { kind: "page", limit: 2, backwards: false };
    const facts: PageFacts = {
      totalCount: 3,
      hasPreviousPage: false,
      hasNextPage: true,
      startCursor: cursorOf("A"),
      endCursor: cursorOf("B"),
      cursors: [cursorOf("A"), cursorOf("B")],
    };
    const page = (books: Book[], more: Partial<PageFacts> = {}) => answers(4, { books, page: { ...facts, ...more } });

    test("nothing where all is right, forwards and backwards, between bounds in either order", async () => {
      expect(await brokenBy(request, page([two, other]))).toEqual([]);
      const [a, b, c] = ["A", "B", "C"].map(cursorOf) as [string, string, string];
      const at = (hasPreviousPage: boolean, hasNextPage: boolean, ...cursors: string[]) => {
        const [startCursor, endCursor] = [cursors.at(0) ?? null, cursors.at(-1) ?? null];
        return { hasPreviousPage, hasNextPage, startCursor, endCursor, cursors };
      };
      const cases: [Request, Outcome][] = [
        [{ ...request, after: "A" }, page([other, third], at(true, false, b, c))],
        [{ ...request, backwards: true }, page([other, third], at(true, false, b, c))],
        [{ ...request, backwards: true, before: "C" }, page([two, other], at(false, true, a, b))],
        [{ ...request, after: "A", before: "C" }, page([other], at(true, true, b))],
        [{ ...request, after: "C", before: "A" }, page([], at(true, false))],
        [{ ...request, after: "C", before: "A", backwards: true }, page([], at(false, true))],
        [{ ...request, limit: 0 }, page([], at(false, true))],
        [{ ...request, after: "Az" }, page([other, third], at(true, false, b, c))],
      ];
      for (const [asked, outcome] of cases) expect(await brokenBy(asked, outcome)).toEqual([]);
    });

    test.each<[string, Outcome]>([
      ["a row that is lost", page([two])],
      ["a row too many", page([two, other, third])],
      ["rows in another order", page([other, two])],
      ["a row that is too old", page([one, other])],
      ["a wrong total", page([two, other], { totalCount: 2 })],
      ["a page before it that is not there", page([two, other], { hasPreviousPage: true })],
      ["a page after it that is missed", page([two, other], { hasNextPage: false })],
      ["a cursor of another row", page([two, other], { cursors: [cursorOf("A"), cursorOf("C")] })],
      ["a cursor too few", page([two, other], { cursors: [cursorOf("A")] })],
      ["a first cursor that is not the first row's", page([two, other], { startCursor: cursorOf("B") })],
      ["a last cursor that is missing", page([two, other], { endCursor: null })],
      ["that it is none", read(4, two, other)],
    ])("%s", async (_, outcome) => {
      expect(stateOf(await brokenBy(request, outcome))).toEqual([NOT_THE_STATE]);
    });

    test("rows that are lost or out of order beside a row that was changed by hand", async () => {
      const told = { edits: [{ title: "B", at: 50 }], scrubMs: 100 };
      const written = [addOne, updateTwo, operation(41, 45, asked, acknowledged(3, other))];
      written.push(operation(46, 55, add("C", "third"), acknowledged(4, third)));
      const judge = async (outcome: Outcome) =>
        broken([...written, operation(60, 70, { ...request, limit: 3 }, outcome)], log, told);
      const cursors = [two, third].map(({ title }) => cursorOf(title));
      const without = { totalCount: 2, hasNextPage: false, endCursor: cursorOf("C"), cursors };
      expect(await judge(page([two, third], without))).toEqual([]);
      for (const books of [
        [third, two],
        [two, two],
        [one, third],
      ]) {
        expect(stateOf(await judge(page(books, without)))).toEqual([NOT_THE_STATE]);
      }
      expect(stateOf(await judge(page([two, third], { ...without, cursors: cursors.toReversed() })))).toEqual([
        NOT_THE_STATE,
      ]);
    });
  });

  describe("of several reads in one request,", () => {
    const request: Request = {
      kind: "several",
      queries: [
        { kind: "book", title: "A" },
        { kind: "book", title: "C" },
      ],
    };
    /** It is asked before the last two writes, and answered after them. */
    const brokenMeanwhile = async (...[revision, ...books]: [number, ...(Book | null)[]]) => {
      const written = [addOne, updateTwo, operation(41, 45, asked, acknowledged(3, other))];
      written.push(operation(46, 55, add("C", "third"), acknowledged(4, third)));
      const late = operation(71, 80, update("A", "late"), acknowledged(5, book("A", "late", 5)));
      const outcome = answers(revision, ...books.map((shown) => ({ books: shown ? [shown] : [] })));
      const all = [...written, operation(25, 70, request, outcome), late];
      return broken(all, database([null, one], [one, two], [null, other], [null, third], [two, book("A", "late", 5)]));
    };

    test("nothing where they are of one state, or of later ones than is reported", async () => {
      expect(await brokenMeanwhile(2, two, null)).toEqual([]);
      expect(await brokenMeanwhile(4, two, third)).toEqual([]);
      // the first is of revision 1, the second of revision 4
      expect(await brokenMeanwhile(1, one, third)).toEqual([]);
    });

    test("one that is of no state from the reported one on", async () => {
      expect(stateOf(await brokenMeanwhile(2, one, null))).toEqual([NOT_THE_STATE]);
      expect(stateOf(await brokenMeanwhile(4, two, null))).toEqual([NOT_THE_STATE]);
    });

    test("a report that is lower than all of them", async () => {
      expect(stateOf(await brokenMeanwhile(1, two, third))).toEqual([NOT_THE_STATE]);
    });

    test("one that is of a state which came only later", async () => {
      expect(stateOf(await brokenMeanwhile(4, book("A", "late", 5), third))).toEqual([NOT_THE_STATE]);
    });

    test("one that is not answered", async () => {
      expect(stateOf(await brokenMeanwhile(4, two))).toEqual([NOT_THE_STATE]);
    });
  });

  test("a page that can be none and is answered all the same", async () => {
    const improper: Request = { kind: "improper", first: 501 };
    expect(await brokenBy(improper, failed({ code: "BAD_USER_INPUT", excuse: undefined }))).toEqual([]);
    expect(await brokenBy(improper, answers(4))).toEqual(["what can be no page is refused"]);
  });

  test("a list that is put off is no failure, but a small request that is", async () => {
    const later = failed({ code: "SERVICE_UNAVAILABLE", excuse: undefined });
    expect(await brokenBy({ kind: "books" }, later)).toEqual([]);
    const rules = ["reads and writes do not fail while only Redis is ill"];
    expect(await brokenBy({ kind: "book", title: "A" }, later)).toEqual(rules);
  });

  test("an input that no rule allows and that is taken, or refused for another reason", async () => {
    const invalid: Request = { kind: "add", title: " ", input: { author: "x", isbn: "978" } };
    const refusedFor = (...fields: string[]) => refused(4, "ValidationError", { fields });
    expect(await brokenBy(invalid, refusedFor("title", "isbn"))).toEqual([]);
    for (const outcome of [refusedFor("title"), refused(4, "TitleTakenError", { subject: " " })]) {
      expect(await brokenBy(invalid, outcome)).toEqual([REFUSAL]);
    }
  });

  test("a refusal whose message names another", async () => {
    const told = (message: string) => refused(4, "TitleTakenError", { subject: "A", message, book: two });
    expect(await brokenBy(add("A", "x"), told("There is already “A”."))).toEqual([]);
    expect(await brokenBy(add("A", "x"), told("There is already “B”."))).toEqual([REFUSAL]);
  });
});
