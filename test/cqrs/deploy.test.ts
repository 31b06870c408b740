import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checkoutWithFields, documentedField } from "../support/checkout/added-field.ts";
import { copyCheckout, edit } from "../support/checkout/copied-checkout.ts";
import { checkoutBeforeFolding } from "../support/checkout/version-before.ts";
import { engine, newDatabase } from "../support/database/database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { type RedisServer, startRedis } from "../support/redis/server.ts";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import type { GraphqlClient } from "../support/service/graphql-client.ts";
import { spawnProgram } from "../support/service/program.ts";
import { startProcess } from "../support/service/service-process.ts";
import { servedByRedis, witness } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

const LEASE_MS = 300;

/** How long a write takes, in milliseconds. */
async function timed(write: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await write;
  return performance.now() - began;
}

async function keepsPromise(services: readonly GraphqlClient[], meanwhile: () => Promise<unknown> = async () => {}) {
  const { servedBy } = await witness(services, meanwhile);
  return servedBy;
}

async function servedByDatabase(service: GraphqlClient): Promise<boolean> {
  return (await service.book("any")).consistency.servedBy === "database";
}

/** A database and a Redis for processes of several versions, and what is in force there. */
async function installation(leaseMs = LEASE_MS) {
  const redis = await startRedis();
  const { url: DATABASE_URL } = await newDatabase();
  const env = { DATABASE_URL, REDIS_URL: redis.url, READ_LEASE_MS: `${leaseMs}` };
  const nameInForce = async (): Promise<string> =>
    (await sqlOn(DATABASE_URL, "select read_model from stream where name = 'books'"))[0].read_model;
  return { redis, env, nameInForce };
}

/** The names of all read models that anybody has begun to build, as the server sees it. */
async function namesBuilt(redis: RedisServer): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  const monitor = await redis.client.monitor();
  onTestFinished(() => monitor.disconnect());
  monitor.on("monitor", (_: string, args: readonly string[]) => {
    for (const arg of args) {
      const name = /^\{books:(\d[^}]*)\}:rows$/.exec(arg)?.[1];
      if (name) names.add(name);
    }
  });
  return names;
}

test.skipIf(engine === "postgresql")(
  "two versions with different key formats keep the promise side by side, and a roll-back does",
  async () => {
    const { env, nameInForce } = await installation();
    const old = await startProcess(env);
    await old.addBook("Book");
    await servedByRedis(old);
    expect(await nameInForce()).toMatch(/^2\.3-/);

    // the new version takes over, however the old one is used meanwhile
    const checkout = copyCheckout();
    edit(checkout, "src/cqrs/redis/read-model-name.ts", (text) => text.replace("KEY_FORMAT = 2;", "KEY_FORMAT = 3;"));
    let young = old;
    await keepsPromise([old], async () => {
      young = await startProcess(env, join(checkout, "src/main.ts"));
      await servedByRedis(young);
    });
    const taken = await nameInForce();
    expect(taken).toMatch(/^3\.3-/);
    expect(old.log).toContain("of a newer version");

    // both write and both read, and neither throws the other out
    const servedBy = await keepsPromise([old, young], async () => {
      const second = await startProcess(env);
      await servedByRedis(young);
      expect(await servedByDatabase(second)).toBe(true);
      await second.stop();
    });
    expect(servedBy).toContain("redis");
    expect(servedBy).toContain("database");
    expect(await servedByDatabase(old)).toBe(true);
    expect(await nameInForce()).toBe(taken);

    // the old one cannot refresh what the new one reads, so its writes wait; the new one's need not
    expect(await timed(old.updateBook("Book", { stockQuantity: 1 }))).toBeGreaterThanOrEqual(LEASE_MS);
    await servedByRedis(young);
    const atOnce = async () => (await timed(young.updateBook("Book", { stockQuantity: 2 }))) < LEASE_MS;
    await eventually("a write that does not wait", atOnce);
    expect((await old.book("Book")).data.book.stockQuantity).toBe(2);

    // rolled back: only the old version is left
    await young.stop();
    expect(await timed(old.updateBook("Book", { stockQuantity: 3 }))).toBeGreaterThanOrEqual(LEASE_MS);
    expect((await old.book("Book")).data.book.stockQuantity).toBe(3);
    expect(await servedByDatabase(old)).toBe(true);
    expect(await nameInForce()).toBe(taken);

    // as docs/operate.md says: every process stopped, then Redis comes back
    await old.stop();
    const { DATABASE_URL, READ_LEASE_MS } = env;
    // a connection may outlive the process that it belonged to by a moment
    const reset = spawnProgram("src/operate/reset.ts", ["--force"], { DATABASE_URL, READ_LEASE_MS });
    await once(reset.child, "close");
    expect(reset.child.exitCode).toBe(0);
    expect(reset.stdout()).toContain(`forgot the read model ${taken}`);
    const again = await startProcess(env);
    await servedByRedis(again);
    expect(await nameInForce()).toMatch(/^2\.3-/);
    expect(await keepsPromise([again])).toContain("redis");
  },
  120_000,
);

test.skipIf(engine === "postgresql")(
  "a read model from before streams had a format is an older one, and replaced",
  async () => {
    const { redis, env, nameInForce } = await installation();
    const before = await startProcess(env);
    await before.addBook("Book");
    await servedByRedis(before);
    await before.stop();
    const name = await nameInForce();
    const former = name.replace(/^2\.3-/, "1-");
    for (const key of ["rows", "order"])
      await redis.client.rename(`{books:${name}}:${key}`, `{books:${former}}:${key}`);
    await sqlOn(env.DATABASE_URL, `update stream set read_model = '${former}' where name = 'books'`);

    const after = await startProcess(env);
    await servedByRedis(after);
    expect(await nameInForce()).toMatch(/^2\.3-/);
    expect((await after.book("Book")).data.book).toMatchObject({ title: "Book", version: 1 });
  },
);

/** A service of the version whose books have an edition, which is not in this checkout's schema. */
class NextVersion {
  readonly service: GraphqlClient;

  constructor(service: GraphqlClient) {
    this.service = service;
  }

  /** Adds a book, or changes it. */
  async write(mutation: "addBook" | "updateBook", title: string, input: object): Promise<void> {
    const query =
      mutation === "addBook"
        ? ADD_BOOK
        : "mutation ($title: String!, $input: UpdateBookInput!) { updateBook(title: $title, input: $input) { __typename } }";
    const variables = mutation === "addBook" ? { input: { title, author: "A", ...input } } : { title, input };
    const { data } = await this.service.sendInvalid(query, { variables });
    expect(data[mutation].__typename).toBe("Book");
  }

  /** The editions and stocks of all books by title, point read and list alike, from Redis. */
  async editions(): Promise<unknown> {
    return eventually("Redis answers", async () => {
      const { data, consistency } = await this.service.sendInvalid("{ books { title edition stockQuantity } }");
      if (consistency.servedBy !== "redis") return undefined;
      const found: Record<string, [number, number]> = {};
      for (const { title, edition, stockQuantity } of data.books) found[title] = [edition, stockQuantity];
      return found;
    });
  }
}

// on the engine where a migration meets the statements that others have prepared
test.runIf(engine === "postgresql")(
  "two versions, of which the new one has a field more, are rolled past each other, both ways, under writes",
  async () => {
    const { redis, env, nameInForce } = await installation(100);
    const next = join(checkoutWithFields(documentedField), "src/main.ts");
    const built = await namesBuilt(redis);
    let old = await startProcess(env);
    await old.addBook("Before");
    await servedByRedis(old);
    const first = await nameInForce();
    expect(first).toMatch(/^2\.3-/);
    const inRedis = async () => {
      const { "": _, ...rows } = await redis.client.hgetall(`{books:${await nameInForce()}}:rows`);
      return Object.fromEntries(Object.entries(rows).map(([title, json]) => [title, JSON.parse(json)]));
    };
    /** What the scrub of each version compares: Redis, row by row, with the table. */
    const agree = (columns: string) =>
      eventually("Redis has what the table has", async () => {
        const rows = await sqlOn(env.DATABASE_URL, `select ${columns} from book`);
        const copies = await inRedis();
        expect(Object.keys(copies).sort()).toEqual(rows.map(({ title }) => title).sort());
        for (const row of rows) expect(Object.values(copies[row.title])).toEqual(Object.values(row));
        return true;
      });
    const TEXTS = "id, title, author, published_date, isbn, language, description, cover_url";
    const OLD_COLUMNS = `${TEXTS}, stock_quantity, version, added_at, updated_at`;
    const NEW_COLUMNS = `${TEXTS}, stock_quantity, edition, version, added_at, updated_at`;

    // the new version comes without Redis first: what it logs goes into the read model of the old one
    const { REDIS_URL: _, ...withoutRedis } = env;
    const apart = await startProcess(withoutRedis, next);
    await keepsPromise([old, apart], async () => {
      await new NextVersion(apart).write("addBook", "By Another", { edition: 5 });
      await new NextVersion(apart).write("updateBook", "Before", { edition: 7 });
    });
    await agree(OLD_COLUMNS);
    expect((await inRedis()).Before).not.toHaveProperty("edition");
    expect(await nameInForce()).toBe(first);

    // rolled forward
    let young = old;
    await keepsPromise([old, apart], async () => {
      young = await startProcess(env, next);
      await servedByRedis(young);
    });
    await apart.stop();
    const taken = await nameInForce();
    expect(taken).toMatch(/^2\.4-/);
    expect(await new NextVersion(young).editions()).toEqual({ Before: [7, 0], "By Another": [5, 0] });

    // side by side: what the old one changes keeps its edition, what it adds has the table's
    await keepsPromise([old, young], async () => {
      await old.updateBook("Before", { stockQuantity: 1 });
      await old.addBook("By the Old");
      await new NextVersion(young).write("addBook", "By the New", { edition: 3 });
      await old.updateBook("By the New", { title: "Renamed", stockQuantity: 2 });
      await old.updateBook("Renamed", { stockQuantity: 4 });
      await old.deleteBook("By Another");
      await old.addBook("By Another");
      await old.updateBook("By Another", { stockQuantity: 5 });
    });
    expect(await servedByDatabase(old)).toBe(true);
    const editions = { Before: [7, 1], "By Another": [1, 5], "By the Old": [1, 0], Renamed: [3, 4] };
    expect(await new NextVersion(young).editions()).toEqual(editions);
    await agree(NEW_COLUMNS);

    // each is restarted while the other is written to, the old one on what the new one has migrated
    await keepsPromise([young], async () => {
      expect(await old.stop()).toBe(0);
      old = await startProcess({ ...env, MIGRATE: "never" });
      expect(old.log).toContain("books-9-add-edition");
      await old.updateBook("Renamed", { author: "Another" });
    });
    await keepsPromise([old], async () => {
      expect(await young.stop()).toBe(0);
      young = await startProcess(env, next);
      await servedByRedis(young);
    });
    await keepsPromise([old, young]);
    expect(await new NextVersion(young).editions()).toEqual(editions);

    // rolled back: the old one goes on
    expect(await young.stop()).toBe(0);
    await keepsPromise([old], async () => {
      await old.updateBook("Renamed", { stockQuantity: 6 });
      await old.addBook("Meanwhile", { stockQuantity: 1 });
      await old.updateBook("Meanwhile", { title: "Meanwhile Renamed" });
    });
    expect(await servedByDatabase(old)).toBe(true);
    expect((await old.titles()).sort()).toEqual(["Before", "By Another", "By the Old", "Meanwhile Renamed", "Renamed"]);
    expect(await nameInForce()).toBe(taken);

    // rolled forward again: the read model is caught up from what the old one logged, and not rebuilt
    await keepsPromise([old], async () => {
      young = await startProcess(env, next);
      await servedByRedis(young);
    });
    await keepsPromise([young, old]);
    expect(await new NextVersion(young).editions()).toEqual({
      ...editions,
      ...{ Renamed: [3, 6], "Meanwhile Renamed": [1, 1] },
    });
    await agree(NEW_COLUMNS);
    expect(await nameInForce()).toBe(taken);

    // one name for each version, but for a process that found the other's rebuild under way
    expect([...built].filter((name) => name.startsWith("2.3-"))).toEqual([first]);
    expect([...built].filter((name) => name.startsWith("2.4-"))).toContain(taken);
    expect(built.size).toBeLessThanOrEqual(3);
  },
  120_000,
);

test.skipIf(engine === "postgresql")(
  "the version before, which sorts by code point, is rolled past this one, and leaves no order wrong",
  async () => {
    const { env, nameInForce } = await installation(100);
    const old = await startProcess(env, join(checkoutBeforeFolding(), "src/main.ts"));
    for (const title of ["Zebra", "apple", "Écran"]) await old.addBook(title);
    await servedByRedis(old);
    expect(await nameInForce()).toMatch(/^1\.2-/);
    expect(await old.titles()).toEqual(["Zebra", "apple", "Écran"]);

    let young = old;
    await keepsPromise([old], async () => {
      young = await startProcess(env);
      await servedByRedis(young);
    });
    const taken = await nameInForce();
    expect(taken).toMatch(/^2\.3-/);
    expect(young.log).toContain("what is derived of books was made anew");
    expect(await young.titles()).toEqual(["apple", "Écran", "Zebra"]);

    // one reads Redis, the other the table, in which the old one leaves rows stale
    const { REDIS_URL: _, ...withoutRedis } = env;
    const apart = await startProcess(withoutRedis);
    const inOrder = async (...titles: string[]) => {
      for (const service of [young, apart]) expect(await service.titles()).toEqual(titles);
      const { data } = await apart.ask("{ booksConnection(last: 2) { nodes: edges { node { title } } } }");
      expect(data.booksConnection.nodes.map(({ node }: { node: { title: string } }) => node.title)).toEqual(
        titles.slice(-2),
      );
    };
    await keepsPromise([old, young, apart], async () => {
      await old.addBook("Banana");
      await old.updateBook("Zebra", { title: "Ärger" });
      await old.addBook("zoo");
    });
    await inOrder("apple", "Ärger", "Banana", "Écran", "zoo");
    await old.updateBook("apple", { title: "Zürich" });
    await inOrder("Ärger", "Banana", "Écran", "zoo", "Zürich");
    await young.updateBook("Zürich", { title: "Aachen" });
    await old.deleteBook("Banana");
    await old.updateBook("Aachen", { stockQuantity: 1 });
    await inOrder("Aachen", "Ärger", "Écran", "zoo");
    expect(await old.titles()).toEqual(["Aachen", "zoo", "Ärger", "Écran"]);
    expect(await nameInForce()).toBe(taken);

    // rolled back and forward again
    await Promise.all([young.stop(), apart.stop()]);
    await old.addBook("écran");
    const again = await startProcess(env);
    await keepsPromise([old, again]);
    expect(await again.titles()).toEqual(["Aachen", "Ärger", "Écran", "écran", "zoo"]);
  },
  120_000,
);
