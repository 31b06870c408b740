import { copyFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { openBooks } from "../test/support/database/books.ts";
import { onPostgres } from "../test/support/database/on-postgres.ts";
import type { RedisServer } from "../test/support/redis/server.ts";
import { catalogue, inTitleOrder } from "./catalogue.ts";
import { listed } from "./requests.ts";
import type { Book } from "./servers/support.ts";

/** How many keys go to Redis with one command. */
const KEYS_AT_ONCE = 1000;

/** The databases of the catalogues, as the service makes them; the peers use the table of books alone. */
export class Databases {
  readonly #directory: string;
  readonly #filled = new Map<number, string>();
  #copies = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** A file of one's own with the catalogue of this size. */
  async copyOf(size: number): Promise<string> {
    let filled = this.#filled.get(size);
    if (!filled) {
      filled = join(this.#directory, `${size}.db`);
      await fill(filled, size);
      this.#filled.set(size, filled);
    }
    const copy = join(this.#directory, `${size}-${this.#copies++}.db`);
    copyFileSync(filled, copy);
    return copy;
  }
}

/** Makes the database and fills its table. The catalogue's revision stays at 0, as if it had been made so. */
async function fill(file: string, size: number): Promise<void> {
  const { orm } = await openBooks(`sqlite:${file}`);
  await orm.close();
  const database = new Database(file);
  const insert = database.prepare(
    `insert into book (title, author, published_date, isbn, stock_quantity, version)
      values (:title, :author, :publishedDate, :isbn, :stockQuantity, :version)`,
  );
  database.transaction(() => {
    for (const book of catalogue(size)) insert.run(book);
  })();
  // the last connection that closes moves the write-ahead log into the file, which can then be copied
  database.close();
}

/** Fills the table of a PostgreSQL database that has been migrated. */
export async function fillPostgres(url: string, size: number): Promise<void> {
  await onPostgres(url, (client) =>
    client.query(
      `insert into book (title, author, published_date, isbn, stock_quantity, version)
        select title, author, "publishedDate", isbn, "stockQuantity", version from json_to_recordset($1) as
          (title text, author text, "publishedDate" text, isbn text, "stockQuantity" int, version int)`,
      [JSON.stringify(catalogue(size))],
    ),
  );
}

/** How many books most workloads store, how many of them they ask for, and how many there are to be listed. */
export interface Sizes {
  readonly stored: number;
  readonly asked: number;
  readonly listed: number;
}

/** How a peer keeps a book or the list in Redis. */
export interface Format {
  readonly book: (book: Book) => object;
  readonly list: (books: readonly object[]) => object;
}

/** Puts what a peer reads under its own keys. */
export async function fillRedis(
  { client }: RedisServer,
  prefix: string,
  { book, list }: Format,
  sizes: Sizes,
): Promise<void> {
  const books = catalogue(sizes.stored);
  for (let i = 0; i < books.length; i += KEYS_AT_ONCE) {
    const some = books.slice(i, i + KEYS_AT_ONCE);
    await client.mset(some.flatMap((one) => [`${prefix}book:${one.title}`, JSON.stringify(book(one))]));
  }
  await client.set(`${prefix}books`, JSON.stringify(list(inTitleOrder(catalogue(sizes.listed)).map(listed))));
}
