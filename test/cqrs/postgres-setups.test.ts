import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { engine, newDatabase } from "../support/database/database.ts";
import { startProxy } from "../support/network/proxy.ts";
import { type Service, startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { eventually } from "../support/wait.ts";

const DELETE = 'mutation { deleteBook(title: "Nothing") { __typename } }';
const READ = '{ book(title: "Book") { title } }';

/** A database, somebody else's connection to it, and a role that may log in and nothing more. */
async function newSetup() {
  const { url } = await newDatabase();
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  const role = `${new URL(url).pathname.slice(1)}_role`;
  const run = async (statement: string) => (await client.query(statement)).rows;
  await run(`create role ${role} login`);
  onTestFinished(async () => {
    await run(`drop owned by ${role}`);
    await run(`drop role ${role}`);
    await client.end();
  });
  const endOthers = () =>
    run(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
  return { url, asRole: url.replace("postgres@", `${role}@`), role, run, endOthers };
}

function withOptions(url: string, options: string): string {
  return `${url}?options=${encodeURIComponent(options)}`;
}

async function linesOf(url: string, env: object = {}): Promise<readonly string[]> {
  const error = await startService({ DATABASE_URL: url, ...env }).then(
    () => undefined,
    (reason) => reason as { lines?: readonly string[] },
  );
  return error?.lines ?? [];
}

async function codeOf(service: Service, query: string): Promise<string | undefined> {
  return (await service.send(query)).errors?.[0].extensions.code;
}

async function readiness(service: { readonly url: string }): Promise<number> {
  return (await fetch(new URL("/ready", service.url))).status;
}

/** Why the database was not ready, as logged. */
function reasonsIn(log: string): string[] {
  const lines = log.split("\n").filter((line) => line.includes("the database is not ready"));
  return lines.map((line) => JSON.parse(line).reason);
}

describe.runIf(engine === "postgresql")("the current schema", () => {
  test("is the one that is used, whatever says which that is, at every start", async () => {
    const { url, asRole, role, run } = await newSetup();
    await run(`create schema one; create schema two; create schema "Three of us"; create schema ${role}`);
    await run(`grant usage, create on schema "Three of us", ${role} to ${role}`);
    const byPath = withOptions(asRole, '-c search_path="Three\\ of\\ us"');
    const places = {
      public: url,
      one: withOptions(url, "-c search_path=one,public"),
      two: withOptions(url, "--search-path=two"),
      "Three of us": byPath,
      [role]: asRole,
    };
    for (let start = 0; start < 2; start++) {
      for (const [schema, place] of Object.entries(places)) {
        const service = await startService({ DATABASE_URL: place });
        if (start === 0) await service.addBook(`Book of ${schema}`);
        expect(await service.titles()).toEqual([`Book of ${schema}`]);
        await service.close();
      }
    }
    const owners = await run(
      "select table_schema from information_schema.tables where table_name = 'mikro_orm_migrations'",
    );
    expect(owners.map(({ table_schema }) => table_schema).sort()).toEqual(Object.keys(places).sort());
  });

  test("must be there, and may not become another one", async () => {
    const { url, asRole, role, run, endOthers } = await newSetup();
    expect(await linesOf(withOptions(url, "-c search_path=nowhere"))).toEqual([
      expect.stringMatching(/^DATABASE_URL: there is no schema .*nowhere/),
    ]);
    await run(`create schema authorization ${role}`);
    const service = await startService({ DATABASE_URL: asRole });
    await service.addBook("Book");
    await run(`create schema other; grant all on schema other to ${role}; alter role ${role} set search_path = other`);
    await endOthers();
    await eventually(
      "new connections are refused",
      async () => (await codeOf(service, READ)) === "DATABASE_UNAVAILABLE",
    );
    await run(`alter role ${role} reset search_path`);
    await eventually("it works again", async () => (await codeOf(service, READ)) === undefined);
  });

  test("holds the tables of earlier versions, whose migrations were counted by a sequence", async () => {
    const { url, run } = await newSetup();
    const service = await startService({ DATABASE_URL: url });
    await service.addBook("Book");
    await service.close();
    await run(`alter table mikro_orm_migrations rename to gone;
      create table mikro_orm_migrations (id serial primary key, name varchar(255), executed_at timestamptz default current_timestamp);
      insert into mikro_orm_migrations (name) select name from gone order by id;
      drop table gone`);
    expect(await (await startService({ DATABASE_URL: url })).titles()).toEqual(["Book"]);
  });
});

describe.runIf(engine === "postgresql")("a database or role that will not do is refused at the start", () => {
  test("by an encoding that cannot hold all titles, but not by one that holds any bytes", async () => {
    const { url, run } = await newSetup();
    for (const [encoding, fits] of [
      ["LATIN1", false],
      ["SQL_ASCII", true],
    ] as const) {
      const name = `${new URL(url).pathname.slice(1)}_${encoding.toLowerCase()}`;
      await run(`create database ${name} encoding ${encoding} template template0 lc_collate 'C' lc_ctype 'C'`);
      onTestFinished(async () => void (await run(`drop database ${name} with (force)`)));
      const place = url.replace(/\/\w+$/, `/${name}`);
      if (fits) await (await startService({ DATABASE_URL: place })).addBook("Ďábel 書");
      else expect(await linesOf(place)).toEqual([expect.stringContaining(`the encoding ${encoding}`)]);
    }
  });

  test("by rights that are missing, which it names", async () => {
    const { url, asRole, role, run } = await newSetup();
    expect(await linesOf(asRole)).toEqual([
      expect.stringMatching(/^DATABASE_URL: .*permission denied for schema public.*create on the schema/),
    ]);
    await (await startService({ DATABASE_URL: url })).close();

    await run(`grant select on all tables in schema public to ${role}`);
    const lines = await linesOf(asRole);
    expect(lines).toHaveLength(6);
    const grants = lines.map((line) => /^DATABASE_URL: the role \S+ lacks rights: (grant .*)\.$/.exec(line)?.[1]);
    for (const grant of grants) await run(grant as string);
    await (await startService({ DATABASE_URL: asRole })).addBook("Book");
    expect(await linesOf(asRole, { CHANGE_LOG_KEEP_DAYS: "1" })).toEqual([
      expect.stringContaining("grant delete on book_change to"),
    ]);

    await run("revoke select on mikro_orm_migrations from public, current_user");
    await run(`revoke select on mikro_orm_migrations from ${role}`);
    expect(await linesOf(asRole)).toEqual([
      expect.stringContaining("permission denied for table mikro_orm_migrations"),
    ]);
  });

  test.each([
    ["the role", (role: string) => `alter role ${role} set default_transaction_read_only = on`],
    ["the database", (_: string, name: string) => `alter database ${name} set default_transaction_read_only = on`],
  ])("by %s being read-only by default", async (_, alter) => {
    const { url, asRole, role, run } = await newSetup();
    await run(`alter schema public owner to ${role}`);
    await (await startService({ DATABASE_URL: asRole })).close();
    await run(alter(role, new URL(url).pathname.slice(1)));
    expect(await linesOf(asRole)).toEqual([expect.stringContaining("read-only by default")]);
    await run("set default_transaction_read_only = off; alter schema public owner to postgres");
  });
});

describe.runIf(engine === "postgresql")("what is taken away while the service runs", () => {
  test.each([
    ["the login", (role: string) => [`alter role ${role} nologin`, `alter role ${role} login`]],
    [
      "the connections",
      (role: string) => [`alter role ${role} connection limit 0`, `alter role ${role} connection limit -1`],
    ],
    [
      "the right to connect",
      (role: string, name: string) => [
        `revoke connect on database ${name} from public`,
        `grant connect on database ${name} to ${role}`,
      ],
    ],
  ])("%s: the database is unavailable, until it is given back", async (_, statements) => {
    const { url, asRole, role, run, endOthers } = await newSetup();
    await run(`alter schema public owner to ${role}`);
    const service = await startService({ DATABASE_URL: asRole });
    await service.addBook("Book");
    const [take, give] = statements(role, new URL(url).pathname.slice(1)) as [string, string];
    await run(take);
    await endOthers();
    expect([await codeOf(service, READ), await codeOf(service, DELETE)]).toEqual([
      "DATABASE_UNAVAILABLE",
      "DATABASE_UNAVAILABLE",
    ]);
    expect(await readiness(service)).toBe(503);
    await run(give);
    await eventually("it works again", async () => (await codeOf(service, READ)) === undefined);
    expect(await readiness(service)).toBe(200);
    await run("alter schema public owner to postgres");
  });

  test("rights and tables: readiness is red, and the log says why", async () => {
    const { url, asRole, role, run } = await newSetup();
    await (await startService({ DATABASE_URL: url })).close();
    await run(`grant all on all tables in schema public to ${role}`);
    await run(`grant usage on all sequences in schema public to ${role}`);
    const service = await startProcess({ DATABASE_URL: asRole });
    expect(await readiness(service)).toBe(200);
    for (const [take, give, reason, code] of [
      [
        `revoke insert on book_change from ${role}`,
        `grant insert on book_change to ${role}`,
        "grant insert on book_change",
        "DATABASE_UNAVAILABLE",
      ],
      [
        "alter table book rename to lost",
        "alter table lost rename to book",
        "the table book is not there",
        "INTERNAL_SERVER_ERROR",
      ],
    ] as const) {
      await run(take);
      expect(await readiness(service)).toBe(503);
      expect(await readiness(service)).toBe(503);
      await eventually("the reason is logged", () => reasonsIn(service.log).some((one) => one.includes(reason)));
      const { errors } = await service.send(
        'mutation { addBook(input: { title: "Book", author: "A" }) { __typename } }',
      );
      expect(errors?.[0].extensions.code).toBe(code);
      await run(give);
      await eventually("it is ready", async () => (await readiness(service)) === 200);
    }
    // each once, however often readiness is asked for
    const reasons = reasonsIn(service.log);
    expect(reasons.filter((one, i) => one === reasons[i + 1])).toEqual([]);
  });
});

describe.runIf(engine === "postgresql")("a transaction that PostgreSQL does not end", () => {
  test("because ROLLBACK failed costs its connection, and nobody else a command", async () => {
    const { url } = await newDatabase();
    const way = await startProxy(Number(new URL(url).port));
    const through = new URL(url);
    through.port = `${way.port}`;
    const service = await startService({ DATABASE_URL: through.href });
    await service.addBook("Book");
    // as if it had been cancelled: an error, and the transaction is as it was
    way.rewrite("rollback", "rollbakk");
    expect(await codeOf(service, DELETE)).toBeUndefined();
    way.heal();
    for (let i = 1; i <= 5; i++) {
      expect((await service.updateBook("Book", { stockQuantity: i })).data.updateBook.stockQuantity).toBe(i);
    }
  });

  test("because COMMIT was refused has changed nothing, and is not of unknown outcome", async () => {
    const { url, run } = await newSetup();
    const service = await startService({ DATABASE_URL: url });
    await service.addBook("Book");
    await run(`
      create function refuse() returns trigger language plpgsql as $$ begin
        raise exception 'could not extend file: No space left on device' using errcode = '53100';
      end $$;
      create constraint trigger refuse after update on book deferrable initially deferred
        for each row execute function refuse()`);
    const update = 'mutation { updateBook(title: "Book", input: { stockQuantity: 7 }) { __typename } }';
    expect(await codeOf(service, update)).toBe("DATABASE_UNAVAILABLE");
    expect((await service.book("Book")).data.book.stockQuantity).toBe(0);
    await run("drop trigger refuse on book");
    expect((await service.updateBook("Book", { stockQuantity: 7 })).consistency.revision).toBe(2);
  });
});
