import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { engine, newDatabase } from "../support/database/database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { startRedis } from "../support/redis/server.ts";
import { operate } from "../support/service/operate.ts";
import { spawnProgram } from "../support/service/program.ts";
import { startService } from "../support/service/service.ts";
import { canMount, onSmallDisk } from "../support/service/small-disk.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { eventually } from "../support/wait.ts";

test("a drill: backed up under load, the disk lost, restored, and gone on with", async () => {
  const redis = await startRedis();
  const database = await newDatabase();
  const env = { DATABASE_URL: database.url, REDIS_URL: redis.url };
  const directory = temporaryDirectory();
  const file = join(directory, "backup");

  const before = await startService(env);
  await servedByRedis(before);
  const acknowledged: string[] = [];
  let writing = true;
  const writer = (async () => {
    for (let i = 0; writing; i++) {
      const title = `Book ${i}`;
      await before.addBook(title);
      acknowledged.push(title);
    }
  })();
  await before.addBook("first of all");
  const [known, backup] = [[...acknowledged], operate("backup", { DATABASE_URL: database.url }, file)];
  const { code, stdout, stderr } = await backup;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const revision = Number(/^books: revision (\d+)$/m.exec(stdout)?.[1]);
  expect(revision).toBeGreaterThan(known.length);
  writing = false;
  await writer;
  await before.addBook("after the backup");

  const refused = await operate("restore", { DATABASE_URL: database.url }, file, "--replace");
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/^Something is connected to the database\. .*npm run restore -- FILE --force\n$/);
  await before.close();

  await database.renew();
  const restored = await operate("restore", { DATABASE_URL: database.url }, file);
  expect(restored).toMatchObject({ code: 0, stderr: "" });
  expect(restored.stdout).toContain(`restored: books at revision ${revision}`);

  const after = await startService(env);
  const titles = async () => (await after.titles()).sort();
  // from the database, and then from a read model of the history that is now
  const first = await titles();
  expect(first).toEqual(expect.arrayContaining(["first of all", ...known]));
  expect(first).toHaveLength(revision);
  expect(first).not.toContain("after the backup");
  await servedByRedis(after);
  expect(await titles()).toEqual(first);
  await after.addBook("goes on");
  expect(await titles()).toEqual([...first, "goes on"].sort());
  const examined = await operate("doctor", env);
  expect(examined).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^books: .*, nothing differs$/m),
  });
  await after.close();

  // what is there is not lost unasked
  const occupied = await operate("restore", { DATABASE_URL: database.url }, file);
  expect(occupied).toMatchObject({ code: 1, stdout: "" });
  expect(occupied.stderr).toContain(`The database holds books at revision ${revision + 1}, which would be lost.`);
  const replaced = await operate("restore", { DATABASE_URL: database.url }, file, "--replace");
  expect(replaced).toMatchObject({ code: 0, stderr: "" });
  const [row] = await sqlOn(database.url, "select revision from stream");
  expect(Number(row.revision)).toBe(revision);
  expect(readdirSync(directory)).toEqual(["backup"]);
}, 180_000);

describe("a backup", () => {
  test.runIf(engine === "sqlite")(
    "is refused where it cannot be, and leaves nothing behind",
    async () => {
      const directory = temporaryDirectory();
      const at = (name: string) => join(directory, name);
      const DATABASE_URL = `sqlite:${at("none.db")}`;
      writeFileSync(at("there"), "precious");
      mkdirSync(at("folder"));
      const refusals = [
        [[at("there")], "exists already, and nothing is overwritten; name a file that does not exist yet."],
        [[at("folder")], "is a directory; name a file that does not exist yet."],
        [[at("no/directory")], "cannot be written: its directory does not exist."],
        [["a", "b"], "Give one file: npm run backup -- FILE (--help says more)."],
        [[at("new")], "there is no database"],
      ] as const;
      const told = await Promise.all(refusals.map(([args]) => operate("backup", { DATABASE_URL }, ...args)));
      for (const [index, [, reason]] of refusals.entries()) {
        expect(told[index]).toMatchObject({ code: reason.startsWith("Give") ? 2 : 1, stdout: "" });
        expect(told[index]?.stderr).toContain(reason);
      }
      expect(readdirSync(directory).sort()).toEqual(["folder", "there"]);
    },
    180_000,
  );

  test.runIf(canMount())(
    "is not there when the disk is full or it was interrupted, and the service goes on",
    async () => {
      const { url: DATABASE_URL } = await newDatabase();
      const service = await startService({ DATABASE_URL });
      // what no program can make small
      const noise = () => String.fromCodePoint(...Array.from({ length: 10_000 }, () => randomInt(0x4e00, 0x9f00)));
      for (let i = 0; i < 100; i++) await service.addBook(`Book ${i}`, { description: noise() });
      const directory = temporaryDirectory();
      const full = spawnProgram(
        "src/operate/backup.ts",
        [join(directory, "backup")],
        { DATABASE_URL },
        onSmallDisk(directory),
      );
      const [code] = await once(full.child, "close");
      expect({ code, stdout: full.stdout() }).toEqual({ code: 1, stdout: "" });
      expect(full.stderr()).toMatch(/disk is full|No space left on device/);

      const { child } = spawnProgram("src/operate/backup.ts", [join(directory, "other")], { DATABASE_URL });
      // it has begun
      await eventually("the file is begun", () => readdirSync(directory).some((name) => name.endsWith(".part")));
      child.kill("SIGTERM");
      const [status] = await once(child, "close");
      expect(readdirSync(directory)).toEqual(status === 0 ? ["other"] : []);
      await service.addBook("goes on");
      expect(await operate("backup", { DATABASE_URL }, join(directory, "third"))).toMatchObject({ code: 0 });
    },
    180_000,
  );

  test.runIf(engine === "sqlite")(
    "is refused when it is none, of something else, damaged or newer",
    async () => {
      const directory = temporaryDirectory();
      const at = (name: string) => join(directory, name);
      const DATABASE_URL = `sqlite:${at("books.db")}`;
      await (await startService({ DATABASE_URL })).close();
      const copy = (name: string, change: string) => {
        const source = new Database(at("books.db"));
        source.prepare("vacuum into ?").run(at(name));
        source.close();
        const made = new Database(at(name));
        made.exec(change);
        made.close();
      };
      writeFileSync(at("text"), "title,author\nDune,Herbert\n");
      copy("newer", "insert into mikro_orm_migrations (name) values ('books-99-from-the-future')");
      copy("other", "update stream set name = 'films'");
      const plain = new Database(at("plain"));
      plain.exec("create table t (x)");
      plain.close();
      const refusals = [
        ["text", "is no backup of an SQLite database of this service."],
        ["newer", "was made by a newer version of this program (books-99-from-the-future)"],
        ["other", "is a backup of something else: it has no books."],
      ] as const;
      const told = await Promise.all(
        refusals.map(([name]) => operate("restore", { DATABASE_URL }, at(name), "--replace")),
      );
      for (const [index, [, reason]] of refusals.entries()) {
        expect(told[index]).toMatchObject({ code: 1, stdout: "" });
        expect(told[index]?.stderr).toContain(reason);
      }
      // a lost or damaged database is no obstacle
      copy("good", "update stream set revision = 7");
      writeFileSync(at("books.db"), "garbage".repeat(1000));
      expect(await operate("restore", { DATABASE_URL }, at("good"))).toMatchObject({ code: 0 });
      expect(await sqlOn(DATABASE_URL, "select revision from stream")).toEqual([{ revision: 7 }]);
      expect(existsSync(at("good"))).toBe(true);
    },
    180_000,
  );
});
