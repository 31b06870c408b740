import Database from "better-sqlite3";
import pg from "pg";
import { Random } from "../proof/torture/random.ts";
import { derived } from "../src/books/book-derived.ts";
import { postgresWordIndex } from "../src/cqrs/database/postgres/word-index.ts";

const SYLLABLES = "ba ke lo mi ru sta tri ven wor zu cha del fen gra hol in jo kla ner os".split(" ");
/** So many words are in use; how often one is follows Zipf's law, as in any language. */
const VOCABULARY = 60_000;
const AT_ONCE = 5000;
/** Rows go in with what is derived of them, as commands would write them. */
const COLUMNS = [
  ...["title", "author", "published_date", "stock_quantity", "language", "version", "added_at", "updated_at"],
  ...Object.keys(derived.columns),
  "folded_version",
];
/** What FTS5 keeps in memory before it writes, in bytes: while the table is filled, and else. */
const HASH_BYTES = { filling: 200_000_000, usual: 1_048_576 };

type Row = readonly (string | number | null)[];

/** Catalogues of `size` books with titles such as people give them: half of them have `the`. */
export function* searchBooks(size: number): Generator<Row> {
  const random = new Random(7);
  const seen = new Set<string>();
  const word = () => wordAt(Math.floor(VOCABULARY ** random.fraction()) - 1);
  for (let n = 0; n < size; n++) {
    const words = Array.from({ length: random.between(2, 5) }, word);
    if (random.chance(0.5)) words.unshift("the");
    let title = words.map((one) => one[0]?.toUpperCase() + one.slice(1)).join(" ");
    if (seen.has(title)) title += `, Volume ${n}`;
    seen.add(title);
    const author = `${word()} ${word()}`;
    const added = new Date(Date.UTC(2020, 0, 1) + n * 60_000).toISOString();
    const date = random.chance(0.1) ? null : `${random.between(1800, 2026)}-01-01`;
    const book = { title, author, version: 1 };
    const values = Object.values(derived.columns).map((of) => of(book as never));
    const language = random.pick(["en", "en", "fr", "de", null]);
    yield [title, author, date, random.between(0, 3), language, 1, added, added, ...values, 1];
  }
}

/** The word at this place when the most frequent comes first. */
export function wordAt(rank: number): string {
  let word = "";
  for (let rest = rank + SYLLABLES.length; rest > 0; rest = Math.floor(rest / SYLLABLES.length)) {
    word += SYLLABLES[rest % SYLLABLES.length];
  }
  return word;
}

/** Fills the table of a SQLite file that has been migrated. */
export function fillSqlite(file: string, size: number): void {
  const database = new Database(file);
  const hash = (bytes: number) =>
    database.exec(`insert into book_words (book_words, rank) values ('hashsize', ${bytes})`);
  hash(HASH_BYTES.filling);
  const insert = database.prepare(`insert into book (${COLUMNS}) values (${COLUMNS.map(() => "?")})`);
  database.transaction(() => {
    for (const row of searchBooks(size)) insert.run(row);
  })();
  hash(HASH_BYTES.usual);
  database.close();
}

/** Fills the table of a PostgreSQL database that has been migrated. */
export async function fillPostgres(url: string, size: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("drop index book_words");
  const insert = `insert into book (${COLUMNS}) select ${COLUMNS} from json_populate_recordset(null::book, $1)`;
  let rows: object[] = [];
  const send = async () => {
    await client.query(insert, [JSON.stringify(rows)]);
    rows = [];
  };
  for (const row of searchBooks(size)) {
    rows.push(Object.fromEntries(COLUMNS.map((column, i) => [column, row[i]])));
    if (rows.length === AT_ONCE) await send();
  }
  await send();
  for (const statement of postgresWordIndex.create({ table: "book", columns: derived.words ?? [] }))
    await client.query(statement);
  await client.query("vacuum analyze");
  await client.end();
}
