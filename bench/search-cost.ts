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
import { fillWithMany } from "./lists-seed.ts";

/** Measures what the index of words costs a write: the same writes with it and without it, in turns. */
const USAGE = `npm run search-cost -- [options]
  --books N      size of the catalogue (100000)
  --engine NAME  sqlite or postgresql (sqlite)
  --rounds N     how often each is measured (5)`;

const { values } = parseArgs({
  options: {
    books: { type: "string", default: "100000" },
    engine: { type: "string", default: "sqlite" },
    rounds: { type: "string", default: "5" },
    help: { type: "boolean", default: false },
  },
});
const [books, rounds] = [Number(values.books), Number(values.rounds)];
if (values.help || !["sqlite", "postgresql"].includes(values.engine) || !(books >= 1000) || !(rounds >= 1)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const SINGLE = 200;
const BATCH = 64;
const BATCHES = 20;
const NAMES = ["add one", "rename one", "change the stock of one", "delete one", `add ${BATCH}`, `rename ${BATCH}`];

const stop = values.engine === "postgresql" ? await startPostgres() : undefined;
await cleaningUp(async () => {
  const engine = values.engine as Engine;
  const ways = await Promise.all(["with", "without"].map(async (way) => ({ way, ...(await opened(engine, way)) })));
  const taken = new Map<string, number[]>();
  for (let round = -1; round < rounds; round++) {
    for (const { way, writer } of ways) {
      for (const [name, ms] of Object.entries(await writes(writer, round))) {
        if (round >= 0) taken.set(`${name} ${way}`, [...(taken.get(`${name} ${way}`) ?? []), ms]);
      }
    }
  }
  const median = (of: readonly number[] = []) => of.toSorted((a, b) => a - b)[of.length >> 1] as number;
  console.log(`${engine}, ${books} books, Node ${process.version}; milliseconds, medians of ${rounds} rounds.\n`);
  console.log("| | with the index | without | times |\n| --- | ---: | ---: | ---: |");
  for (const name of NAMES) {
    const [withIt, without] = [median(taken.get(`${name} with`)), median(taken.get(`${name} without`))];
    console.log(`| ${name} | ${withIt.toFixed(2)} | ${without.toFixed(2)} | ${(withIt / without).toFixed(2)} |`);
  }
  for (const { close } of ways) await close();
});
await stop?.();

async function opened(engine: Engine, way: string) {
  const { url } = await newDatabase(engine);
  const { orm } = await openBooks(url);
  await fillWithMany(url, books);
  if (way === "without") {
    if (engine === "sqlite") {
      const database = new Database(url.slice("sqlite:".length));
      for (const after of ["insert", "update", "delete"]) database.exec(`drop trigger book_words_${after}`);
      database.close();
    } else await orm.transaction((tx) => tx.sql((sql) => sql.executeQuery(CompiledQuery.raw("drop index book_words"))));
  }
  return { writer: new StreamWriter(orm, bookStream), close: () => orm.close() };
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
