import { setTimeout as sleep } from "node:timers/promises";
import { CompiledQuery } from "kysely";
import { StartupError } from "../errors.ts";
import type { DatabaseEngine, DatabaseError, Sql } from "./engine.ts";
import { MIGRATION, type SchemaMigration } from "./migrations.ts";

/** Times that migrations are tried: of two processes that start on a new database, the second fails and looks again. */
const ATTEMPTS = 10;
/** How long the migrations of another process are waited for, in milliseconds. */
const WAIT_MS = 120_000;
/** What a lock fails with that another process holds, by each engine. */
const HELD = /^(55P03|SQLITE_BUSY)/;

/** What became of the schema when the database was opened. */
export interface Migrated {
  /** The names of the migrations that were run. */
  readonly ran: readonly string[];
  /** Those that a newer version has run, and beside which this one may serve. */
  readonly newer: readonly string[];
}

/**
 * Runs the migrations that have not run yet, all in one transaction; with `mayRun` false it only looks whether there are
 * any. They are remembered in the table that MikroORM's migrator has; the migrator itself creates databases that it does
 * not find by the name in the URL, which may be a pooler's, and looks for its table in no schema but `public`.
 *
 * @throws StartupError when some have not run and may not, or a newer version of the program has run some that this one
 *   cannot serve beside
 */
export async function migrate(
  sql: Sql,
  engine: DatabaseEngine,
  migrations: readonly SchemaMigration[],
  mayRun: boolean,
): Promise<Migrated> {
  const began = performance.now();
  for (let attempt = 1; ; ) {
    try {
      return await sql.transaction().execute((tx) => migrateIn(tx, engine, migrations, mayRun));
    } catch (error) {
      if (error instanceof StartupError) throw error;
      const isHeld = HELD.test((error as DatabaseError).code ?? "") && performance.now() - began < WAIT_MS;
      if (!isHeld && attempt++ === ATTEMPTS) throw error;
      await sleep(20 + Math.random() * 80);
    }
  }
}

async function migrateIn(
  sql: Sql,
  engine: DatabaseEngine,
  migrations: readonly SchemaMigration[],
  mayRun: boolean,
): Promise<Migrated> {
  const { columns, create, lock } = engine.migrationTable;
  const run = async (statement: string) =>
    (await sql.executeQuery<{ name: string }>(CompiledQuery.raw(statement))).rows;
  const columnNames = async () => (await run(columns)).map(({ name }) => name);
  const change = (statement: string) => run(`${MIGRATION} ${statement}`);
  const pendingOf = (done: ReadonlyMap<string, boolean>) => migrations.filter(({ name }) => !done.has(name));

  if ((await columnNames()).length === 0) {
    if (!mayRun) refusePending(migrations);
    await change(create);
  }
  const done = await executed(sql, await columnNames());
  const pending = pendingOf(done);
  const newer = [...done.keys()].filter((name) => !migrations.some((migration) => migration.name === name));
  refuseNewer(newer, done, pending);
  if (pending.length === 0) return { ran: [], newer };
  if (!mayRun) refusePending(pending);

  // another process may run the same ones
  if (lock) await run(lock);
  const names = await columnNames();
  // a database of before says of none whether it is compatible, and what it has run then every later version knows
  if (!names.includes("compatible")) {
    await change("alter table mikro_orm_migrations add column compatible integer not null default 0");
  }
  const ran: string[] = [];
  for (const { name, compatible, up } of pendingOf(await executed(sql, names))) {
    for (const statement of up(engine.ddl)) await change(statement);
    await sql
      .insertInto("mikro_orm_migrations")
      .values({ name, compatible: compatible ? 1 : 0 })
      .execute();
    ran.push(name);
  }
  return { ran, newer };
}

/** The names of the migrations that have run, and whether processes that do not know them may serve. */
async function executed(sql: Sql, columns: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
  const isMarked = columns.includes("compatible");
  const selected = isMarked ? (["name", "compatible"] as const) : (["name"] as const);
  const rows = await sql.selectFrom("mikro_orm_migrations").select(selected).orderBy("id").execute();
  return new Map(rows.map(({ name, compatible }) => [name as string, compatible === 1]));
}

function refuseNewer(
  newer: readonly string[],
  done: ReadonlyMap<string, boolean>,
  pending: readonly SchemaMigration[],
): void {
  const incompatible = newer.filter((name) => !done.get(name));
  if (incompatible.length > 0) {
    throw new StartupError([
      `DATABASE_URL: the database was migrated by a newer version of this program (${incompatible.join(", ")}); ` +
        "run that version, or restore an older backup.",
    ]);
  }
  // what was never together in one version was never tried together
  if (newer.length > 0 && pending.length > 0) {
    throw new StartupError([
      `DATABASE_URL: the database was migrated by another version of this program (${newer.join(", ")}), ` +
        `which does not know ${namesOf(pending)}; run a version that knows both.`,
    ]);
  }
}

function refusePending(pending: readonly SchemaMigration[]): void {
  if (pending.length === 0) return;
  throw new StartupError([
    `DATABASE_URL: the database lacks ${namesOf(pending)}, and MIGRATE is never; run MIGRATE=only npm start first.`,
  ]);
}

function namesOf(migrations: readonly SchemaMigration[]): string {
  return migrations.map(({ name }) => name).join(", ");
}
