import { once } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { openBooks } from "../support/database/books.ts";
import { engine, newDatabase } from "../support/database/database.ts";
import { onPostgres } from "../support/database/on-postgres.ts";
import { freePort } from "../support/network/port.ts";
import { startCluster } from "../support/postgres/own-server.ts";
import { startPgBouncer } from "../support/postgres/pgbouncer.ts";
import { startRedis } from "../support/redis/server.ts";
import { spawnProgram } from "../support/service/program.ts";
import { startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { eventually } from "../support/wait.ts";

const PASSWORD = "a/b?c#d@e:f%g h";

/** Starts a service, writes a book and reads it: what is connected to works. */
async function works(url: string): Promise<void> {
  const service = await startService({ DATABASE_URL: url });
  await service.addBook(`Book ${performance.now()}`);
  expect((await service.titles()).length).toBeGreaterThan(0);
  await service.close();
}

async function refusal(url: string): Promise<string> {
  const error = await startService({ DATABASE_URL: url }).then(
    () => undefined,
    (reason) => reason as Error,
  );
  expect(error?.name).toBe("StartupError");
  return String(error?.message);
}

async function ask<Row>(url: string, statement: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return (await client.query(statement).finally(() => client.end())).rows;
}

test.runIf(engine === "postgresql")("a service has no more connections than it may, and needs no more", async () => {
  const { url } = await newDatabase();
  const redis = await startRedis();
  const sizes = { DATABASE_POOL_SIZE: "1", DATABASE_BACKGROUND_POOL_SIZE: "2" };
  const service = await startService({ DATABASE_URL: url, REDIS_URL: redis.url, ...sizes });
  await servedByRedis(service);
  const { pathname } = new URL(url);
  const counting =
    "select count(*)::integer as open from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()";
  const open = async () => (await onPostgres(url, (c) => c.query(counting, [pathname.slice(1)]))).rows[0].open;
  const SEARCH =
    '{ booksConnection(search: "book", first: 5) { totalCount nodes { title } facets { authors { value } } } }';
  const counts: number[] = [];
  for (let round = 0; round < 5; round++) {
    const titles = Array.from({ length: 4 }, (_, i) => `Book ${round} ${i}`);
    await Promise.all(titles.map((title) => service.addBook(title)));
    await Promise.all([
      open().then((count) => counts.push(count)),
      service.ask(SEARCH),
      ...titles.map((title) => service.book(title)),
    ]);
  }
  expect(Math.max(...counts)).toBeLessThanOrEqual(4);
  expect((await service.titles()).length).toBe(20);
});

describe.runIf(engine === "postgresql")("a URL of PostgreSQL", () => {
  test("is taken in every form that libpq takes, and creates no database", async () => {
    const { url } = await newDatabase();
    const { port, pathname } = new URL(url);
    const name = pathname.slice(1);
    const [{ directory }] = (await ask<{ directory: string }>(
      url,
      "select current_setting('unix_socket_directories') as directory",
    )) as [{ directory: string }];
    await ask(url, `create role ${name} login superuser`);
    const dead = await freePort();
    const forms = [
      url,
      `postgres://postgres@localhost:${port}/${name}`,
      `postgresql://postgres@/${name}?host=${directory}&port=${port}`,
      `postgresql:///${name}?host=${encodeURIComponent(directory)}&port=${port}&user=postgres`,
      `postgresql://postgres@${encodeURIComponent(directory)}:${port}/${name}`,
      `postgresql://${name}@127.0.0.1:${port}`,
      `postgresql://127.0.0.1:${port}/?user=${name}`,
      `postgresql://?host=127.0.0.1&port=${port}&user=postgres&dbname=${name}`,
      `postgresql://postgres@127.0.0.1:${dead},127.0.0.1:${port}/${name}?target_session_attrs=read-write`,
      `postgresql://postgres@nowhere.invalid,localhost/${name}?port=${dead},${port}&connect_timeout=10`,
      `postgresql://postgres@elsewhere:${port}/${name}?hostaddr=127.0.0.1&application_name=shelf`,
    ];
    for (const form of forms) await works(form);
    const [{ titles }] = (await ask<{ titles: number }>(url, "select count(*)::int as titles from book")) as [
      { titles: number },
    ];
    expect(titles).toBe(forms.length);
    expect(await ask(url, "select from pg_database where datname ~ '[=&]'")).toEqual([]);
    await ask(url, `drop role ${name}`);
  });

  test("may be a pooler's in transaction mode, under another name", async () => {
    const { url } = await newDatabase();
    const alias = await startPgBouncer(url);
    for (let start = 0; start < 2; start++) await works(alias);
    expect(await ask(url, "select from pg_database where datname = 'alias'")).toEqual([]);
    expect(await refusal(`${alias}?options=-c%20search_path%3Delsewhere`)).toMatch(/^DATABASE_URL: .*options/);
  });

  test("has options, which do not replace what the service sets itself", async () => {
    const { url } = await newDatabase();
    await works(url);
    await ask(
      url,
      `create table seen (name text, setting text);
      create function look() returns trigger language plpgsql as $$ begin
        insert into seen select name, current_setting(name) from unnest(array['lock_timeout', 'transaction_isolation',
          'idle_in_transaction_session_timeout', 'synchronous_commit', 'TimeZone', 'application_name']) as names (name);
        return new;
      end $$;
      create trigger look before insert on book for each row execute function look()`,
    );
    const options = [
      "lock_timeout=0",
      "default_transaction_isolation=serializable",
      "idle_in_transaction_session_timeout=0",
      "synchronous_commit=off",
      "TimeZone=Asia/Tokyo",
    ];
    const query = encodeURIComponent(options.map((option) => `-c ${option}`).join(" "));
    await works(`${url}?options=${query}&application_name=shelf`);
    const seen = await ask<{ name: string; setting: string }>(url, "select * from seen");
    expect(Object.fromEntries(seen.map(({ name, setting }) => [name, setting]))).toEqual({
      lock_timeout: "4s",
      transaction_isolation: "read committed",
      idle_in_transaction_session_timeout: "10s",
      synchronous_commit: "on",
      TimeZone: "Asia/Tokyo",
      application_name: "shelf",
    });
  });
});

describe.runIf(engine === "postgresql")("a server that asks for more", () => {
  test("is given the password of the URL, the environment or a file, and only the right one will do", async () => {
    const cluster = await startCluster("host all all 127.0.0.1/32 scram-sha-256");
    await cluster.run(`create role shelf login superuser password '${PASSWORD}'`);
    const place = `127.0.0.1:${cluster.port}/postgres`;
    const encoded = encodeURIComponent(PASSWORD);
    await works(`postgresql://shelf:${encoded}@${place}`);
    await works(`postgresql://shelf:${encoded}@${place}?sslmode=require&channel_binding=require`);

    const file = join(temporaryDirectory(), "passwords");
    writeFileSync(file, `# of the shelf\n*:*:other:*:no\n127.0.0.1:*:*:shelf:${PASSWORD.replaceAll(":", "\\:")}\n`);
    chmodSync(file, 0o600);
    await works(`postgresql://shelf@${place}?passfile=${file}`);
    chmodSync(file, 0o644);
    expect(await refusal(`postgresql://shelf@${place}?passfile=${file}`)).toContain("may be read by others");

    expect(await refusal(`postgresql://shelf:not-this@${place}`)).toMatch(/password authentication failed/);
    // it would wait for a password for a minute
    const DATABASE_URL = `postgresql://shelf@${place}`;
    const commands = [["src/main.ts"], ["src/import.ts", file], ["src/operate/reset.ts"]] as const;
    const ends = await Promise.all(commands.map(([entry, ...args]) => endOf(entry, args, { DATABASE_URL })));
    for (const { code, stderr } of ends) {
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^DATABASE_URL: .*asks for a password.*\n$/)]);
    }
    const service = await startProcess({ DATABASE_URL, PGPASSWORD: PASSWORD });
    await service.addBook("Book");
    expect(await service.stop()).toBe(0);
    expect(service.log).toBe("");
  }, 50_000);

  test("may be given another password or certificate: the database is unavailable, and then found again", async () => {
    const cluster = await startCluster("hostssl all all 127.0.0.1/32 scram-sha-256");
    await cluster.run("create role shelf login superuser password 'first'");
    const query = `sslmode=verify-full&sslrootcert=${cluster.certificate}`;
    const service = await startService({
      DATABASE_URL: `postgresql://shelf:first@localhost:${cluster.port}/postgres?${query}`,
    });
    await service.addBook("Book");
    const code = async () =>
      (await service.send('{ book(title: "Book") { title } }')).errors?.[0].extensions.code as string | undefined;
    const endSessions = () =>
      cluster.run("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'shelf'");
    const certificate = readFileSync(cluster.certificate);

    for (const [change, mend] of [
      [() => cluster.run("alter role shelf password 'second'"), () => cluster.run("alter role shelf password 'first'")],
      [
        async () => writeFileSync(cluster.certificate, rootCertificates[0] as string),
        async () => writeFileSync(cluster.certificate, certificate),
      ],
    ] as const) {
      await change();
      await endSessions();
      await eventually("unavailable", async () => (await code()) === "DATABASE_UNAVAILABLE");
      expect((await fetch(new URL("/ready", service.url))).status).toBe(503);
      await mend();
      await eventually("available", async () => (await code()) === undefined);
      expect((await fetch(new URL("/ready", service.url))).status).toBe(200);
    }
  });

  test("is spoken to as sslmode says", async () => {
    const cluster = await startCluster(
      ["hostssl all tls", "host all tls", "hostnossl all plain", "host all plain"]
        .map((line, i) => `${line} 127.0.0.1/32 ${i % 2 === 0 ? "trust" : "reject"}`)
        .join("\n"),
    );
    await cluster.run("create role tls login superuser; create role plain login superuser");
    const tls = `postgresql://tls@localhost:${cluster.port}/postgres`;
    const ca = `sslrootcert=${cluster.certificate}`;
    const other = join(temporaryDirectory(), "other.crt");
    writeFileSync(other, rootCertificates[0] as string);
    await works(tls);
    for (const query of [
      "sslmode=allow",
      "sslmode=prefer",
      "sslmode=require",
      "ssl=true",
      `sslmode=verify-ca&${ca}`,
      `sslmode=verify-full&${ca}&ssl_min_protocol_version=TLSv1.3`,
    ]) {
      await works(`${tls}?${query}`);
    }
    await works(`postgresql://tls@127.0.0.1:${cluster.port}/postgres?sslmode=verify-full&${ca}`);
    await works(`postgresql://tls@elsewhere:${cluster.port}/postgres?hostaddr=127.0.0.1&sslmode=verify-ca&${ca}`);
    await works(`postgresql://plain@localhost:${cluster.port}/postgres`);
    // as many as wait for a connection wait for one that works
    const { orm, books } = await openBooks(`postgresql://plain@localhost:${cluster.port}/postgres`);
    await Promise.all(Array.from({ length: 300 }, () => books.row())).finally(() => orm.close());
    for (const [url, reason] of [
      [`${tls}?sslmode=disable`, /no encryption/],
      [`postgresql://plain@localhost:${cluster.port}/postgres?sslmode=require`, /SSL encryption/],
      [`${tls}?sslmode=verify-full`, /authority that is not known here: name it in sslrootcert/],
      [`${tls}?sslmode=require&sslrootcert=${other}`, /authority that is not known here/],
      [
        `postgresql://tls@elsewhere:${cluster.port}/postgres?hostaddr=127.0.0.1&sslmode=verify-full&${ca}`,
        /another host/,
      ],
      [`${tls}?sslmode=require&channel_binding=require`, /does not bind the password/],
    ] as const) {
      expect(await refusal(url)).toMatch(reason);
    }
  });
});

/** Runs a program that is expected to end by itself. */
async function endOf(entry: string, args: readonly string[], env: Record<string, string>) {
  const run = spawnProgram(entry, args, { PORT: "0", ...env });
  await once(run.child, "close");
  return { code: run.child.exitCode, stderr: run.stderr() };
}
