import { deepStrictEqual } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import Database from "better-sqlite3";
import { onPostgres } from "../test/support/database/on-postgres.ts";
import { inTitleOrder, MISSING_TITLE } from "./catalogue.ts";
import { bookRequest, booksRequest, listed } from "./requests.ts";
import type { Server } from "./server.ts";
import type { Book } from "./servers/support.ts";

/** At most so many books are asked for in one check. */
const SAMPLE = 1000;
/** A database that has not changed for so long will not, where clients have left. Milliseconds. */
const SETTLED_MS = 100;
/** How often they are asked for at most. */
const PASSES = 10;

/**
 * Checks that the server answers with what its database holds, and that this is what was seeded: except for stock and
 * version, once it has been written to.
 */
export async function checkBooks(server: Server, books: readonly Book[], requestOf = bookRequest): Promise<void> {
  const { isWritten } = server;
  const sample = books.length <= SAMPLE ? books : someOf(books);
  const stored = await settledBooks(server, sample);
  deepStrictEqual(
    stored.map((book, i) => (isWritten ? { ...book, stockQuantity: sample[i]?.stockQuantity, version: 1 } : book)),
    sample,
    `${server.name}: the database does not hold what was seeded`,
  );
  if (isWritten && stored.every(({ version }) => version === 1)) {
    throw new Error(`${server.name}: none of the writes has reached the database`);
  }

  const titles = [...stored.map(({ title }) => title), MISSING_TITLE];
  try {
    await checkAnswers(
      server,
      titles.map(requestOf),
      [...stored, null].map((book) => ({ book })),
    );
  } catch (error) {
    // a server that had lost its database while it stood still may only now write what it was asked for
    if (!isWritten || isDeepStrictEqual(await storedBooks(server, sample), stored)) throw error;
    await checkBooks(server, sample, requestOf);
  }
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

/** What the database holds, once all is written that clients asked for who have left meanwhile. */
async function settledBooks(server: Server, books: readonly Book[]): Promise<Book[]> {
  let stored = await storedBooks(server, books);
  for (let before: Book[] = []; server.isWritten && !isDeepStrictEqual(before, stored); ) {
    before = stored;
    await sleep(SETTLED_MS);
    stored = await storedBooks(server, books);
  }
  return stored;
}

const SELECT = `select title, author, published_date as "publishedDate", isbn, stock_quantity as "stockQuantity", version
  from book`;

async function storedBooks({ database: place }: Server, books: readonly Book[]): Promise<Book[]> {
  if (place.startsWith("postgresql:")) return storedInPostgres(place, books);
  const database = new Database(place, { readonly: true });
  const select = database.prepare<[string], Book>(`${SELECT} where title = ?`);
  const stored = books.map(({ title }) => select.get(title) as Book);
  database.close();
  return stored;
}

async function storedInPostgres(url: string, books: readonly Book[]): Promise<Book[]> {
  const titles = books.map(({ title }) => title);
  const { rows } = await onPostgres(url, (client) => client.query(`${SELECT} where title = any($1)`, [titles]));
  const byTitle = new Map(rows.map((row) => [row.title, { ...row, version: Number(row.version) }]));
  return titles.map((title) => byTitle.get(title));
}

function someOf(books: readonly Book[]): Book[] {
  return Array.from({ length: SAMPLE }, () => books[Math.floor(Math.random() * books.length)] as Book);
}
