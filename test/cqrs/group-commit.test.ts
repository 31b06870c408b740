import { readFileSync } from "node:fs";
import Database from "better-sqlite3";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { readGroundTruth } from "../../proof/torture/change-log.ts";
import { engine } from "../support/database/database.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { startProxy } from "../support/network/proxy.ts";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import type { GraphqlResponse } from "../support/service/graphql-client.ts";
import { type Service, startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

/** The database as somebody else sees it, who can also hold up every command. */
interface Beholder {
  run(statement: string): Promise<unknown>;
  hold(): Promise<void>;
  release(): Promise<void>;
  /** How many transactions have changed the books so far. */
  transactions(): Promise<number>;
}

async function behold(url: string): Promise<Beholder> {
  return engine === "sqlite" ? beholdSqlite(url.slice("sqlite:".length)) : beholdPostgres(url);
}

function beholdSqlite(file: string): Beholder {
  const database = new Database(file, { timeout: 5000 });
  onTestFinished(() => void database.close());
  const run = async (statement: string) => database.exec(statement);
  return {
    run,
    hold: async () => void (await run("begin immediate")),
    release: async () => void (await run("commit")),
    transactions: async () => commitsInLog(readFileSync(`${file}-wal`)),
  };
}

/**
 * The frames of SQLite's write-ahead log that end a transaction: they hold the size that the database then has. The log
 * begins anew after a thousand pages, which no test here reaches.
 */
function commitsInLog(log: Buffer): number {
  const pageSize = log.readUInt32BE(8);
  const salts = log.subarray(16, 24);
  let commits = 0;
  for (let frame = 32; frame < log.length; frame += 24 + pageSize) {
    expect(log.subarray(frame + 8, frame + 16)).toEqual(salts);
    if (log.readUInt32BE(frame + 4) > 0) commits++;
  }
  return commits;
}

async function beholdPostgres(url: string): Promise<Beholder> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  const run = async (statement: string) => (await client.query(statement)).rows;
  // rows know the savepoint that wrote them; this is the transaction
  await run("alter table book_change add column transaction text default pg_current_xact_id()::text");
  return {
    run,
    hold: async () => void (await run("begin; update stream set revision = revision")),
    release: async () => void (await run("commit")),
    transactions: async () => {
      const [row] = await run("select count(distinct transaction) from book_change");
      return Number(row.count);
    },
  };
}

async function start() {
  const { url } = await migratedDatabase();
  const service = await startService({ DATABASE_URL: url });
  return { url, service, beholder: await behold(url) };
}

function add(service: Service, title: string, extensions?: unknown): Promise<GraphqlResponse> {
  return service.send(ADD_BOOK, { variables: { input: { title, author: "Author Name" } }, extensions });
}

function titlesOf(count: number, prefix = "Book"): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix} ${i}`);
}

/** Sends requests while no command gets through, and lets them through when all have arrived. */
async function together(
  service: Service,
  beholder: Beholder,
  send: () => readonly Promise<GraphqlResponse>[],
): Promise<readonly GraphqlResponse[]> {
  await beholder.hold();
  const answers = send();
  // reads pass by; those that were sent later arrive later
  for (let i = 0; i < 5; i++) await service.book("Nothing");
  await beholder.release();
  return Promise.all(answers);
}

function codeOf({ errors }: GraphqlResponse): string | undefined {
  return errors?.[0].extensions.code;
}

/** The change log: it has no gap, each change continues from the one before, and the last one is the stream's state. */
async function soundLog(url: string) {
  const { changes, revision, token } = await readGroundTruth(url);
  expect(changes.map((change) => change.revision)).toEqual(changes.map((_, i) => i + 1));
  expect(changes.slice(1).map(({ previousToken }) => previousToken)).toEqual(
    changes.slice(0, -1).map((change) => change.token),
  );
  expect(changes.at(-1)).toMatchObject({ revision, token });
  return changes;
}

describe("commands of one client", () => {
  test("are a transaction each, and the next finds what the last did", async () => {
    const { url, service, beholder } = await start();
    const before = await beholder.transactions();
    await service.addBook("Book");
    for (let i = 1; i <= 10; i++) {
      const { data, consistency } = await service.updateBook("Book", { stockQuantity: i, expectedVersion: i });
      expect(data.updateBook).toMatchObject({ stockQuantity: i, version: i + 1 });
      expect(consistency.revision).toBe(i + 1);
    }
    expect((await beholder.transactions()) - before).toBe(11);
    expect(await soundLog(url)).toHaveLength(11);
  });
});

test.runIf(engine === "sqlite")("a repeat is a transaction as well: what it tells of is on disk before", async () => {
  const { service, beholder } = await start();
  await service.addBook("Book", { stockQuantity: 10 });
  const transactionsFor = async (by: number) => {
    const before = await beholder.transactions();
    const { data } = await service.adjustStock("Book", by, "key");
    return [data.adjustStock.__typename, (await beholder.transactions()) - before];
  };
  for (let i = 0; i < 2; i++) expect(await transactionsFor(-1)).toEqual(["Book", 1]);
  expect(await transactionsFor(-2)).toEqual(["IdempotencyKeyReusedError", 0]);
});

describe("commands that come together", () => {
  test("share transactions, of which none is long, and each reports the revision that it made", async () => {
    const { url, service, beholder } = await start();
    const before = await beholder.transactions();
    const titles = titlesOf(200);
    const answers = await together(service, beholder, () => titles.map((title) => add(service, title)));

    const changes = await soundLog(url);
    expect(changes).toHaveLength(200);
    for (const [i, { data, consistency }] of answers.entries()) {
      expect(data.addBook).toMatchObject({ __typename: "Book", title: titles[i] });
      expect(changes[consistency.revision - 1]?.after?.title).toBe(titles[i]);
    }
    const transactions = (await beholder.transactions()) - before;
    expect(transactions).toBeGreaterThanOrEqual(4);
    expect(transactions).toBeLessThanOrEqual(6);
  });

  test("share transactions though nothing holds them up", async () => {
    const { service, beholder } = await start();
    const before = await beholder.transactions();
    // connections are made one by one, so they are made before
    await Promise.all(titlesOf(30).map((title) => service.book(title)));
    await Promise.all(titlesOf(30).map((title) => service.addBook(title)));
    expect((await beholder.transactions()) - before).toBeLessThan(15);
  });

  test("are refused alone, at the state that those before them made", async () => {
    const { url, service, beholder } = await start();
    const titles = titlesOf(30).map((title, i) => (i % 3 === 2 ? "Taken" : title));
    const answers = await together(service, beholder, () => [
      ...titles.map((title) => add(service, title)),
      add(service, " "),
      service.deleteBook("Nowhere"),
    ]);

    const changes = await soundLog(url);
    expect(changes).toHaveLength(21);
    const taken = changes.find(({ after }) => after?.title === "Taken")?.revision as number;
    for (const { data, consistency } of answers) {
      const { __typename, title } = Object.values(data)[0] as { __typename: string; title: string };
      if (__typename === "Book") expect(changes[consistency.revision - 1]?.after?.title).toBe(title);
      else if (__typename === "TitleTakenError") expect(consistency.revision).toBeGreaterThanOrEqual(taken);
      expect(consistency.revision).toBeLessThanOrEqual(21);
    }
    const outcomes = answers.map(({ data }) => (Object.values(data)[0] as { __typename: string }).__typename);
    expect(outcomes.filter((outcome) => outcome === "TitleTakenError")).toHaveLength(9);
    expect(outcomes.slice(-2)).toEqual(["ValidationError", "BookNotFoundError"]);
  });

  test("fail alone when the fault is theirs", async () => {
    const { url, service, beholder } = await start();
    // stands for a bug: a rule of the database that the program does not know of
    await beholder.run(
      engine === "sqlite"
        ? `create trigger poison before insert on book when new.title = 'Poison'
           begin select raise(abort, 'poison'); end`
        : "alter table book add check (title <> 'Poison')",
    );
    const answers = await together(service, beholder, () => [
      add(service, "First"),
      add(service, "Poison"),
      add(service, "Second"),
      add(service, "Too early", { consistency: { atLeast: 1000 } }),
      add(service, "Third"),
    ]);
    expect(answers.map(codeOf)).toEqual([
      undefined,
      "INTERNAL_SERVER_ERROR",
      undefined,
      "REVISION_NOT_REACHED",
      undefined,
    ]);
    expect((await soundLog(url)).map(({ after }) => after?.title)).toEqual(["First", "Second", "Third"]);
  });

  test("are told at once, all of them, when the database cannot be written to", async () => {
    const { url, service, beholder } = await start();
    await beholder.hold();
    const begin = performance.now();
    const answers = await Promise.all(titlesOf(100).map((title) => add(service, title)));
    expect(performance.now() - begin).toBeLessThan(8000);
    expect(new Set(answers.map(codeOf))).toEqual(new Set(["DATABASE_UNAVAILABLE"]));
    await beholder.release();
    await service.addBook("Book");
    expect((await soundLog(url)).map(({ after }) => after?.title)).toEqual(["Book"]);
  });
});

describe.runIf(engine === "postgresql")("a batch on PostgreSQL", () => {
  test("takes two round trips, whatever it changes, and so does one command alone", async () => {
    const { url } = await migratedDatabase();
    const way = await startProxy(Number(new URL(url).port));
    const through = new URL(url);
    through.port = `${way.port}`;
    const service = await startService({ DATABASE_URL: through.href });
    const beholder = await behold(url);
    await service.addBook("First");

    const turnsOf = async (send: () => Promise<unknown>) => {
      const before = way.turns;
      await send();
      return way.turns - before;
    };
    expect(await turnsOf(() => service.addBook("Book"))).toBe(2);
    expect(await turnsOf(() => service.updateBook("Book", { title: "Renamed", isbn: "1234567890" }))).toBe(2);
    expect(await turnsOf(() => service.deleteBook("Nothing"))).toBe(2);
    expect(await turnsOf(() => service.deleteBook("Renamed"))).toBe(2);
    // kept under a key, found under it, and refused for it
    for (const by of [1, 1, 2]) expect(await turnsOf(() => service.adjustStock("First", by, "key"))).toBe(2);

    await beholder.hold();
    // one command holds up the others, which then share the next transaction
    const first = add(service, "Holding");
    await service.book("Nothing");
    const answers = [
      ...titlesOf(40).map((title) => add(service, title)),
      service.updateBook("First", { title: "Second" }),
      service.deleteBook("Nothing"),
    ];
    for (let i = 0; i < 5; i++) await service.book("Nothing");
    // what the first one waits for was sent before
    const turns = await turnsOf(async () => {
      await beholder.release();
      await Promise.all([first, ...answers]);
    });
    expect(turns).toBe(3);
    expect(await beholder.transactions()).toBe(7);
  });
});

describe.runIf(engine === "postgresql")("when the connection to PostgreSQL is lost", () => {
  test("at the commit of one of several that fail alone, each is told what became of it", async () => {
    const { url, service, beholder } = await start();
    await beholder.run(`
      alter table book add check (title <> 'Poison');
      create function cut() returns trigger language plpgsql as $$ begin
        perform pg_terminate_backend(pg_backend_pid());
        return null;
      end $$;
      create constraint trigger cut after insert on book deferrable initially deferred
        for each row when (new.title = 'Cut') execute function cut()`);
    // the first command holds up the others, which then share the next transaction
    const titles = ["First", "Poison", "Cut"];
    const answers = await together(service, beholder, () => titles.map((title) => add(service, title)));
    expect(answers.map(codeOf)).toEqual([undefined, "INTERNAL_SERVER_ERROR", "OUTCOME_UNKNOWN"]);
    expect((await soundLog(url)).map(({ after }) => after?.title)).toEqual(["First"]);
  });

  test("in mid-transaction, all of it runs again, and nothing twice", async () => {
    const { url, service, beholder } = await start();
    await beholder.run(`
      create sequence cuts;
      create function cut() returns trigger language plpgsql as $$ begin
        if nextval('cuts') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if;
        return new;
      end $$;
      create trigger cut before insert on book for each row when (new.title = 'Book 7') execute function cut()`);
    const titles = titlesOf(15);
    const answers = await together(service, beholder, () => titles.map((title) => add(service, title)));
    expect(answers.map(codeOf)).toEqual(titles.map(() => undefined));
    const changes = await soundLog(url);
    expect(changes.map(({ after }) => after?.title).sort()).toEqual(titles.sort());
  });

  test("at the commit, nobody is told more than that the outcome is unknown", async () => {
    const { url } = await migratedDatabase();
    const way = await startProxy(Number(new URL(url).port));
    const through = new URL(url);
    through.port = `${way.port}`;
    const service = await startService({ DATABASE_URL: through.href });
    await service.addBook("Taken");
    const beholder = await behold(url);
    await beholder.run(`
      create function linger() returns trigger language plpgsql as $$ begin perform pg_sleep(1); return null; end $$;
      create constraint trigger linger after insert on book deferrable initially deferred
        for each row when (new.title = 'Last') execute function linger()`);

    await beholder.hold();
    // one command holds up the others, which then share the next transaction
    const first = add(service, "First");
    await service.book("Nothing");
    const answers = [...titlesOf(10), "Taken", " ", "Last"].map((title) => add(service, title));
    for (let i = 0; i < 5; i++) await service.book("Nothing");
    await beholder.release();
    await eventually("the commit is under way", async () => {
      const rows = await beholder.run(
        "select 1 from pg_stat_activity where query = 'commit' and wait_event = 'PgSleep'",
      );
      return (rows as unknown[]).length > 0;
    });
    way.cut();

    expect((await first).data.addBook.__typename).toBe("Book");
    expect((await Promise.all(answers)).map(codeOf)).toEqual(answers.map(() => "OUTCOME_UNKNOWN"));
    // as it happens it went through, which nobody here could know
    await eventually("it is committed", async () => (await readGroundTruth(url)).changes.length === 13);
    way.heal();
    await service.addBook("Book");
    expect(await soundLog(url)).toHaveLength(14);
  });
});
