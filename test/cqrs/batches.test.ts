import { expect, onTestFinished, test, vi } from "vitest";
import { Random } from "../../proof/clients/random.ts";
import { readGroundTruth } from "../../proof/torture/change-log.ts";
import type { Book } from "../../src/books/book.ts";
import { type Sought, soughtByTitle } from "../../src/books/book-keys.ts";
import { bookStream } from "../../src/books/book-stream.ts";
import type { BookCommand, BookRefused } from "../../src/books/commands/book-command.ts";
import { addBook, deleteBook, importBook, updateBook } from "../../src/books/commands/book-commands.ts";
import { StreamWriter } from "../../src/cqrs/commands/stream-writer.ts";
import { openBooks } from "../support/database/books.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { sqlOn } from "../support/database/sql.ts";

/** Few, so that commands meet: titles are taken, freed and swapped within a batch. */
const TITLES = ["A", "B", "C", "D", "É"];
const ISBNS = ["1111111111", "9781111111113", "222222222X", "3333333333333"];
/** As it is stored: the first two are one. */
const storedIsbn = (isbn: string | null | undefined) => (isbn === ISBNS[0] ? ISBNS[1] : isbn);
/** Each has keys of its own. */
const AUTHORS = [null, "alice", "bob"];
const SEED = 12;
const BATCHES = 150;

/** What somebody asks for, in the words of the API. */
interface Wish {
  readonly verb: "add" | "import" | "update" | "delete" | "invalid" | "faulty";
  readonly title: string;
  readonly input: Partial<Book>;
  readonly expectedVersion: number | undefined;
  /** Whether the book is sought by the id that the one with this title had when the batch began. */
  readonly byId: boolean;
  readonly atLeast: number;
  readonly key: string | undefined;
  readonly who: string | null;
}

/** Of a wish all but the key and what it asks of the state. */
const digestOf = ({ verb, title, input, expectedVersion, byId }: Wish) =>
  JSON.stringify([verb, title, input, expectedVersion, byId]);

function wishFrom(random: Random, books: readonly Book[], revision: number): Wish {
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
    expectedVersion: random.chance(0.3) ? random.pick([1, ...books.map(({ version }) => version)]) : undefined,
    byId: random.chance(0.2),
    atLeast: random.chance(0.05) ? revision + random.between(0, 9) : 0,
    // seldom that of another wish
    key: random.chance(0.3) ? `key ${random.between(1, 5000)}` : undefined,
    who: random.pick(AUTHORS),
  };
}

function soughtFor({ title, byId }: Wish, books: readonly Book[]): Sought {
  if (!byId) return soughtByTitle(title);
  return { asked: title, by: "id", id: books.find((book) => book.title === title)?.id ?? 0 };
}

function commandFor(wish: Wish, books: readonly Book[]): BookCommand {
  const { verb, title, input, expectedVersion } = wish;
  const sought = soughtFor(wish, books);
  switch (verb) {
    case "add":
      return addBook({ title, ...input });
    case "import":
      return importBook({ title, ...input });
    case "update":
      return updateBook(sought, { ...input, expectedVersion });
    case "delete":
      return deleteBook(sought, expectedVersion);
    case "invalid":
      return { kind: "invalid" };
    case "faulty":
      // stands for a bug: an author that no row can hold
      return { ...addBook({ title: "Faulty", author: "A" }), book: { title: "Faulty", author: "\0" } } as BookCommand;
  }
}

const EMPTY = {
  ...{ publishedDate: null, isbn: null, language: null, description: null, coverUrl: null },
  stockQuantity: 0,
};

/** What must come of a command: worked out from the words of the API, over a plain list of books. */
function expected(books: Book[], wish: Wish, sought: Sought, revision: number) {
  const { verb, title, expectedVersion, atLeast } = wish;
  const isbn = storedIsbn(wish.input.isbn);
  const input = isbn === undefined ? wish.input : { ...wish.input, isbn };
  const own = { version: revision + 1, updatedAt: expect.any(String) };
  if (revision < atLeast) return { skipped: "too old" };
  if (verb === "invalid") return { refused: { kind: "invalid" } };
  if (verb === "faulty") return { failure: expect.any(Error) };
  const isNew = verb === "add" || verb === "import";
  const found = books.find((book) => (sought.by === "id" && !isNew ? book.id === sought.id : book.title === title));
  const taken = (change: Partial<Book>, but?: Book): BookRefused | undefined => {
    const others = books.filter((book) => book !== but);
    const ofTitle = others.find((book) => book.title === change.title);
    if (ofTitle) return { kind: "titleTaken", title: change.title as string, book: ofTitle };
    const { isbn } = change;
    const ofIsbn = others.find((book) => book.isbn === isbn);
    return isbn && ofIsbn ? { kind: "isbnTaken", isbn, book: ofIsbn } : undefined;
  };
  if (isNew) {
    const same = found && Object.entries(input).every(([field, value]) => found[field as keyof Book] === value);
    if (verb === "import" && same) return { refused: { kind: "unchanged", title } };
    const refused = taken({ title, ...input });
    const rest = { ...EMPTY, ...input, ...own, addedAt: expect.any(String) };
    return refused ? { refused } : { kind: "add", before: null, after: { id: expect.any(Number), title, ...rest } };
  }
  if (!found) return { refused: { kind: "notFound", sought } };
  if (expectedVersion !== undefined && expectedVersion !== found.version)
    return { refused: { kind: "versionConflict", expectedVersion, book: found } };
  if (verb === "delete") return { kind: "delete", before: found, after: null };
  const refused = taken(input, found);
  return refused ? { refused } : { kind: "update", before: found, after: { ...found, ...input, ...own } };
}

test("random commands in random batches do what each alone would do, one after the other", async () => {
  const { url } = await migratedDatabase();
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
  const authors: { who: string | null }[] = [];
  const seen = new Set<string>();
  const keyed: Wish[] = [];
  const kept = new Map<string, { digest: string; effect: unknown }>();

  for (let batch = 0; batch < BATCHES; batch++) {
    const atFirst = books;
    const wishes = Array.from({ length: random.chance(0.2) ? 1 : random.between(2, 40) }, () => {
      const fresh = wishFrom(random, atFirst, revision);
      const { who } = fresh;
      const again = keyed.length > 0 && random.chance(0.2) ? random.pick(keyed) : undefined;
      const wish = again ? { ...again, ...(random.chance(0.2) && { who }) } : fresh;
      if (wish.key) keyed.push(wish);
      return wish;
    });
    const asked = wishes.map((wish) => ({
      ...{ command: commandFor(wish, atFirst), atLeast: wish.atLeast, who: wish.who },
      once: wish.key === undefined ? undefined : { subject: wish.who ?? "", key: wish.key, digest: digestOf(wish) },
    }));
    const { outcomes, changes } = await writer.commit(asked);

    for (const [i, wish] of wishes.entries()) {
      const { revision: at, token: made, change, ...rest } = outcomes[i] as (typeof outcomes)[number];
      const known = wish.key === undefined ? undefined : kept.get(`${wish.who} ${wish.key}`);
      if (known && revision >= wish.atLeast) {
        const answer = known.digest === digestOf(wish) ? { repeats: known.effect } : { isReused: true };
        expect({ at, made, change, ...rest }, JSON.stringify(wish)).toEqual({ at: revision, made: token, ...answer });
        seen.add(Object.keys(answer).join());
        continue;
      }
      const expectation = expected(books, wish, soughtFor(wish, atFirst), revision);
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
        ...{ revision: revision + 1, token: made, previousToken: token, who: wish.who },
      });
      expect(at).toBe(revision + 1);
      const { before, after } = change as { before: Book | null; after: Book | null };
      books = [...books.filter(({ id }) => id !== before?.id), ...(after ? [after] : [])];
      if (!before) expect(ids.has(after?.id as number), "an id is given out once").toBe(false);
      if (after) ids.add(after.id);
      const logged = { revision: at, token: made, previousToken: token, kind: change?.kind, before, after };
      log.push({ ...logged, at: after?.updatedAt ?? expect.any(String) });
      authors.push({ who: wish.who });
      if (wish.key)
        kept.set(`${wish.who} ${wish.key}`, { digest: digestOf(wish), effect: { kind: change?.kind, before, after } });
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
  expect(await sqlOn(url, "select who from book_change order by revision")).toEqual(authors);
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
