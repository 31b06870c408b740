import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Random } from "../../proof/clients/random.ts";
import { readGroundTruth } from "../../proof/torture/change-log.ts";
import { engine } from "../support/database/database.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { watchThreads } from "../support/database/writing-threads.ts";
import { startProxy, type TcpProxy } from "../support/network/proxy.ts";
import { startRedis } from "../support/redis/server.ts";
import { ADJUST_STOCK } from "../support/service/book-requests.ts";
import { GraphqlClient, type GraphqlResponse } from "../support/service/graphql-client.ts";
import { startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

const TITLE = "A Book";
const STOCK = 1000;

/** Two services that read Redis, and what a third one needs to be started beside them. */
async function installation(leaseMs = 100) {
  const redis = await startRedis();
  const { url } = await migratedDatabase();
  const env = { DATABASE_URL: url, REDIS_URL: redis.url, READ_LEASE_MS: `${leaseMs}` };
  const [another, reader] = [await startService(env), await startService(env)];
  await another.addBook(TITLE, { stockQuantity: STOCK });
  await servedByRedis(another, reader);
  return { redis, url, env, another, reader };
}

/** A way to the database that can be cut, and the URL of the database through it. */
async function wayTo(url: string) {
  const way = await startProxy(Number(new URL(url).port));
  const through = new URL(url);
  through.port = `${way.port}`;
  return { way, url: through.href };
}

/** Sells one and says what came of it: a result, a code, or that there was no answer. */
async function sell(service: GraphqlClient, idempotencyKey: string) {
  const asked = { variables: { title: TITLE, by: -1, idempotencyKey } };
  const response = await service.send(ADJUST_STOCK, asked).catch(() => undefined);
  return { response, told: !response ? "no answer" : toldBy(response) };
}

function toldBy({ data, errors }: GraphqlResponse): string {
  return errors?.[0].extensions.code ?? data.adjustStock.__typename;
}

/** Sells one, and asks again until somebody knows what came of it. */
async function insist(service: GraphqlClient, key: string): Promise<GraphqlResponse> {
  return eventually("somebody knows", async () => {
    const { response, told } = await sell(service, key);
    return told === "Book" && response;
  }) as Promise<GraphqlResponse>;
}

/**
 * Sells one book at a time through `service` while `disturb` does something to that, each with a key, and then sells it
 * again with that key through `another`: what that answers is the one outcome, and `reader` shows it at once.
 *
 * @returns what the first answers told
 */
async function sellDisturbed(
  steps: number,
  [service, another, reader]: readonly [GraphqlClient, GraphqlClient, GraphqlClient],
  disturb: (step: number) => unknown,
): Promise<Set<string>> {
  const told = new Set<string>();
  const { stockQuantity: stock, version } = (await another.book(TITLE)).data.book;
  for (let step = 0; step < steps; step++) {
    const key = `sale ${step}`;
    const stockQuantity = stock - 1 - step;
    const first = sell(service, key);
    const disturbed = Promise.resolve(disturb(step));
    // through another process, while the first is still at it or has given up
    if (step % 2 === 0) await first;
    const again = await insist(another, key);
    const shown = (await reader.book(TITLE)).data.book.stockQuantity;
    expect(again.data.adjustStock, key).toMatchObject({ stockQuantity, version: version + step + 1 });
    expect(shown, `${key}, read after the answer to its repeat`).toBe(stockQuantity);
    await disturbed;

    const { response, told: outcome } = await first;
    told.add(outcome);
    if (response?.data?.adjustStock) expect(response.data).toEqual(again.data);
    expect((await insist(service, key)).data).toEqual(again.data);
  }
  return told;
}

/** Cuts a way at many places of what one exchange over it takes, in either direction. */
async function cutsOf(way: TcpProxy, exchange: () => Promise<unknown>, places: number) {
  const before = { ...way.bytes };
  await exchange();
  const cuts: (readonly [number, "requests" | "replies"])[] = [];
  for (const direction of ["requests", "replies"] as const) {
    const bytes = way.bytes[direction] - before[direction];
    for (let i = 0; i < places; i++) cuts.push([Math.floor((i * bytes) / places), direction]);
  }
  return cuts;
}

describe("who has lost an answer and repeats the mutation with its key learns its one outcome", () => {
  test.runIf(engine === "postgresql")("when the connection to the database is cut, at whichever step", async () => {
    const { url, another, reader } = await installation();
    const { way, url: throughWay } = await wayTo(url);
    // without Redis it asks the database for nothing but what it is asked
    const service = await startService({ DATABASE_URL: throughWay, READ_LEASE_MS: "100" });
    await sell(service, "connected");
    const cuts = await cutsOf(way, () => sell(service, "measured"), 16);
    const told = await sellDisturbed(cuts.length, [service, another, reader], (step) => {
      way.cutAfter(...(cuts[step] as (typeof cuts)[number]));
    });
    expect([...told].sort()).toEqual(["Book", "OUTCOME_UNKNOWN"]);
  });

  test("when the connection to the client is cut, at whichever step", async () => {
    const { env, another, reader } = await installation();
    const service = await startService(env);
    const way = await startProxy(Number(new URL(service.url).port));
    const client = new GraphqlClient(service.url.replace(new URL(service.url).port, `${way.port}`));
    const cuts = await cutsOf(way, () => sell(client, "measured"), 15);
    const told = await sellDisturbed(cuts.length, [client, another, reader], (step) => {
      way.cutAfter(...(cuts[step] as (typeof cuts)[number]));
    });
    expect([...told].sort()).toEqual(["no answer"]);
  });

  test.runIf(engine === "sqlite")("when the thread that writes is killed, at whichever instant", async () => {
    const { env, another, reader } = await installation();
    const threads = watchThreads();
    const service = await startService(env);
    const told = await sellDisturbed(24, [service, another, reader], async (step) => {
      const count = threads.messages.length;
      // a commit takes less than a look once in a while would
      while (threads.messages.length === count) await nextTurn();
      const thread = threads.newest();
      for (const until = performance.now() + step / 6; performance.now() < until; ) await nextTurn();
      await thread.terminate();
    });
    expect(told).toContain("OUTCOME_UNKNOWN");
  });

  test("when the process dies that has committed and not told anybody", async () => {
    const LEASE_MS = 3000;
    const { redis, url, env, another, reader } = await installation(LEASE_MS);
    const way = await startProxy(redis.port);
    const service = await startProcess({ ...env, REDIS_URL: way.url });
    await servedByRedis(service, reader);
    const committed = async () => (await readGroundTruth(url)).revision;
    way.hold("requests");
    const lost = sell(service, "sale");
    await eventually("it is committed", async () => (await committed()) === 2);
    await service.stop("SIGKILL");
    expect((await lost).told).toBe("no answer");

    const again = await another.adjustStock(TITLE, -1, "sale");
    const shown = await reader.book(TITLE);
    expect(again.data.adjustStock).toMatchObject({ stockQuantity: STOCK - 1, version: 2 });
    expect(shown.data.book).toMatchObject({ stockQuantity: STOCK - 1 });
    expect(await committed()).toBe(2);
  });
});

test("five tills that sell 6 each out of 100 leave 70, whatever is cut meanwhile", async () => {
  const { url, env } = await installation();
  const database = engine === "postgresql" ? await wayTo(url) : undefined;
  const services = [
    await startService({ ...env, DATABASE_URL: database?.url ?? url }),
    await startService(env),
    await startService({ ...env, REDIS_URL: undefined }),
  ];
  const ways: TcpProxy[] = database ? [database.way] : [];
  const clients: GraphqlClient[] = [];
  for (const service of services) {
    const { port } = new URL(service.url);
    const way = await startProxy(Number(port));
    ways.push(way);
    clients.push(new GraphqlClient(service.url.replace(port, `${way.port}`)));
  }
  const random = new Random(7);
  for (let round = 0; round < 3; round++) {
    await services[1]?.updateBook(TITLE, { stockQuantity: 100 });
    let selling = true;
    const cutting = async () => {
      while (selling) {
        random.pick(ways).cutAfter(random.between(0, 1500), random.pick(["requests", "replies"] as const));
        await sleep(5);
      }
    };
    const till = async (_: unknown, number: number) => {
      for (let sale = 0; sale < 6; sale++) {
        const sold = () => sell(random.pick(clients), `${round}, till ${number}, sale ${sale}`);
        await eventually("it is sold", async () => (await sold()).told === "Book");
      }
    };
    const cuts = cutting();
    await Promise.all(Array.from({ length: 5 }).map(till));
    selling = false;
    await cuts;
    for (const way of ways) way.heal();
    for (const service of services) expect((await service.book(TITLE)).data.book.stockQuantity).toBe(70);
  }
});
