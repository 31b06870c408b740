import { deepStrictEqual } from "node:assert/strict";
import Database from "better-sqlite3";
import { inTitleOrder, MISSING_TITLE } from "./catalogue.ts";
import { bookRequest, booksRequest, listed } from "./requests.ts";
import type { Server } from "./server.ts";
import type { Book } from "./servers/support.ts";

/** At most so many books are asked for in one check. */
const SAMPLE = 1000;
/** How often they are asked for at most. */
const PASSES = 10;

/**
 * Checks that the server answers with what its database holds, and that this is what was seeded: except for stock and
 * version, once it has been `written` to.
 */
export async function checkBooks(server: Server, books: readonly Book[], written = false): Promise<void> {
  const sample = books.length <= SAMPLE ? books : someOf(books);
  const stored = storedBooks(server, sample);
  deepStrictEqual(
    stored.map((book, i) => (written ? { ...book, stockQuantity: sample[i]?.stockQuantity, version: 1 } : book)),
    sample,
    `${server.name}: the database does not hold what was seeded`,
  );
  if (written && stored.every(({ version }) => version === 1)) {
    throw new Error(`${server.name}: none of the writes has reached the database`);
  }

  const titles = [...stored.map(({ title }) => title), MISSING_TITLE];
  await checkAnswers(
    server,
    titles.map(bookRequest),
    [...stored, null].map((book) => ({ book })),
  );
}

/** Checks that the server lists these books, all of them and in title order. */
export async function checkList(server: Server, books: readonly Book[]): Promise<void> {
  await checkAnswers(server, [booksRequest], [{ books: inTitleOrder(books).map(listed) }]);
}

/**
 * Asks until all answers of one pass come from where they should: on a busy machine the service may have to take some
 * from its database. Right they must be always.
 */
async function checkAnswers(server: Server, requests: readonly string[], expected: readonly object[]): Promise<void> {
  for (let pass = 1; pass <= PASSES; pass++) {
    const answers = await server.askAll(requests);
    deepStrictEqual(
      answers.map(({ data, errors }) => ({ data, errors })),
      expected.map((data) => ({ data, errors: undefined })),
      `${server.name} answered wrongly`,
    );
    if (answers.every(({ extensions }) => extensions?.consistency?.servedBy === server.servedBy)) return;
  }
  throw new Error(`${server.name} did not answer everything from the ${server.servedBy}`);
}

function storedBooks({ database: file }: Server, books: readonly Book[]): Book[] {
  const database = new Database(file, { readonly: true });
  const select = database.prepare<[string], Book>(
    `select title, author, published_date as publishedDate, isbn, stock_quantity as stockQuantity, version
      from book where title = ?`,
  );
  const stored = books.map(({ title }) => select.get(title) as Book);
  database.close();
  return stored;
}

function someOf(books: readonly Book[]): Book[] {
  return Array.from({ length: SAMPLE }, () => books[Math.floor(Math.random() * books.length)] as Book);
}
