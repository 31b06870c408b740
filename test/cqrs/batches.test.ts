import { expect, onTestFinished, test, vi } from "vitest";
import { readGroundTruth } from "../../proof/torture/change-log.ts";
import { Random } from "../../proof/torture/random.ts";
import type { Book } from "../../src/books/book.ts";
import { bookStream } from "../../src/books/book-stream.ts";
import type { BookCommand, BookRefused } from "../../src/books/commands/book-command.ts";
import { addBook, deleteBook, importBook, updateBook } from "../../src/books/commands/book-commands.ts";
import { StreamWriter } from "../../src/cqrs/commands/stream-writer.ts";
import { openBooks } from "../support/database/books.ts";
import { newDatabase } from "../support/database/database.ts";

/** Few, so that commands meet: titles are taken, freed and swapped within a batch. */
const TITLES = ["A", "B", "C", "D", "É"];
const ISBNS = ["1111111111", "222222222X", "3333333333333"];
const SEED = 11;
const BATCHES = 150;

/** What somebody asks for, in the words of the API. */
interface Wish {
  readonly verb: "add" | "import" | "update" | "delete" | "invalid" | "faulty";
  readonly title: string;
  readonly input: Partial<Book>;
  readonly expectedVersion: number | undefined;
  readonly atLeast: number;
  readonly key: string | undefined;
}

/** Of a wish all but the key and what it asks of the state. */
const digestOf = ({ verb, title, input, expectedVersion }: Wish) =>
  JSON.stringify([verb, title, input, expectedVersion]);

function wishFrom(random: Random, revision: number): Wish {
  const verb = random.weighted({ add: 5, import: 2, update: 8, delete: 2, invalid: 1, faulty: 1 });
  const changes: Partial<Book> = {
    ...(random.chance(0.5) && { author: `Author ${random.between(1, 9)}` }),
    ...(random.chance(0.4) && { isbn: random.chance(0.2) ? null : random.pick(ISBNS) }),
    ...(random.chance(0.3) && { stockQuantity: random.between(0, 3) }),
    ...(random.chance(0.2) && { publishedDate: "2001-02-03" }),
  };
  const isNew = verb === "add" || verb === "import";
  return {
    verb,
    title: random.pick(TITLES),
    input: isNew
      ? { author: "Nobody", ...changes }
      : { ...changes, ...(random.chance(0.5) && { title: random.pick(TITLES) }) },
    expectedVersion: random.chance(0.3) ? random.between(1, 3) : undefined,
    atLeast: random.chance(0.05) ? revision + random.between(0, 9) : 0,
    // seldom that of another wish
    key: random.chance(0.3) ? `key ${random.between(1, 5000)}` : undefined,
  };
}

function commandFor({ verb, title, input, expectedVersion }: Wish): BookCommand {
  switch (verb) {
    case "add":
      return addBook({ title, ...input });
    case "import":
      return importBook({ title, ...input });
    case "update":
      return updateBook(title, { ...input, expectedVersion });
    case "delete":
      return deleteBook(title, expectedVersion);
    case "invalid":
      return { kind: "invalid" };
    case "faulty":
      // stands for a bug: an author that no row can hold
      return { ...addBook({ title: "Faulty", author: "A" }), book: { title: "Faulty", author: "\0" } } as BookCommand;
  }
}

/** What must come of a command: worked out from the words of the API, over a plain list of books. */
function expected(books: Book[], { verb, title, input, expectedVersion, atLeast }: Wish, revision: number) {
  if (revision < atLeast) return { skipped: "too old" };
  if (verb === "invalid") return { refused: { kind: "invalid" } };
  if (verb === "faulty") return { failure: expect.any(Error) };
  const found = books.find((book) => book.title === title);
  const taken = (change: Partial<Book>, but?: Book): BookRefused | undefined => {
    const others = books.filter((book) => book !== but);
    if (others.some((book) => book.title === change.title))
      return { kind: "titleTaken", title: change.title as string };
    const { isbn } = change;
    return isbn && others.some((book) => book.isbn === isbn) ? { kind: "isbnTaken", isbn } : undefined;
  };
  if (verb === "add" || verb === "import") {
    const same = found && Object.entries(input).every(([field, value]) => found[field as keyof Book] === value);
    if (verb === "import" && same) return { refused: { kind: "unchanged", title } };
    const refused = taken({ title, ...input });
    const rest = { publishedDate: null, isbn: null, stockQuantity: 0, version: 1, ...input };
    return refused ? { refused } : { kind: "add", before: null, after: { id: expect.any(Number), title, ...rest } };
  }
  if (!found) return { refused: { kind: "notFound", title } };
  if (expectedVersion !== undefined && expectedVersion !== found.version)
    return { refused: { kind: "versionConflict", expectedVersion, book: found } };
  if (verb === "delete") return { kind: "delete", before: found, after: null };
  const refused = taken(input, found);
  return refused
    ? { refused }
    : { kind: "update", before: found, after: { ...found, ...input, version: found.version + 1 } };
}

test("random commands in random batches do what each alone would do, one after the other", async () => {
  const { url } = await newDatabase();
  const { orm } = await openBooks(url);
  onTestFinished(() => orm.close());
  // one by one, they would also come out right
  const transactions = vi.spyOn(orm, "commitBatch");
  const writer = new StreamWriter<Book, BookCommand, BookRefused>(orm, bookStream);
  const random = new Random(SEED);
  let books: Book[] = [];
  let { revision, token } = await readGroundTruth(url);
  const ids = new Set<number>();
  const log: unknown[] = [];
  const seen = new Set<string>();
  const keyed: Wish[] = [];
  const kept = new Map<string, { digest: string; effect: unknown }>();

  for (let batch = 0; batch < BATCHES; batch++) {
    const wishes = Array.from({ length: random.chance(0.2) ? 1 : random.between(2, 40) }, () => {
      const wish = keyed.length > 0 && random.chance(0.2) ? random.pick(keyed) : wishFrom(random, revision);
      if (wish.key) keyed.push(wish);
      return wish;
    });
    const asked = wishes.map((wish) => ({
      ...{ command: commandFor(wish), atLeast: wish.atLeast },
      once: wish.key === undefined ? undefined : { subject: "", key: wish.key, digest: digestOf(wish) },
    }));
    const { outcomes, changes } = await writer.commit(asked);

    for (const [i, wish] of wishes.entries()) {
      const { revision: at, token: made, change, ...rest } = outcomes[i] as (typeof outcomes)[number];
      const known = wish.key === undefined ? undefined : kept.get(wish.key);
      if (known && revision >= wish.atLeast) {
        const answer = known.digest === digestOf(wish) ? { repeats: known.effect } : { isReused: true };
        expect({ at, made, change, ...rest }, JSON.stringify(wish)).toEqual({ at: revision, made: token, ...answer });
        seen.add(Object.keys(answer).join());
        continue;
      }
      const expectation = expected(books, wish, revision);
      if (!("kind" in expectation)) {
        expect({ at, made, change, ...rest }, JSON.stringify(wish)).toEqual({
          at: revision,
          made: token,
          ...expectation,
        });
        seen.add(`${wish.verb} ${expectation.skipped ?? expectation.refused?.kind ?? "failure"}`);
        continue;
      }
      expect({ ...change, ...rest }, JSON.stringify(wish)).toEqual({
        ...expectation,
        ...{ revision: revision + 1, token: made, previousToken: token },
      });
      expect(at).toBe(revision + 1);
      const { before, after } = change as { before: Book | null; after: Book | null };
      books = [...books.filter(({ id }) => id !== before?.id), ...(after ? [after] : [])];
      if (!before) expect(ids.has(after?.id as number), "an id is given out once").toBe(false);
      if (after) ids.add(after.id);
      log.push({ revision: at, token: made, previousToken: token, kind: change?.kind, before, after });
      if (wish.key) kept.set(wish.key, { digest: digestOf(wish), effect: { kind: change?.kind, before, after } });
      [revision, token] = [at, made];
      seen.add(`${wish.verb} done`);
    }
    expect(changes.map((change) => change.revision)).toEqual(
      log.slice(log.length - changes.length).map((_, j) => revision - changes.length + 1 + j),
    );
  }

  expect(transactions).toHaveBeenCalledTimes(BATCHES);
  const truth = await readGroundTruth(url);
  expect(truth).toMatchObject({ revision, token });
  expect(truth.changes).toEqual(log);
  expect(truth.books).toEqual(books.toSorted((a, b) => Buffer.compare(Buffer.from(a.title), Buffer.from(b.title))));
  expect([...seen].sort()).toEqual([
    ...["add done", "add isbnTaken", "add titleTaken", "add too old", "delete done", "delete notFound"],
    ...[
      "delete too old",
      "delete versionConflict",
      "faulty failure",
      "faulty too old",
      "import done",
      "import isbnTaken",
    ],
    ...["import titleTaken", "import too old", "import unchanged", "invalid invalid", "invalid too old"],
    ...["isReused", "repeats", "update done"],
    ...["update isbnTaken", "update notFound", "update titleTaken", "update too old", "update versionConflict"],
  ]);
});
