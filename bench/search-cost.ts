import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import { CompiledQuery } from "kysely";
import type { Book } from "../src/books/book.ts";
import { soughtByTitle } from "../src/books/book-keys.ts";
import { bookStream } from "../src/books/book-stream.ts";
import { addBook, deleteBook, updateBook } from "../src/books/commands/book-commands.ts";
import { StreamWriter } from "../src/cqrs/commands/stream-writer.ts";
import { cleaningUp } from "../test/support/cleanup.ts";
import { openBooks } from "../test/support/database/books.ts";
import { type Engine, newDatabase } from "../test/support/database/database.ts";
import startPostgres from "../test/support/postgres/run-server.ts";
import { fileOfBooks, importRate } from "./import-rate.ts";
import { fillWithMany } from "./lists-seed.ts";

/** Measures what the index of words costs a write: the same writes with it and without it, in turns. */
const USAGE = `npm run search-cost -- [options]
  --books N      size of the catalogue (100000)
  --engine NAME  sqlite or postgresql (sqlite)
  --rounds N     how often each is measured (5)
  --rows N       as many are imported from a file into an empty catalogue, three times at most; 0 for none (100000)`;

const { values } = parseArgs({
  options: {
    books: { type: "string", default: "100000" },
    engine: { type: "string", default: "sqlite" },
    rounds: { type: "string", default: "5" },
    rows: { type: "string", default: "100000" },
    help: { type: "boolean", default: false },
  },
});
const [books, rounds, rows] = [Number(values.books), Number(values.rounds), Number(values.rows)];
const isAskable = ["sqlite", "postgresql"].includes(values.engine) && books >= 1000 && rounds >= 1 && rows >= 0;
if (values.help || !isAskable) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const SINGLE = 200;
const BATCH = 64;
const BATCHES = 20;
const WAYS = ["with", "without"];
/** Imports of the file with the index, and as many without, at most. */
const IMPORTS = 3;
const NAMES = ["add one", "rename one", "change the stock of one", "delete one", `add ${BATCH}`, `rename ${BATCH}`];

const stop = values.engine === "postgresql" ? await startPostgres() : undefined;
await cleaningUp(async () => {
  const engine = values.engine as Engine;
  const ways = await Promise.all(WAYS.map(async (way) => ({ way, ...(await opened(engine, way)) })));
  const taken = new Map<string, number[]>();
  for (let round = -1; round < rounds; round++) {
    for (const { way, writer } of ways) {
      for (const [name, ms] of Object.entries(await writes(writer, round))) {
        if (round >= 0) taken.set(`${name} ${way}`, [...(taken.get(`${name} ${way}`) ?? []), ms]);
      }
    }
  }
  console.log(`${engine}, ${books} books, Node ${process.version}; milliseconds, medians of ${rounds} rounds.\n`);
  console.log("| | with the index | without | times |\n| --- | ---: | ---: | ---: |");
  for (const name of NAMES) {
    const [withIt, without] = [median(taken.get(`${name} with`)), median(taken.get(`${name} without`))];
    console.log(`| ${name} | ${withIt.toFixed(2)} | ${without.toFixed(2)} | ${(withIt / without).toFixed(2)} |`);
  }
  for (const { close } of ways) await close();
  if (rows > 0) await compareImports(engine);
});
await stop?.();

/** How many rows a second are imported, in turns with the index and without it. */
async function compareImports(engine: Engine): Promise<void> {
  const file = fileOfBooks(rows);
  const rates: Record<string, number[]> = { with: [], without: [] };
  for (let round = 0; round < Math.min(rounds, IMPORTS); round++) {
    for (const way of WAYS) {
      const { url, close } = await opened(engine, way, 0);
      await close();
      rates[way]?.push(await importRate(url, file, rows));
    }
  }
  const shares = (rates.with ?? []).map((rate, i) => rate / (rates.without?.[i] ?? Number.NaN));
  console.log(`\n| | with the index | without | share of the rate |\n| --- | ---: | ---: | ---: |`);
  console.log(
    `| import ${rows} rows (rows/s) | ${WAYS.map((way) => median(rates[way]).toFixed(0)).join(" | ")} | ${median(shares).toFixed(2)} |`,
  );
}

async function opened(engine: Engine, way: string, count = books) {
  const { url } = await newDatabase(engine);
  const { orm } = await openBooks(url);
  if (count > 0) await fillWithMany(url, count);
  if (way === "without") {
    if (engine === "sqlite") {
      const database = new Database(url.slice("sqlite:".length));
      for (const after of ["insert", "update", "delete"]) database.exec(`drop trigger book_words_${after}`);
      database.close();
    } else await orm.transaction((tx) => tx.sql((sql) => sql.executeQuery(CompiledQuery.raw("drop index book_words"))));
  }
  return { url, writer: new StreamWriter(orm, bookStream), close: () => orm.close() };
}

function median(of: readonly number[] = []): number {
  return of.toSorted((a, b) => a - b)[of.length >> 1] ?? Number.NaN;
}

/** The mean time of each kind of write. */
async function writes(writer: StreamWriter<Book>, round: number): Promise<Record<string, number>> {
  const run = async (commands: readonly unknown[], atOnce: number) => {
    const began = performance.now();
    for (let i = 0; i < commands.length; i += atOnce) {
      const asked = commands.slice(i, i + atOnce).map((command) => ({ command, atLeast: 0 }));
      const { outcomes } = await writer.commit(asked as never);
      for (const { failure, refused } of outcomes) if (failure || refused) throw failure ?? new Error("refused");
    }
    return ((performance.now() - began) * atOnce) / commands.length;
  };
  const title = (kind: string, i: number) => `${kind} of the Wandering Star in Round ${round} Number ${i}`;
  const times = <R>(count: number, of: (i: number) => R) => Array.from({ length: count }, (_, i) => of(i));
  const add = (kind: string) => (i: number) => addBook({ title: title(kind, i), author: `An Author Named ${i}` });
  const rename = (from: string, to: string) => (i: number) =>
    updateBook(soughtByTitle(title(from, i)), { title: title(to, i) });
  const many = BATCH * BATCHES;
  return {
    "add one": await run(times(SINGLE, add("Song")), 1),
    "rename one": await run(times(SINGLE, rename("Song", "Ballad")), 1),
    "change the stock of one": await run(
      times(SINGLE, (i) => updateBook(soughtByTitle(title("Ballad", i)), { stockQuantity: i })),
      1,
    ),
    "delete one": await run(
      times(SINGLE, (i) => deleteBook(soughtByTitle(title("Ballad", i)), undefined)),
      1,
    ),
    [`add ${BATCH}`]: await run(times(many, add("Tale")), BATCH),
    [`rename ${BATCH}`]: await run(times(many, rename("Tale", "Legend")), BATCH),
  };
}
