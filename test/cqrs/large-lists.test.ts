import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { newDatabase } from "../support/database/database.ts";
import { fillWith, LARGEST_BOOK, largeTitles } from "../support/database/large-catalogue.ts";
import { startProxy } from "../support/network/proxy.ts";
import { type RedisServer, startRedis } from "../support/redis/server.ts";
import type { GraphqlClient, GraphqlResponse } from "../support/service/graphql-client.ts";
import type { Environment } from "../support/service/program.ts";
import { READ_PATHS } from "../support/service/read-paths.ts";
import { startService } from "../support/service/service.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

/** So many of the largest books come to a little less than a megabyte, and to four portions. */
const FITTING = Math.floor(1_000_000 / LARGEST_BOOK) - 2;

const LIST = "{ books { id title } }";
const SMALL_FIELDS = "{ books { id stockQuantity } }";

async function largeDatabase(titles: readonly string[]): Promise<string> {
  const { url } = await newDatabase();
  await fillWith(url, titles);
  return url;
}

/** A service that reads from Redis over a slow network, which `slowDown` makes of a fast one. */
async function startOverSlowNetwork(titles: readonly string[], bytesPerSecond: number, env: Environment) {
  const redis = await startRedis();
  const way = await startProxy(redis.port);
  const DATABASE_URL = await largeDatabase(titles);
  // a busy machine may overrun a short lease, and the database answers
  const service = await startService({ DATABASE_URL, REDIS_URL: way.url, READ_LEASE_MS: "5000", ...env });
  await servedByRedis(service);
  return { redis, way, service, slowDown: () => way.throttle(bytesPerSecond) };
}

/** Calls of a command that Redis has answered. */
async function callsOf(redis: RedisServer, command: string): Promise<number> {
  const stats = await redis.client.info("commandstats");
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, "m").exec(stats)?.[1] ?? 0);
}

/** Asks for a book that is not there until `over`, and returns what was answered: a code, or by whom. */
async function pointReadsUntil(service: GraphqlClient, over: Promise<unknown>): Promise<Set<string>> {
  let running = true;
  const stop = () => {
    running = false;
  };
  over.then(stop, stop);
  const answers = new Set<string>();
  for (let i = 0; running || i === 0; i++) {
    const { errors, consistency } = await service.send("query ($title: String!) { book(title: $title) { id } }", {
      variables: { title: `${i}` },
    });
    answers.add(errors ? errors[0].extensions.code : consistency.servedBy);
    await sleep(5);
  }
  return answers;
}

describe.each(READ_PATHS)("a large list from $store", ({ start }) => {
  test("is whole and in order, and so are pages of it from either end", async () => {
    const titles = largeTitles(FITTING);
    const { ask } = await start({ DATABASE_URL: await largeDatabase(titles), MAX_ANSWER_MB: "1" });
    const { data, consistency } = await ask(LIST);
    expect(data.books.map(({ title }: { title: string }) => title)).toEqual(titles);
    expect(consistency.revision).toBe(0);
    const page =
      "query ($first: Int, $last: Int) { booksConnection(first: $first, last: $last) { nodes: edges { node { title } } pageInfo { hasNextPage hasPreviousPage } } }";
    for (const [size, expected] of [
      [{ first: 120 }, titles.slice(0, 120)],
      [{ last: 120 }, titles.slice(-120)],
    ] as const) {
      const { booksConnection } = (await ask(page, { variables: size })).data;
      expect(booksConnection.nodes.map(({ node }: { node: { title: string } }) => node.title)).toEqual(expected);
      expect(booksConnection.pageInfo).toEqual({ hasNextPage: "first" in size, hasPreviousPage: "last" in size });
    }
  });

  test("is refused when it takes more than MAX_ANSWER_MB, whatever MAX_BOOKS says, until it does not", async () => {
    const titles = largeTitles(FITTING + 4);
    const { service, ask } = await start({ DATABASE_URL: await largeDatabase(titles), MAX_ANSWER_MB: "1" });
    for (const query of [SMALL_FIELDS, LIST]) {
      const { data, errors } = await ask(query);
      expect(data).toEqual({ books: null });
      expect(errors).toEqual([
        expect.objectContaining({
          message: "The catalogue comes to more than 1 MB. Read it page by page: booksConnection.",
          extensions: { code: "TOO_MANY_BOOKS" },
        }),
      ]);
    }
    expect(
      (await ask("{ booksConnection(first: 200) { edges { node { id } } } }")).data.booksConnection.edges,
    ).toHaveLength(FITTING + 4);
    for (const title of titles.slice(-5)) await service.deleteBook(title);
    expect((await ask(SMALL_FIELDS)).data.books).toHaveLength(FITTING - 1);
  });

  test("is as the catalogue was at its revision, however it changes meanwhile", async () => {
    const titles = largeTitles(FITTING);
    const { service } = await start({ DATABASE_URL: await largeDatabase(titles) });
    const stock = new Map(titles.map((title) => [title, 1]));
    const states = new Map([[0, [...stock.values()]]]);
    let writing = true;
    const writer = (async () => {
      for (let n = 2; writing; n++) {
        // both ends by turns, so that a list of two states shows
        const title = titles[n % 2 === 0 ? 0 : FITTING - 1] as string;
        const { consistency } = await service.updateBook(title, { stockQuantity: n });
        stock.set(title, n);
        states.set(consistency.revision, [...stock.values()]);
      }
    })();
    const lists: GraphqlResponse[] = [];
    try {
      for (const revisions = new Set<number>(); revisions.size < 15; ) {
        const list = await service.ask("{ books { stockQuantity } }");
        revisions.add(list.consistency.revision);
        lists.push(list);
      }
    } finally {
      writing = false;
      await writer;
    }
    for (const { data, consistency } of lists) {
      const found = data.books.map(({ stockQuantity }: { stockQuantity: number }) => stockQuantity);
      expect(found, `at ${consistency.revision}`).toEqual(states.get(consistency.revision));
    }
  });
});

test("both stores count the same bytes", async () => {
  const redis = await startRedis();
  const DATABASE_URL = await largeDatabase(largeTitles(FITTING));
  const env = { DATABASE_URL, MAX_ANSWER_MB: "1", READ_LEASE_MS: "1000", REDIS_TIMEOUT_MS: "5000" };
  const withRedis = await startService({ ...env, REDIS_URL: redis.url });
  const without = await startService(env);
  await servedByRedis(withRedis);
  const [key = ""] = await redis.client.keys("*:rows");
  const missing = async () => {
    const { "": mark, ...rows } = await redis.client.hgetall(key);
    return 1_000_000 - Object.values(rows).reduce((sum, row) => sum + Buffer.byteLength(row), 0);
  };
  // what takes other numbers of bytes than of characters, and of bytes in JSON than in text
  for (let i = 0; (await missing()) > 2000; i++) await withRedis.addBook(`"${i}" \\ é`, { author: "x".repeat(1000) });
  await withRedis.addBook("Last", { author: "x", stockQuantity: 1 });
  // null, which it has now, is two characters longer than the quotes
  await withRedis.updateBook("Last", { description: "x".repeat(2 + (await missing())) });
  expect(await missing()).toBe(0);

  const answers = () =>
    Promise.all(
      [withRedis, without].map(async (service) => {
        const { errors, consistency } = await service.send(SMALL_FIELDS);
        return errors ? errors[0].extensions.code : consistency.servedBy;
      }),
    );
  expect(await answers()).toEqual(["redis", "database"]);
  await withRedis.updateBook("Last", { stockQuantity: 10 });
  expect(await answers()).toEqual(["TOO_MANY_BOOKS", "TOO_MANY_BOOKS"]);
});

describe("while a large list is on its way", () => {
  test("other reads are answered from Redis, and nothing is refused when Redis is critical", async () => {
    const env = { REDIS_CRITICAL: "true", REDIS_TIMEOUT_MS: "1500" };
    const { service, slowDown } = await startOverSlowNetwork(largeTitles(2 * FITTING), 1_000_000, env);
    slowDown();
    const list = service.send(SMALL_FIELDS);
    expect(await pointReadsUntil(service, list)).toEqual(new Set(["redis"]));
    const { data, consistency } = await list;
    expect(data.books).toHaveLength(2 * FITTING);
    expect(consistency.servedBy).toBe("redis");
  });

  test("a reply that is late because it is long does not make Redis one that is down", async () => {
    const env = { REDIS_CRITICAL: "true", REDIS_TIMEOUT_MS: "200" };
    const { service, way, slowDown } = await startOverSlowNetwork(largeTitles(FITTING), 500_000, env);
    slowDown();
    const list = service.send(SMALL_FIELDS);
    const answers = await pointReadsUntil(service, list);
    expect((await list).consistency.servedBy).toBe("database");
    expect(answers).not.toContain("SERVICE_UNAVAILABLE");
    way.heal();
    await servedByRedis(service);
  });

  test("a change in its middle makes it begin anew", async () => {
    const titles = largeTitles(FITTING);
    const { redis, service, slowDown } = await startOverSlowNetwork(titles, 4_000_000, {
      REDIS_TIMEOUT_MS: "5000",
      // a first write waits for one
      READ_LEASE_MS: "1000",
    });
    const begun = await callsOf(redis, "evalsha");
    slowDown();
    const list = service.send(SMALL_FIELDS);
    await eventually("a portion has been sent", async () => (await callsOf(redis, "evalsha")) > begun);
    await service.updateBook(titles[0] as string, { stockQuantity: 7 });
    const { data, consistency } = await list;
    const stock = data.books.map(({ stockQuantity }: { stockQuantity: number }) => stockQuantity);
    expect(stock).toEqual(titles.map((_, i) => (i === 0 ? 7 : 1)));
    expect(consistency).toEqual({ revision: 1, servedBy: "redis" });
  });

  test.each(["flushall", "del"] as const)("%s in its middle makes the database answer", async (fault) => {
    const { redis, service, slowDown } = await startOverSlowNetwork(largeTitles(FITTING), 2_000_000, {
      REDIS_TIMEOUT_MS: "5000",
    });
    const [order = ""] = await redis.client.keys("*:order");
    const begun = await callsOf(redis, "evalsha");
    slowDown();
    const list = service.send(LIST);
    await eventually("a portion has been sent", async () => (await callsOf(redis, "evalsha")) > begun);
    await (fault === "del" ? redis.client.del(order) : redis.client.flushall());
    const { data, consistency } = await list;
    expect(data.books.map(({ title }: { title: string }) => title)).toEqual(largeTitles(FITTING));
    expect(consistency.servedBy).toBe("database");
  });
});

test.each([0, FITTING - 1])(
  "a row that is missing from a large list, at rank %i, makes the database answer",
  async (rank) => {
    const titles = largeTitles(FITTING);
    const { redis, service } = await startOverSlowNetwork(titles, Infinity, { REDIS_TIMEOUT_MS: "5000" });
    const [rows = ""] = await redis.client.keys("*:rows");
    await redis.client.hdel(rows, titles[rank] as string);
    // the sizes still agree
    await redis.client.hset(rows, "Another", "{}");
    const { data, consistency } = await service.ask(LIST);
    expect(data.books.map(({ title }: { title: string }) => title)).toEqual(titles);
    expect(consistency.servedBy).toBe("database");
  },
);

describe("many who ask for a large list at once", () => {
  /**
   * One has its turn, and those who come meanwhile wait. Each asks in other words, so that none is a replay; for pages, as
   * `books` is executed one at a time.
   */
  async function askAtOnce(
    { redis, service, slowDown }: Awaited<ReturnType<typeof startOverSlowNetwork>>,
    count: number,
  ) {
    const ask = (i: number) => service.send(`{ booksConnection(first: 200) { edges { node { a${i}: id } } } }`);
    const from = await callsOf(redis, "hmget");
    slowDown();
    const first = ask(0);
    await eventually("the second portion is on its way", async () => (await callsOf(redis, "hmget")) > from + 1);
    const others = await Promise.all(Array.from({ length: count }, (_, i) => ask(i + 1)));
    return { answers: [await first, ...others], calls: (await callsOf(redis, "hmget")) - from };
  }

  test("share what is read", async () => {
    const slow = await startOverSlowNetwork(largeTitles(120), 2_000_000, { REDIS_TIMEOUT_MS: "5000" });
    const { answers, calls } = await askAtOnce(slow, 40);
    // three for each list that is read: two, if the clients are as quick as they can be
    expect(calls).toBeLessThan(20);
    for (const { data, consistency } of answers) {
      expect(data.booksConnection.edges).toHaveLength(120);
      expect(consistency.servedBy).toBe("redis");
    }
  });

  test("are refused beyond eight times MAX_ANSWER_MB", async () => {
    const env = { REDIS_TIMEOUT_MS: "5000", MAX_ANSWER_MB: "1" };
    const slow = await startOverSlowNetwork(largeTitles(FITTING), 4_000_000, env);
    const { answers } = await askAtOnce(slow, 40);
    const codes = answers.map(({ data, errors }) =>
      errors ? errors[0].extensions.code : data.booksConnection.edges.length,
    );
    expect(new Set(codes)).toEqual(new Set([FITTING, "SERVICE_UNAVAILABLE"]));
    // eight while all of them wait
    expect(codes.filter((code) => code === FITTING).length).toBeLessThan(20);
    expect((await slow.service.ask("{ books { id } }")).data.books).toHaveLength(FITTING);
  });
});
