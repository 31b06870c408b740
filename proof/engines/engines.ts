import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findBinaries } from "../../test/support/postgres/programs.ts";
import { programPath } from "../../test/support/suite/programs.ts";
import { runTests, runTorture, type SetUp } from "./runs.ts";
import { postgres18, prepareDebian, valkeyAsRedis, versionOf } from "./servers.ts";

const USAGE = `npm run engines -- [options]

Runs the tests of the promise and the torture on each set-up of database and Redis that is supported, one after the
other, and prints a table. What Debian and npm have is fetched; PostgreSQL 18 by npm into proof/engines.

  --minutes N    of torture for each (5)
  --clients N    clients of the torture (20)
  --rate N       their requests a second (200)
  --seed N       of the torture (1)
  --only NAMES   some of them, separated by commas: debian, postgresql-18, pgbouncer, valkey, valkey-sqlite
  --help         shows this text

Exit code: 0 when all tests passed and nothing broke the promise, else 1.`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    clients: { type: "string", default: "20" },
    rate: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const WHOLE = { tests: [], torture: [] };
/** npm's PostgreSQL has none of `pg_basebackup`, which makes standbys, and `pg_dump`, by which a database in use is copied. */
const LACKING = { tests: ["--testNamePattern=^(?!.*standby)"], torture: ["--without", "copy"] };

function setUps(directory: string): readonly (() => SetUp)[] {
  const postgres = () => `PostgreSQL ${versionOf(join(findBinaries() as string, "postgres"))}`;
  const redis = `Redis ${versionOf("redis-server")}`;
  let folder: string | undefined;
  const valkey = () => {
    folder ??= valkeyAsRedis(directory);
    return {
      name: `Valkey ${versionOf(join(folder, "redis-server"))}`,
      env: { PATH: `${folder}:${process.env.PATH}` },
    };
  };
  return [
    () => ({ id: "debian", name: `${postgres()}, ${redis}`, engine: "postgresql", env: {}, ...WHOLE }),
    () => {
      const bin = postgres18();
      const name = `PostgreSQL ${versionOf(join(bin, "postgres"))}, ${redis}`;
      return { id: "postgresql-18", name, engine: "postgresql", env: { TEST_POSTGRES_BIN: bin }, ...LACKING };
    },
    () => {
      const bouncer = `PgBouncer ${versionOf(programPath("pgbouncer") as string)} (transactions)`;
      const name = `${bouncer}, ${postgres()}, ${redis}`;
      return { id: "pgbouncer", name, engine: "postgresql", env: { TEST_POSTGRES_POOLER: "1" }, ...WHOLE };
    },
    () => {
      const { name, env } = valkey();
      return { id: "valkey", name: `${postgres()}, ${name}`, engine: "postgresql", env, ...WHOLE };
    },
    () => {
      const { name, env } = valkey();
      return { id: "valkey-sqlite", name: `SQLite, ${name}`, engine: "sqlite", env, ...WHOLE };
    },
  ];
}

if (values.help) console.log(USAGE);
else {
  const directory = mkdtempSync(join(tmpdir(), "books-engines-"));
  try {
    await main(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function main(directory: string): Promise<void> {
  const only = values.only?.split(",").map((name) => name.trim());
  const known = ["debian", "postgresql-18", "pgbouncer", "valkey", "valkey-sqlite"];
  const unknown = (only ?? []).filter((name) => !known.includes(name));
  const numbers = [values.minutes, values.clients, values.rate, values.seed].map(Number);
  if (unknown.length > 0 || numbers.some((number) => !(number > 0))) {
    console.error(unknown.length > 0 ? `there is no set-up ${unknown.join(", ")}\n` : "numbers must be over 0\n");
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  prepareDebian();
  const rows = [
    "| set-up | tests of the promise | torture | operations | of reads from Redis | faults | violations |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
  ];
  for (const [index, make] of setUps(directory).entries()) {
    if (only && !only.includes(known[index] as string)) continue;
    let setUp: SetUp;
    try {
      setUp = make();
    } catch (error) {
      // what cannot be had here is no fault of the service
      rows.push(`| ${known[index]} | not to be had: ${firstLine(error)} | | | | | |`);
      process.exitCode = 1;
      continue;
    }
    console.error(`\n=== ${setUp.name}`);
    const { passed, failed } = await runTests(setUp);
    const { minutes, clients, rate, seed } = values;
    const args = ["--minutes", minutes, "--clients", clients, "--rate", rate, "--seed", seed];
    const { operations, fromRedis, faults, violations } = await runTorture(setUp, args);
    const tests = failed === 0 ? `${passed} passed` : `${passed} passed, ${failed} FAILED`;
    rows.push(
      `| ${setUp.name} | ${tests} | ${minutes} min | ${operations} | ${fromRedis} | ${faults} | ${violations ?? "did not end"} |`,
    );
    if (failed !== 0 || passed === 0 || violations !== 0) process.exitCode = 1;
  }
  console.log(`\n${rows.join("\n")}`);
}

function firstLine(error: unknown): string {
  return String((error as Error).message).split("\n")[0] as string;
}
