import Database from "better-sqlite3";
import { Random } from "../proof/clients/random.ts";
import type { Book } from "../src/books/book.ts";
import { derived } from "../src/books/book-derived.ts";
import { postgresWordIndex } from "../src/cqrs/database/postgres/word-index.ts";
import { derivedColumns, derivedValues } from "../src/cqrs/derived.ts";
import { onPostgres } from "../test/support/database/on-postgres.ts";

const ROWS_AT_ONCE = 5000;
/** What the index of words keeps in memory before it writes, while a table is filled, and else. */
const HASH_BYTES = { filling: 100_000_000, usual: 1_048_576 };
const SYLLABLES =
  "ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu ra re ri ro ru sa se si so su ta te ti to tu".split(
    " ",
  );
const ENDINGS = ["n", "s", "r", "", "l", "é", "ß"];
const LANGUAGES = ["en", "en", "en", "en", "en-GB", "de", "de", "fr", "fr", "es", "it", "pt-BR", "ja", "zh-Hant", "sv"];

/** Words of which the first are the most frequent, as in every language. */
const vocabulary = Array.from({ length: 20_000 }, (_, n) => {
  const syllables: string[] = [];
  for (let rest = n + 45; rest > 0; rest = Math.floor(rest / 45)) syllables.push(SYLLABLES[rest % 45] as string);
  return syllables.join("") + ENDINGS[n % ENDINGS.length];
});

/** So that the word of rank n comes about as often as 1/n. */
function anyWord(random: Random): string {
  return vocabulary[Math.floor(vocabulary.length ** random.fraction()) - 1] as string;
}

/** The word of this rank; 0 is the most frequent one. */
export function commonWord(rank: number): string {
  return vocabulary[rank] as string;
}

function capital(word: string): string {
  return (word[0] ?? "").toUpperCase() + word.slice(1);
}

/** Books as a large library has them, the same ones in every run: a twelfth without a date, some rare languages, few out of stock. */
export function* manyBooks(count: number): Generator<Partial<Book>> {
  const random = new Random(1);
  const titles = new Set<string>();
  const since = Date.UTC(2015, 0, 1);
  for (let id = 1; id <= count; id++) {
    const words = Array.from({ length: random.between(1, 4) }, () => capital(anyWord(random)));
    let title = `${random.chance(0.5) ? "The " : ""}${words.join(" ")}`;
    while (titles.has(title)) title += ` of ${capital(anyWord(random))}`;
    titles.add(title);
    const day = new Date(Date.UTC(1900, 0, 1 + Math.floor(45_600 * Math.sqrt(random.fraction()))));
    const at = new Date(since + Math.floor((id / count) * 3.4e11)).toISOString();
    yield {
      id,
      title,
      author: `${capital(anyWord(random))} ${capital(vocabulary[Math.floor(5000 ** random.fraction()) + 10] as string)}`,
      publishedDate: random.chance(0.08) ? null : day.toISOString().slice(0, 10),
      isbn: id % 7 === 0 ? null : `978${String(id).padStart(10, "0")}`,
      language: random.chance(0.05) ? null : random.chance(0.0002) ? "is" : random.pick(LANGUAGES),
      description: id % 3 === 0 ? `${capital(words.join(" ").toLowerCase())} `.repeat(20).trim() : null,
      coverUrl: null,
      stockQuantity: random.chance(0.03) ? 0 : random.between(1, 200),
      version: 1,
      addedAt: at,
      updatedAt: random.chance(0.3) ? new Date(since + 3.4e11 + random.between(0, 1e9)).toISOString() : at,
    };
  }
}

const COLUMNS = [
  ...["id", "title", "author", "published_date", "isbn", "language", "description", "cover_url"],
  ...["stock_quantity", "version", "added_at", "updated_at", ...derivedColumns(derived as never)],
];

/** Fills the table of a database that has been migrated, together with what is derived. The revision stays at 0. */
export async function fillWithMany(url: string, count: number): Promise<void> {
  const rows = (function* () {
    for (const book of manyBooks(count)) yield [...Object.values(book), ...derivedValues(derived, book as Book)];
  })();
  if (url.startsWith("sqlite:")) fillSqlite(url.slice("sqlite:".length), rows);
  else await fillPostgres(url, rows);
}

function fillSqlite(file: string, rows: Iterable<readonly unknown[]>): void {
  const database = new Database(file);
  // rows come in no order of most indexes
  database.pragma("cache_size = -1000000");
  database.pragma("synchronous = off");
  const keepInMemory = (bytes: number) =>
    database.exec(`insert into book_words (book_words, rank) values ('hashsize', ${bytes})`);
  keepInMemory(HASH_BYTES.filling);
  const insert = database.prepare(`insert into book (${COLUMNS}) values (${COLUMNS.map(() => "?")})`);
  database.transaction(() => {
    for (const row of rows) insert.run(...row);
  })();
  keepInMemory(HASH_BYTES.usual);
  database.close();
}

async function fillPostgres(url: string, rows: Iterable<readonly unknown[]>): Promise<void> {
  await onPostgres(url, async (client) => {
    // to make it in the end takes a fraction of adding to it all the time
    await client.query("drop index book_words");
    let chunk: object[] = [];
    const send = async () => {
      await client.query(
        `insert into book (${COLUMNS}) select ${COLUMNS} from json_populate_recordset(null::book, $1)`,
        [JSON.stringify(chunk)],
      );
      chunk = [];
    };
    for (const row of rows) {
      chunk.push(Object.fromEntries(COLUMNS.map((column, i) => [column, row[i]])));
      if (chunk.length === ROWS_AT_ONCE) await send();
    }
    await send();
    await client.query("select setval(pg_get_serial_sequence('book', 'id'), (select max(id) from book))");
    const index = { table: "book", columns: derived.words ?? [] };
    for (const statement of postgresWordIndex.create(index)) await client.query(statement);
    await client.query("vacuum analyze book");
  });
}
