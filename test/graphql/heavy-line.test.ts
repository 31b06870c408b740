import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HeavyLine } from "../../src/graphql/execution/heavy-line.ts";
import { newDatabase } from "../support/database/database.ts";
import { fillWith, LARGEST_BOOK, largeTitles } from "../support/database/large-catalogue.ts";
import { openConnection, postOf } from "../support/network/raw-connection.ts";
import { startRedis } from "../support/redis/server.ts";
import { type Service, startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { servedByRedis } from "../support/service/witness.ts";

/** A catalogue of books of the largest size, of so many megabytes. */
async function catalogueOf(megabytes: number): Promise<string> {
  const { url } = await newDatabase();
  await fillWith(url, largeTitles(Math.floor((megabytes * 1_000_000) / LARGEST_BOOK)));
  return url;
}

/** Asks for all books, in words of its own. */
const heavy = (service: Pick<Service, "send">, n: number) => service.send(`{ books { a${n}: id title author } }`);

const codeOf = ({ status, errors }: Pick<Awaited<ReturnType<typeof heavy>>, "status" | "errors">) =>
  errors ? `${status} ${errors[0].extensions.code}` : status;

describe("while heavy operations wait for their turn", () => {
  test("light ones are answered", async () => {
    const service = await startProcess({ DATABASE_URL: (await newDatabase()).url });
    const copies = Array.from({ length: 25 }, (_, n) => `s${n}: __schema { ...S }`).join(" ");
    const types = (n: number) => `{ ${copies} } fragment S on __Schema { types { a${n}: name
      fields { name description args { name description type { kind name } } type { kind name ofType { kind name } } } } }`;
    const many = await Promise.all(Array.from({ length: 20 }, () => openConnection(service.url)));
    const light = await openConnection(service.url);
    /** In which the answers begin to arrive: a busy machine is late to read the heavy ones to their ends. */
    const order: unknown[] = [];
    for (const connection of [...many, light]) void connection.answered.then(() => order.push(connection));
    await Promise.all(many.map((connection, n) => connection.send(postOf(JSON.stringify({ query: types(n) })))));
    order.push("the light one is sent");
    await light.send(postOf(JSON.stringify({ query: '{ book(title: "x") { id } }' })));
    for (const connection of [light, ...many]) {
      const { status } = await connection.response();
      // on a slow machine some heavy ones would have to wait too long
      if (connection !== light && status === 503) order.splice(order.indexOf(connection), 1);
      else expect(status).toBe(200);
    }
    const since = order.slice(order.indexOf("the light one is sent"));
    // it would be last if it had to wait; on a busy machine, with one turn of the loop between two heavy ones, many were before it
    expect(since.indexOf(light)).toBeLessThanOrEqual(6);
  });

  test("those that would wait too long are refused, by POST and by GET, and may come again", async () => {
    // who is let in is answered or refused in the end, however long a busy machine takes
    const service = await startService({ DATABASE_URL: await catalogueOf(12), REQUEST_TIMEOUT_MS: "60000" });
    await heavy(service, 0);
    const byPost = async (n: number) => {
      const answer = await heavy(service, n);
      return { code: codeOf(answer), retryAfter: answer.headers.get("retry-after") };
    };
    // what is refused is refused in the type that was asked for
    const GRAPHQL_TYPE = "application/graphql-response+json";
    const byGet = async (n: number) => {
      const response = await fetch(
        `${service.url}?query=${encodeURIComponent(`{ books { a${n}: id title author } }`)}`,
        { headers: { accept: GRAPHQL_TYPE } },
      );
      expect(response.headers.get("content-type")).toContain(GRAPHQL_TYPE);
      const { errors } = await response.json();
      const code = codeOf({ status: response.status, errors });
      return { code, retryAfter: response.headers.get("retry-after") };
    };
    const answers = await Promise.all(Array.from({ length: 120 }, (_, n) => (n % 2 === 0 ? byPost : byGet)(n + 1)));
    for (const way of [0, 1]) {
      const codes = answers.filter((_, n) => n % 2 === way).map(({ code }) => code);
      expect(new Set(codes)).toEqual(new Set([200, "503 SERVICE_UNAVAILABLE"]));
    }
    for (const { code, retryAfter } of answers) {
      if (code === 200) expect(retryAfter).toBeNull();
      else expect(retryAfter).toMatch(/^[1-5]$/);
    }
    expect(codeOf(await heavy(service, 1000))).toBe(200);
  });

  test("a stop answers or cuts what waits, and ends", async () => {
    const service = await startProcess({ DATABASE_URL: await catalogueOf(12), STOP_TIMEOUT_MS: "3000" });
    const outcomes = Array.from({ length: 100 }, (_, n) => heavy(service, n).then(codeOf, () => "cut"));
    await Promise.race(outcomes);
    expect(await service.stop()).toBe(0);
    expect([200, "503 SERVICE_UNAVAILABLE", "cut"]).toEqual(expect.arrayContaining(await Promise.all(outcomes)));
  });
});

test("operations that are heavy only by what the catalogue may hold are not refused", async () => {
  const service = await startService();
  await service.addBook("Dune");
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => heavy(service, n)));
  expect(new Set(answers.map(codeOf))).toEqual(new Set([200]));
});

describe("pages of one request", () => {
  const pages = (count: number, field: string) =>
    `{ ${Array.from({ length: count }, (_, n) => `p${n}: booksConnection(first: 300) { edges { node { ${field} } } }`).join(" ")} }`;

  test.each(["redis", "database"])("are not read beyond MAX_ANSWER_MB in all, from %s", async (store) => {
    const DATABASE_URL = await catalogueOf(2);
    const redis = store === "redis" ? await startRedis() : undefined;
    const service = await startService({
      DATABASE_URL,
      MAX_ANSWER_MB: "4",
      // a busy machine may overrun a short lease, and the database answers
      ...(redis && { REDIS_URL: redis.url, READ_LEASE_MS: "5000", REDIS_TIMEOUT_MS: "5000" }),
    });
    if (redis) await servedByRedis(service);
    expect(codeOf(await service.send(pages(2, "id")))).toBe(200);
    const { status, data, errors } = await service.send(pages(12, "id"));
    expect([status, data]).toEqual([400, undefined]);
    expect(errors?.[0].extensions).toEqual({ code: "LIMIT_EXCEEDED", limit: "answerBytes", max: 4_000_000 });
    expect(codeOf(await service.send(pages(2, "id stockQuantity")))).toBe(200);
  });
});

describe("where the last heavy operations have told how long one takes", () => {
  const COST = 2000;
  const KNOWN_MS = 10;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance", "setImmediate", "setTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** So many that come at once to a line that knows it, of which each takes `ms` when it has its turn. */
  async function crowd(many: number, ms: number) {
    const line = new HeavyLine();
    const seen = { answered: 0, refused: 0 };
    const ask = async (takes: number) => {
      try {
        const leave = await line.enter(COST, () => true);
        if (leave instanceof Error) throw leave;
        await new Promise((resolve) => setTimeout(resolve, takes));
        seen.answered++;
        leave();
      } catch {
        seen.refused++;
      }
    };
    for (let n = 0; n < 10; n++) {
      void ask(KNOWN_MS);
      await vi.runAllTimersAsync();
    }
    seen.answered = 0;
    for (let n = 0; n < many; n++) void ask(ms);
    await vi.advanceTimersByTimeAsync(0);
    return seen;
  }

  test("who comes when the line is full hears so at once", async () => {
    const seen = await crowd(1000, KNOWN_MS);
    // two seconds of them
    expect(seen.refused).toBeGreaterThanOrEqual(795);
    expect(seen.refused).toBeLessThanOrEqual(805);
  });

  test("who was let in is answered, though those before him take half as long again", async () => {
    const seen = await crowd(1000, 1.5 * KNOWN_MS);
    const { refused } = seen;
    await vi.runAllTimersAsync();
    expect(seen).toEqual({ refused, answered: 1000 - refused });
  });

  test("when those before take far longer, the last that were let in hear so before it is their turn", async () => {
    const seen = await crowd(1000, 100 * KNOWN_MS);
    const { refused } = seen;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen.refused).toBeGreaterThan(refused + 150);
    await vi.runAllTimersAsync();
    expect(seen.answered + seen.refused).toBe(1000);
  });
});
