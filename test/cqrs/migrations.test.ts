import { describe, expect, onTestFinished, test } from "vitest";
import { BookEntity } from "../../src/books/book.ts";
import { kernelMigrations, type SchemaMigration } from "../../src/cqrs/database/migrations.ts";
import { OrmService } from "../../src/cqrs/database/orm-service.ts";
import { engine, newDatabase } from "../support/database/database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { startService } from "../support/service/service.ts";
import { runToEnd } from "../support/service/service-process.ts";

const LATEST = "books-10-know-ranges";

/** The lines with which a start is refused. */
async function linesOf(DATABASE_URL: string, MIGRATE = "start"): Promise<readonly string[]> {
  const refused = await startService({ DATABASE_URL, MIGRATE }).then(
    () => undefined,
    (error) => error as { lines?: readonly string[] },
  );
  return refused?.lines ?? [];
}

/** A database as this version leaves it. */
async function migrated(): Promise<string> {
  const { url } = await newDatabase();
  await startService({ DATABASE_URL: url }).then((service) => service.close());
  return url;
}

const namesIn = async (url: string) =>
  (await sqlOn(url, "select name from mikro_orm_migrations order by id")).map(({ name }) => name as string);

const note = (url: string, name: string, compatible: number) =>
  sqlOn(url, `insert into mikro_orm_migrations (name, compatible) values ('${name}', ${compatible})`);

const forget = (url: string, name: string) => sqlOn(url, `delete from mikro_orm_migrations where name = '${name}'`);

/** Opens the database with these migrations alone. */
async function open(url: string, migrations: readonly SchemaMigration[]): Promise<OrmService> {
  const orm = await new OrmService({ entities: [BookEntity], migrations }).init(url);
  onTestFinished(() => orm.close());
  return orm;
}

describe("migrations", () => {
  test("run by a process that does nothing else, before others start that must not run them", async () => {
    const { url } = await newDatabase();
    const [line, ...more] = await linesOf(url, "never");
    expect(more).toEqual([]);
    expect(line).toMatch(/^DATABASE_URL: the database lacks cqrs-1-create-stream, .*, and MIGRATE is never; run /);
    expect(line).toContain(`${LATEST}, and MIGRATE is never; run MIGRATE=only npm start first.`);
    await expect(namesIn(url)).rejects.toThrow();

    const first = await runToEnd({ DATABASE_URL: url, MIGRATE: "only", PORT: "1" });
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const ran = first.stdout.trim().split("\n");
    expect(ran).toEqual((await namesIn(url)).map((name) => `migrated: ${name}`));
    const service = await startService({ DATABASE_URL: url, MIGRATE: "never" });
    await service.addBook("Book");
    await service.close();

    // as a process of another version leaves a row
    await sqlOn(url, "update book set folded_version = null");
    const again = await runToEnd({ DATABASE_URL: url, MIGRATE: "only" });
    expect(again).toMatchObject({
      code: 0,
      stdout: "books: what is derived of 1 rows was made anew\n",
      stderr: "",
    });
  });

  test("are asked for by name when one is missing", async () => {
    const url = await migrated();
    await forget(url, LATEST);
    expect(await linesOf(url, "never")).toEqual([
      `DATABASE_URL: the database lacks ${LATEST}, and MIGRATE is never; run MIGRATE=only npm start first.`,
    ]);
    expect(await namesIn(url)).not.toContain(LATEST);
  });

  test("run once when several processes start on a new database at once", async () => {
    const { url } = await newDatabase();
    const services = await Promise.all(Array.from({ length: 4 }, () => startService({ DATABASE_URL: url })));
    for (const [i, service] of services.entries()) await service.addBook(`Book ${i}`);
    const names = await namesIn(url);
    expect(names).toContain(LATEST);
    expect(new Set(names).size).toBe(names.length);
  });

  test("of a newer version let this one start when they are compatible with it, and no other", async () => {
    const url = await migrated();
    await note(url, "books-98-of-tomorrow", 1);
    const service = await startService({ DATABASE_URL: url, MIGRATE: "never" });
    await service.addBook("Book");
    await service.close();
    await note(url, "books-99-of-the-day-after", 0);
    const refusal =
      "DATABASE_URL: the database was migrated by a newer version of this program (books-99-of-the-day-after); " +
      "run that version, or restore an older backup.";
    for (const when of ["start", "only", "never"]) expect(await linesOf(url, when)).toEqual([refusal]);
  });

  test("of two versions that do not know each other's are not mixed", async () => {
    const url = await migrated();
    await note(url, "books-98-of-a-branch", 1);
    await forget(url, LATEST);
    expect(await linesOf(url)).toEqual([
      "DATABASE_URL: the database was migrated by another version of this program (books-98-of-a-branch), " +
        `which does not know ${LATEST}; run a version that knows both.`,
    ]);
  });

  test("are marked from the first one on that runs on a database of before, where none was", async () => {
    const url = await migrated();
    await sqlOn(url, "alter table mikro_orm_migrations drop column compatible");
    await startService({ DATABASE_URL: url, MIGRATE: "never" }).then((service) => service.close());
    await sqlOn(url, "insert into mikro_orm_migrations (name) values ('books-98-of-tomorrow')");
    expect(await linesOf(url)).toEqual([
      expect.stringContaining("newer version of this program (books-98-of-tomorrow)"),
    ]);
    await forget(url, "books-98-of-tomorrow");

    const names = (await namesIn(url)).map((name) => ({ name, compatible: true, up: () => [] }));
    const next = (name: string, compatible: boolean) => ({
      name,
      compatible,
      up: () => [`create table "${name}" (x int)`],
    });
    const orm = await open(url, [...names, next("one", true), next("other", false)]);
    expect(orm.migrated).toEqual({ ran: ["one", "other"], newer: [] });
    expect(await sqlOn(url, "select name, compatible from mikro_orm_migrations order by id desc limit 2")).toEqual([
      { name: "other", compatible: 0 },
      { name: "one", compatible: 1 },
    ]);
  });

  test.runIf(engine === "postgresql")("may take as long as they take, whatever their statements are", async () => {
    const { url } = await newDatabase();
    // longer than a server may otherwise be silent
    const slow = { name: "slow", compatible: true, up: () => ["do $$ begin perform pg_sleep(6.5); end $$"] };
    const orm = await open(url, [...kernelMigrations, slow]);
    expect(orm.migrated.ran).toContain("slow");
  });
});
