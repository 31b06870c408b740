import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { engine, newDatabase } from "../support/database/database.ts";
import { startProxy } from "../support/network/proxy.ts";
import { startStandby } from "../support/postgres/standby.ts";
import { startRedis } from "../support/redis/server.ts";
import { startService } from "../support/service/service.ts";
import { runToEnd, startProcess } from "../support/service/service-process.ts";
import { eventually } from "../support/wait.ts";

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

describe.runIf(engine === "postgresql")("on PostgreSQL", () => {
  test("a standby, which answers with the past, is refused", async () => {
    const { url } = await newDatabase();
    const standby = await startStandby();
    const { code, stderr } = await runToEnd({ DATABASE_URL: standby, PORT: "0" });
    expect(code).toBe(1);
    expect(stderr).toContain("standby");
    expect(stderr.trim().split("\n")).toHaveLength(1);

    // of several hosts it is passed over
    const { host, pathname } = new URL(url);
    const service = await startService({
      DATABASE_URL: `postgresql://postgres@${new URL(standby).host},${host}${pathname}`,
    });
    await service.addBook("Book");
    expect(await service.titles()).toEqual(["Book"]);
  }, 60_000);

  test("commands and reads go on when the server ends their connections", async () => {
    const { url } = await newDatabase();
    const service = await startService({ DATABASE_URL: url });
    await service.addBook("Book");
    const killer = await connect(url);
    const killing = setInterval(() => {
      killer
        .query(
          "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
        )
        .catch(() => {});
    }, 100);
    let stock = 0;
    const outcomes = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const { data, errors } = await service.send(
        'mutation($stock: Int!) { updateBook(title: "Book", input: { stockQuantity: $stock }) { __typename } }',
        { variables: { stock: stock + 1 } },
      );
      if (errors) {
        outcomes.add(errors[0].extensions.code);
        const found = (await service.send('{ book(title: "Book") { stockQuantity } }')).data?.book?.stockQuantity;
        stock = found ?? stock;
      } else {
        expect(data.updateBook.__typename).toBe("Book");
        stock++;
      }
    }
    clearInterval(killing);
    outcomes.delete("OUTCOME_UNKNOWN");
    outcomes.delete("DATABASE_UNAVAILABLE");
    expect([...outcomes]).toEqual([]);
    expect((await service.book("Book")).data.book.stockQuantity).toBeGreaterThanOrEqual(stock);
  });

  test("a process that is stopped in mid-command does not keep the others from writing for ever", async () => {
    const { url } = await newDatabase();
    const service = await startService({ DATABASE_URL: url });
    await service.addBook("Book");
    const stopped = await connect(url);
    // what such a process leaves behind: a transaction that holds the row, with the limit that our connections have
    await stopped.query("set idle_in_transaction_session_timeout = 6000");
    await stopped.query("begin");
    await stopped.query("update stream set revision = revision");
    const { errors } = await service.send('mutation { deleteBook(title: "Nothing") { __typename } }');
    expect(errors?.[0].extensions.code).toBe("DATABASE_UNAVAILABLE");
    await eventually("the row is free again", async () => {
      return !(await service.send('mutation { deleteBook(title: "Nothing") { __typename } }')).errors;
    });
  });

  test("when the first of several hosts is lost, the next one serves", async () => {
    const { url } = await newDatabase();
    const { port, pathname } = new URL(url);
    const ways = await Promise.all([startProxy(Number(port)), startProxy(Number(port))]);
    const hosts = ways.map((way) => `127.0.0.1:${way.port}`).join(",");
    const service = await startService({ DATABASE_URL: `postgresql://postgres@${hosts}${pathname}` });
    let stock = 0;
    for (const way of [...ways, ...ways]) {
      await service[stock === 0 ? "addBook" : "updateBook"]("Book", { stockQuantity: ++stock });
      way.cut();
      // those that were under way may fail, but no look-up has to wait for more than finding the other host
      await eventually("it is read", async () => !(await service.send('{ book(title: "Book") { title } }')).errors);
      await service.updateBook("Book", { stockQuantity: ++stock });
      way.heal();
    }
    expect((await service.book("Book")).data.book).toMatchObject({ stockQuantity: stock, version: stock });
  });

  test("a start that fails while the server is silent ends, too", async () => {
    const { url } = await newDatabase();
    const way = await startProxy(Number(new URL(url).port));
    const through = new URL(url);
    through.port = `${way.port}`;
    const redis = await startRedis();
    redis.pause();
    const looking = await connect(url);
    const run = runToEnd({
      DATABASE_URL: through.href,
      REDIS_URL: redis.url,
      REDIS_CRITICAL: "true",
      READ_LEASE_MS: "321",
    });
    await eventually("only Redis is waited for", async () => {
      const { rows } = await looking.query("select lease_ms from stream");
      return rows[0].lease_ms === 321;
    });
    way.hold("requests");
    const { code, stderr } = await run;
    expect(stderr.trim()).toMatch(/^REDIS_URL: Redis cannot be used \(.*\) and REDIS_CRITICAL is true\.$/m);
    expect(code).toBe(1);
  });

  test("a server that falls silent is given up, and found again when it speaks", async () => {
    const { url } = await newDatabase();
    const way = await startProxy(Number(new URL(url).port));
    const through = new URL(url);
    through.port = `${way.port}`;
    const service = await startProcess({ DATABASE_URL: through.href });
    await service.addBook("Book");
    way.hold("replies");
    const { errors } = await service.send('{ book(title: "Book") { title } }');
    expect(errors?.[0].extensions.code).toBe("DATABASE_UNAVAILABLE");
    expect(errors?.[0].message).not.toContain("pg");
    way.cut();
    way.heal();
    await eventually("it works again", async () => !(await service.send('{ book(title: "Book") { title } }')).errors);
    await service.updateBook("Book", { stockQuantity: 1 });
    expect(await service.stop()).toBe(0);
  });
});
