import { existsSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { openStores } from "../../src/app.ts";
import { bookModule } from "../../src/books/book-module.ts";
import { ConfigService } from "../../src/config.ts";
import { Examination } from "../../src/cqrs/doctor/examination.ts";
import { orderKey } from "../../src/cqrs/folding.ts";
import { type ReadModelKeys, readModelKeys } from "../../src/cqrs/redis/keys.ts";
import { modules } from "../../src/modules.ts";
import { linesOf } from "../../src/operate/doctor-report.ts";
import { engine, newDatabase } from "../support/database/database.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { startCluster } from "../support/redis/cluster.ts";
import { startRedis } from "../support/redis/server.ts";
import { operate } from "../support/service/operate.ts";
import type { Environment } from "../support/service/program.ts";
import { startService } from "../support/service/service.ts";
import { servedByRedis } from "../support/service/witness.ts";

/** The lines that name what differs: not what sums up, nor what is no damage. */
function named(stdout: string): string[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "" && !/^(database|books|note|repair|cannot be repaired): /.test(line));
}

async function examined(env: { readonly DATABASE_URL: string; readonly REDIS_URL?: string }, ...args: string[]) {
  const { code, stdout, stderr } = await operate("doctor", env, ...args);
  return { code, stderr, stdout, named: named(stdout) };
}

/** The same without a process of its own, which takes a fraction of the time. */
async function examinedHere(env: Environment) {
  const { orm, redis, close } = await openStores(ConfigService.load({ LOG_LEVEL: "silent", ...env }, modules), modules);
  try {
    const examination = new Examination(orm, redis, () => {});
    const found = [await examination.database(modules), await examination.stream(bookModule)];
    const stdout = `${found.flatMap(linesOf).join("\n")}\n`;
    return { code: found.every(({ count }) => count === 0) ? 0 : 1, stderr: "", stdout, named: named(stdout) };
  } finally {
    await close();
  }
}

async function foundHere(env: Environment): Promise<string[]> {
  return (await examinedHere(env)).named;
}

function prefixed({ rows, order }: ReadModelKeys): ReadModelKeys {
  return { rows: `shop*:${rows}`, order: `shop*:${order}` };
}

const CLEAN = { code: 0, stderr: "", named: [] };

describe("the doctor", () => {
  test("finds what was done to the table by hand, and has log, read model and clients learn of it", async () => {
    const redis = await startRedis();
    const { url: DATABASE_URL } = await migratedDatabase();
    const env = { DATABASE_URL, REDIS_URL: redis.url };
    const service = await startService(env);
    for (const title of ["Kept", "Edited", "Renamed", "Deleted"]) await service.addBook(title);
    await servedByRedis(service);

    await sqlOn(DATABASE_URL, "update book set author = 'By Hand' where title = 'Edited'");
    await sqlOn(DATABASE_URL, "update book set title = 'Named by Hand' where title = 'Renamed'");
    await sqlOn(DATABASE_URL, "delete from book where title = 'Deleted'");
    await sqlOn(
      DATABASE_URL,
      "insert into book (id, title, author, stock_quantity, version) values (77, 'Added', 'By Hand', 1, 1)",
    );
    const found = await examined(env);
    expect(found).toMatchObject({ code: 1, stderr: "" });
    // the service itself may have put right what the title is sorted by
    expect(found.named.filter((line) => !line.includes("has wrong title_key"))).toEqual([
      'book 2 "Edited" is not as revision 2 left it: author',
      'book 3 "Named by Hand" is not as revision 3 left it: title',
      'book 4 "Deleted" is gone, and revision 4 had left it there',
      'book 77 "Added" is there, and no change has added it',
      'book 2 "Edited" has wrong author_key, author_words',
    ]);

    // two at once make each of them a change once
    const repaired = await Promise.all([examined(env, "--repair"), examined(env, "--repair")]);
    const adopted = repaired.map(({ stdout }) =>
      Number(/^repair: (\d) changes that .* by doctor$/m.exec(stdout)?.[1] ?? 0),
    );
    expect(adopted.reduce((sum, count) => sum + count)).toBe(4);
    expect(await examinedHere(env)).toMatchObject(CLEAN);
    const { data } = await service.ask(
      "{ changes(after: 4) { revision kind who before { title author } after { title author version } } }",
      { extensions: { consistency: { atLeast: 8 } } },
    );
    const change = (revision: number, kind: string, before: string[] | null, after: string[] | null) => ({
      ...{ revision, kind, who: "doctor", before: before && { title: before[0], author: before[1] } },
      after: after && { title: after[0], author: after[1], version: revision },
    });
    expect(data.changes).toEqual([
      change(5, "UPDATED", ["Edited", "Author Name"], ["Edited", "By Hand"]),
      change(6, "UPDATED", ["Renamed", "Author Name"], ["Named by Hand", "Author Name"]),
      change(7, "DELETED", ["Deleted", "Author Name"], null),
      change(8, "ADDED", null, ["Added", "By Hand"]),
    ]);
    await servedByRedis(service);
    expect(await service.titles()).toEqual(["Added", "Edited", "Kept", "Named by Hand"]);
  }, 180_000);

  // the read model is the same whatever the database is
  test.runIf(engine === "sqlite")(
    "finds what was done to the read model by hand, and has it rebuilt",
    async () => {
      const redis = await startRedis();
      const { url: DATABASE_URL } = await migratedDatabase();
      const env = { DATABASE_URL, REDIS_URL: `${redis.url}?prefix=shop*:` };
      const service = await startService(env);
      for (const title of ["A", "B", "C", "D", "E", "F"]) await service.addBook(title);
      await servedByRedis(service);
      await service.close();
      const inForce = async () => (await sqlOn(DATABASE_URL, "select read_model from stream"))[0].read_model;
      const first = await inForce();
      const { rows, order } = prefixed(readModelKeys("books", first));
      const { client } = redis;
      const member = (title: string) => `${orderKey(title)}\0${title}`;

      await client.hset(rows, "A", (await client.hget(rows, "A"))?.replace("Author Name", "By Hand") ?? "");
      await client.multi().hdel(rows, "B").zrem(order, member("B")).exec();
      await client.hset(rows, "C", "no JSON");
      await client.zadd(order, 1, member("D"));
      await client.zrem(order, member("E"));
      await client.zadd(order, 0, `elsewhere\0E`, 0, member("In the Order"));
      await client.hset(rows, "Left Over", "{}");
      await client.set(`shop*:{books:old}:rows`, "by hand");
      // of another prefix
      await client.set(`shopping:{books:old}:rows`, "by hand");
      const found = await examinedHere(env);
      expect(found).toMatchObject({ code: 1, stderr: "" });
      const row = (title: string, what: string) => `the row "${title}" of the read model ${what}`;
      expect(found.named).toEqual([
        row("A", "is not that of the table: author"),
        row("B", "is missing"),
        row("C", "is no instance"),
        row("D", "stands elsewhere in the order"),
        row("E", "is not in the order"),
        row("Left Over", "is there, and not in the table"),
        '"elsewhere\\u0000E" is no place in the order of the read model',
        row("In the Order", "is in the order, and no row"),
        "the key {books:old}:rows is of no read model in force, and stays for ever",
      ]);

      expect(await examined(env, "--repair")).toMatchObject({ code: 0, stderr: "" });
      expect(await inForce()).not.toBe(first);
      expect(await client.keys("*{books:old}:rows")).toEqual(["shopping:{books:old}:rows"]);

      // of another history, of none, on another Redis, of another type
      const second = prefixed(readModelKeys("books", await inForce()));
      await client.hset(second.rows, "", "6:of-another-history");
      expect(await foundHere(env)).toEqual([
        "the read model is of another history: the log has no revision 6 like its",
      ]);
      await client.hdel(second.rows, "");
      expect(await foundHere(env)).toEqual(["the read model has no mark"]);
      await client.del(second.rows);
      await client.set(second.rows, "by hand");
      expect((await examined(env, "--repair")).code).toBe(0);
      await redis.kill();
      expect(await foundHere(env)).toEqual([
        expect.stringMatching(/^the read model could not be looked at: Redis cannot be reached: /),
      ]);
      await redis.start();
      expect(await foundHere(env)).toEqual([
        "the read model is on another Redis, or of its run before, so that the database answers",
      ]);
      const again = await startService(env);
      await servedByRedis(again);
      expect(await again.titles()).toEqual(["A", "B", "C", "D", "E", "F"]);
    },
    120_000,
  );

  test.runIf(engine === "sqlite")(
    "looks on every node of a cluster",
    async () => {
      const cluster = await startCluster();
      const { url: DATABASE_URL } = await migratedDatabase();
      const env = { DATABASE_URL, REDIS_URL: cluster.url };
      const service = await startService(env);
      await service.addBook("A");
      await servedByRedis(service);
      expect(await foundHere(env)).toEqual([]);
      const left = ["{books:1}:rows", "{books:2}:order", "{books:3}:rows"];
      // each is set where it belongs, and refused elsewhere
      for (const key of left) await Promise.allSettled(cluster.nodes.map(({ client }) => client.set(key, "by hand")));
      expect((await foundHere(env)).sort()).toEqual(
        left.map((key) => `the key ${key} is of no read model in force, and stays for ever`),
      );
      expect((await examined(env, "--repair")).code).toBe(0);
    },
    180_000,
  );

  test("takes what is only behind, or vanishes by itself, for no damage", async () => {
    const redis = await startRedis();
    const { url: DATABASE_URL } = await migratedDatabase();
    const env = { DATABASE_URL, REDIS_URL: redis.url };
    expect((await startService({ DATABASE_URL })).databaseUrl).toBe(DATABASE_URL);
    expect((await examinedHere(env)).stdout).toContain(
      "note: no read model is in force: no process with Redis has started yet\n",
    );
    const service = await startService(env);
    for (const title of ["A", "B", "C"]) await service.addBook(title);
    await servedByRedis(service);
    await service.close();
    const bare = await startService({ DATABASE_URL });
    await bare.updateBook("A", { title: "Z" });
    await bare.deleteBook("B");
    await bare.addBook("B", { author: "Another" });
    await redis.client.multi().set("{books:other}:rows", "x").pexpire("{books:other}:rows", 100_000).exec();
    const found = await examinedHere(env);
    expect(found).toMatchObject(CLEAN);
    expect(found.stdout).toContain("note: the read model is 3 revisions behind,");
    expect(found.stdout).toContain("note: 1 keys in Redis are of read models that are not in force here;");
    // without Redis it is said that nobody looked
    expect((await examinedHere({ DATABASE_URL })).stdout).toContain("note: REDIS_URL is not set: the read model,");
  }, 180_000);

  test("finds nothing wrong beside processes that write", async () => {
    const redis = await startRedis();
    const { url: DATABASE_URL } = await migratedDatabase();
    const env = { DATABASE_URL, REDIS_URL: redis.url };
    const services = await Promise.all([startService(env), startService(env)]);
    await servedByRedis(...services);
    let writing = true;
    let written = 0;
    const write = async (at: number) => {
      for (let i = 0; writing; i++) {
        const service = services[at % 2] as (typeof services)[number];
        await service.addBook(`${at} ${i}`);
        await service.updateBook(`${at} ${i}`, { title: `${at} ${i} again`, author: `${i}` });
        if (i % 3 === 0) await service.deleteBook(`${at} ${i} again`);
        written++;
      }
    };
    const writers = [0, 1, 2, 3, 4, 5, 6, 7].map(write);
    const found = await Promise.all([examined(env), examined(env, "--repair")]);
    writing = false;
    await Promise.all(writers);
    expect(written).toBeGreaterThan(20);
    for (const one of found) expect(one).toMatchObject(CLEAN);
  }, 180_000);

  test("names what the log has lost, which nothing can repair, and what keys stand for", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const service = await startService({ DATABASE_URL });
    for (const title of ["A", "B", "C", "D"]) await service.addBook(title);
    await service.updateBook("A", { author: "Another" });
    await service.adjustStock("B", 3, "kept");
    await service.updateBook("C", { author: "Another" });
    await service.deleteBook("C");
    await service.updateBook("D", { author: "Another" });
    await service.updateBook("D", { author: "A Third" });
    await service.close();
    await sqlOn(DATABASE_URL, "delete from book_change where revision in (4, 6)");
    await sqlOn(DATABASE_URL, "update book_change set token = 'other' where revision = 7");
    await sqlOn(DATABASE_URL, `update book_change set before = replace(before, '"A"', '"O"') where revision = 5`);
    await sqlOn(DATABASE_URL, "update book_change set after = 'garbage' where revision = 10");
    await sqlOn(DATABASE_URL, "update idempotency_key set revision = 11 where key = 'kept'");
    const found = await examinedHere({ DATABASE_URL });
    expect(found).toMatchObject({ code: 1, stderr: "" });
    const lost = [
      "the log lacks revision 4",
      "the log lacks revision 6",
      "revision 8 was not made from revision 7",
      "revision 5 finds of book 1 not what revision 1 left: title",
      "revision 9 finds book 4 there, which no change has added",
      "revision 10 of book 4 cannot be read",
    ];
    const edited = 'book 2 "B" is not as revision 2 left it: stockQuantity, version, updatedAt';
    expect(found.named).toEqual([edited, ...lost, "a key stands for revision 11, which this history does not have"]);
    const repaired = await examined({ DATABASE_URL }, "--repair", "--json");
    expect(repaired).toMatchObject({ code: 1, stderr: "" });
    const { ok, left } = JSON.parse(repaired.stdout);
    expect(ok).toBe(false);
    expect(left[1].differences).toEqual({ log: { shown: lost, count: lost.length } });
    expect(left[1].cannotBeRepaired).toEqual([expect.stringMatching(/restore a backup/)]);

    await sqlOn(DATABASE_URL, "update stream set trimmed_to = 10");
    await sqlOn(DATABASE_URL, "delete from book_change where revision <= 10");
    expect(await examinedHere({ DATABASE_URL })).toMatchObject(CLEAN);
    await sqlOn(DATABASE_URL, "update stream set token = 'other'");
    const other = await examinedHere({ DATABASE_URL });
    expect(other.named).toEqual(["the stream is at revision 11 of another history than the log"]);
  }, 180_000);

  test("lists books that have one ISBN in two forms, and those that today's rules would refuse", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const service = await startService({ DATABASE_URL });
    await service.addBook("Thirteen", { isbn: "9780306406157" });
    await service.addBook("Ten", { isbn: "0306406153" });
    await service.addBook("Refused", { coverUrl: "https://example.org/a.png" });
    await service.close();
    const change = async (id: number, column: string, before: string, after: string) => {
      await sqlOn(DATABASE_URL, `update book set ${column} = '${after}' where id = ${id}`);
      await sqlOn(
        DATABASE_URL,
        `update book_change set after = replace(after, '${before}', '${after}') where entity_id = ${id}`,
      );
    };
    await sqlOn(DATABASE_URL, "drop index book_isbn_unique");
    const gone = await examinedHere({ DATABASE_URL });
    expect(gone).toMatchObject({ code: 1, named: ["nothing keeps isbn of book unique"] });
    const [, again = ""] = /cannot be repaired: Make the index again: (.*)\.$/m.exec(gone.stdout) ?? [];
    await sqlOn(DATABASE_URL, again);
    await change(2, "isbn", "0306406153", "0306406152");
    await change(3, "cover_url", "https://", "http://");
    await change(3, "author", "Author Name", " Author Name");
    await sqlOn(
      DATABASE_URL,
      "update book set cover_url = 'http://example.org/a.png', folded_version = null where id = 3",
    );
    const found = await examinedHere({ DATABASE_URL });
    expect(found).toMatchObject(CLEAN);
    expect(found.stdout.split("\n").filter((line) => line.startsWith("note: book"))).toEqual([
      'note: book 3 "Refused" would be refused today: coverUrl must be a web address that begins with https://',
      'note: book 2 "Ten" and book 1 "Thirteen" have one isbn: 0306406152, 9780306406157',
    ]);
    expect(found.stdout).toContain("note: 1 rows that another version wrote have nothing derived yet;");
  }, 180_000);

  test("finds what is derived wrongly, and an index of words that differs, and makes both anew", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const service = await startService({ DATABASE_URL });
    // each book is in another part of the index of words
    if (engine === "postgresql") await sqlOn(DATABASE_URL, "alter sequence book_id_seq increment by 5000");
    await Promise.all(["One", "Two", "Three"].map((title) => service.addBook(title, { author: "A" })));
    const [{ id: two }] = await sqlOn(DATABASE_URL, "select id from book where title = 'Two'");

    // the index misses a change, as only somebody can bring about who may change the database itself
    const change = `update book set title_words = ' nonsense ' where id = ${two}`;
    if (engine === "sqlite") {
      const trigger = "select sql from sqlite_schema where name = 'book_words_update'";
      const [{ sql }] = await sqlOn(DATABASE_URL, trigger);
      await sqlOn(DATABASE_URL, "drop trigger book_words_update");
      await sqlOn(DATABASE_URL, change);
      await sqlOn(DATABASE_URL, sql);
      await sqlOn(
        DATABASE_URL,
        `insert into book_words (rowid, title_words, author_words) values (${two}, ' ghost ', '')`,
      );
    } else {
      const hide = (ready: boolean) =>
        sqlOn(DATABASE_URL, `update pg_index set indisready = ${ready} where indexrelid = 'book_words'::regclass`);
      await hide(false);
      await sqlOn(DATABASE_URL, change);
      await hide(true);
      await sqlOn(
        DATABASE_URL,
        "update pg_index set indisvalid = false where indexrelid = 'book_author_order'::regclass",
      );
    }
    const found = await examinedHere({ DATABASE_URL });
    expect(found).toMatchObject({ code: 1, stderr: "" });
    expect(found.named).toEqual([
      ...(engine === "sqlite" ? [] : ["the index book_author_order is not valid"]),
      `book ${two} "Two" has wrong title_words`,
      ...Array(engine === "sqlite" ? 1 : 2).fill(expect.stringMatching(`^book ${two}: the index of words `)),
    ]);

    // on SQLite commands would wait for it
    const beside = await examined({ DATABASE_URL }, "--repair");
    expect(beside).toMatchObject({ code: engine === "sqlite" ? 1 : 0, stderr: "" });
    if (engine === "sqlite")
      expect(beside.stdout).toMatch(/^repair: not done: Something is connected to the database\./m);
    await service.close();
    if (engine === "sqlite") {
      const alone = await examined({ DATABASE_URL }, "--repair");
      expect(alone.code).toBe(0);
      expect(alone.stdout).toContain("repair: the index of words was made anew\n");
    }
    expect(await sqlOn(DATABASE_URL, `select title_words from book where id = ${two}`)).toEqual([
      { title_words: " two " },
    ]);
  }, 180_000);

  test("says why it cannot look at all, and makes nothing", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const empty = await newDatabase();
    await (await startService({ DATABASE_URL })).close();
    const refused = async (url: string, reason: string, ...args: string[]) => {
      const { code, stdout, stderr } = await operate("doctor", { DATABASE_URL: url }, ...args);
      expect({ code, stdout }).toEqual({ code: args.length > 0 ? 2 : 1, stdout: "" });
      expect(stderr).toContain(reason);
    };
    await refused(
      empty.url,
      engine === "sqlite" ? "there is no database" : "the database has no tables of this service.",
    );
    await sqlOn(DATABASE_URL, "insert into mikro_orm_migrations (name) values ('books-99-from-the-future')");
    await refused(DATABASE_URL, "was migrated by a newer version of this program (books-99-from-the-future)");
    await sqlOn(
      DATABASE_URL,
      "delete from mikro_orm_migrations where name in ('books-99-from-the-future', 'books-10-know-ranges')",
    );
    await refused(DATABASE_URL, "is of an older version of this program: books-10-know-ranges did not run.");
    if (engine !== "sqlite") return;
    const file = DATABASE_URL.slice("sqlite:".length);
    await Promise.all([
      refused(DATABASE_URL, "It takes no file", "file"),
      refused(DATABASE_URL, "Unknown option '--mend'", "--mend"),
      refused(DATABASE_URL, "--force is for --repair", "--force"),
    ]);
    expect(existsSync(empty.url.slice("sqlite:".length))).toBe(false);
    await refused("sqlite::memory:", "a database in memory is its process's own");
    writeFileSync(file, "title,author\nDune,Herbert\n".repeat(1000));
    await refused(DATABASE_URL, "cannot be read as a database of this service: file is not a database");
  }, 180_000);

  test.runIf(engine === "sqlite")(
    "names what SQLite finds damaged, and that a backup is to be restored",
    async () => {
      const { url: DATABASE_URL } = await migratedDatabase();
      const service = await startService({ DATABASE_URL });
      for (let i = 0; i < 30; i++) await service.addBook(`Book ${i}`, { description: "x".repeat(3000) });
      await service.close();
      const [{ page }] = await sqlOn(
        DATABASE_URL,
        "select rootpage as page from sqlite_schema where name = 'book_stock_quantity_order'",
      );
      await sqlOn(DATABASE_URL, "pragma wal_checkpoint(truncate)");
      const file = await open(DATABASE_URL.slice("sqlite:".length), "r+");
      await file.write(Buffer.alloc(64, 7), 0, 64, (page - 1) * 4096);
      await file.close();
      const found = await examinedHere({ DATABASE_URL });
      expect(found.code).toBe(1);
      expect(found.named[0]).toMatch(/^the file is damaged: /);
      expect(found.stdout).toContain(
        "cannot be repaired: Stop every process and restore a backup (npm run restore).\n",
      );
    },
    180_000,
  );
});
