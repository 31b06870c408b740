import { tracingChannel } from "node:diagnostics_channel";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createApp, createHttpServer } from "../src/app.ts";
import { type BookQueryHandler, bookQueries } from "../src/books/queries/book-query-handler.ts";
import { ConfigService } from "../src/config.ts";
import { modules } from "../src/modules.ts";
import { newDatabase } from "./support/database/database.ts";
import { fillWith, largeTitles } from "./support/database/large-catalogue.ts";
import { plainHttp } from "./support/network/plain-http.ts";
import { openConnection, postOf } from "./support/network/raw-connection.ts";
import { type RedisServer, startRedis } from "./support/redis/server.ts";
import { GraphqlClient } from "./support/service/graphql-client.ts";
import { eventually } from "./support/wait.ts";

/*
 * What a request costs, counted instead of timed: statements, commands, parses and executions do not depend on how busy
 * the machine is. bench/ measures what they come to.
 */

const BOOK =
  "query ($title: String!) { book(title: $title) { title author publishedDate isbn stockQuantity version } }";
const BOOKS = "{ books { title author isbn stockQuantity } }";
const ADD = "mutation ($input: AddBookInput!) { addBook(input: $input) { __typename } }";
const UPDATE =
  "mutation ($title: String!, $input: UpdateBookInput!) { updateBook(title: $title, input: $input) { __typename } }";

interface Work {
  /** Documents parsed and validated. */
  parsed: number;
  validated: number;
  /** Executions, by graphql's own executor or compiled. */
  executed: number;
  /** SQL statements but for those of the background, which looks the row up and scrubs the read model. */
  statements: string[];
}

/** A service whose work is counted: the parts are the real ones, and the counters let everything through. */
class CountedService extends GraphqlClient {
  readonly #work: Work;
  readonly #redis: RedisServer | undefined;

  constructor(url: string, work: Work, redis: RedisServer | undefined) {
    super(url);
    this.#work = work;
    this.#redis = redis;
  }

  /** What is done while `requests` are answered. */
  async workFor(requests: () => Promise<unknown>): Promise<Work & { redis: Record<string, number>; bytes: number }> {
    const before = await this.#redisWork();
    const { parsed, validated, executed, statements } = this.#work;
    const from = statements.length;
    await requests();
    const after = await this.#redisWork();
    const redis: Record<string, number> = {};
    for (const [command, calls] of after.calls) {
      const made = calls - (before.calls.get(command) ?? 0);
      if (made > 0) redis[command] = made;
    }
    return {
      parsed: this.#work.parsed - parsed,
      validated: this.#work.validated - validated,
      executed: this.#work.executed - executed,
      statements: statements.slice(from),
      redis,
      bytes: after.bytes - before.bytes,
    };
  }

  /** Calls of the commands that reads and writes use, and all bytes that Redis has sent. */
  async #redisWork(): Promise<{ calls: Map<string, number>; bytes: number }> {
    if (!this.#redis) return { calls: new Map(), bytes: 0 };
    const [commands, stats] = await Promise.all([
      this.#redis.client.info("commandstats"),
      this.#redis.client.info("stats"),
    ]);
    const calls = [...commands.matchAll(/^cmdstat_(hmget|evalsha|eval|get|hget):calls=(\d+)/gm)];
    return {
      calls: new Map(calls.map(([, name, count]) => [name as string, Number(count)])),
      bytes: Number(/^total_net_output_bytes:(\d+)/m.exec(stats)?.[1]),
    };
  }
}

async function startCounted(redis?: RedisServer, largeBooks = 0, answerMb = 1): Promise<CountedService> {
  const work: Work = { parsed: 0, validated: 0, executed: 0, statements: [] };
  countStatements(work);
  count("graphql:parse", () => work.parsed++);
  count("graphql:validate", () => work.validated++);

  const { url: DATABASE_URL } = await newDatabase("sqlite");
  if (largeBooks > 0) await fillWith(DATABASE_URL, largeTitles(largeBooks));
  const config = ConfigService.load(
    {
      ...{ PORT: "0", LOG_LEVEL: "silent", DATABASE_URL, REDIS_URL: redis?.url },
      // on a busy machine a short lease may run out, and the database answers
      ...{ READ_LEASE_MS: "5000", REDIS_TIMEOUT_MS: "5000", MAX_ANSWER_MB: String(answerMb) },
    },
    modules,
  );
  const app = await createApp(config, modules);
  // each question here has one field, so that an execution is one call of its handler
  const counted = new Proxy(bookQueries.of(app), {
    get: (handler, name: keyof BookQueryHandler) => {
      const method = handler[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        work.executed++;
        return method.apply(handler, args);
      };
    },
  });
  const server = createHttpServer({ ...app, handlers: new Map([...app.handlers, bookQueries.with(counted)]) }, config);
  onTestFinished(() => server.close().then(() => app.close()));
  const service = new CountedService(await server.listen(config.port, config.host), work, redis);
  if (redis) {
    await eventually("reads come from Redis", async () => {
      return (await service.ask("{ booksConnection(first: 0) { totalCount } }")).consistency.servedBy === "redis";
    });
  }
  return service;
}

function count(channel: string, onStart: () => void): void {
  const subscribers = { start: onStart, end() {}, asyncStart() {}, asyncEnd() {}, error() {} };
  tracingChannel(channel).subscribe(subscribers);
  onTestFinished(() => tracingChannel(channel).unsubscribe(subscribers));
}

function countStatements({ statements }: Work): void {
  const statement = Object.getPrototypeOf(new Database(":memory:").prepare("select 1")) as Database.Statement;
  const isOfUpkeep = (sql: string) =>
    [
      /^select \*.* from "stream" where "name" = \?$/s,
      /from "book_change" where "revision" > \?/,
      /from "book" where "title" > \?.* limit \?\) as "instance" on true where "stream"."name" = \? order by "title"$/,
    ].some((pattern) => pattern.test(sql));
  for (const method of ["all", "run", "get"] as const) {
    const original = statement[method];
    vi.spyOn(statement, method).mockImplementation(function (this: Database.Statement, ...parameters) {
      if (!isOfUpkeep(this.source)) statements.push(this.source);
      return original.apply(this, parameters);
    });
  }
  const exec = Database.prototype.exec;
  vi.spyOn(Database.prototype, "exec").mockImplementation(function (this: Database.Database, sql) {
    statements.push(sql);
    return exec.call(this, sql);
  });
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
}

/** Adds `size` books and asks for one of them and for all, so that both documents are known and compiled. */
async function fill(service: CountedService, size: number): Promise<void> {
  for (let i = 0; i < size; i++) await service.ask(ADD, { variables: { input: { title: `${i}`, author: "Author" } } });
  for (const title of ["-", "--"]) await service.ask(BOOK, { variables: { title } });
  for (const other of [0, 1]) await service.ask(BOOKS, { extensions: { other } });
}

const book = (service: CountedService, title: string) => service.ask(BOOK, { variables: { title } });
const nothing = { parsed: 0, validated: 0, executed: 0, statements: [] };

describe("with Redis", () => {
  test("a point read is one command, parses nothing and asks no database", async () => {
    const service = await startCounted(await startRedis());
    await fill(service, 3);
    expect(await service.workFor(() => book(service, "1"))).toMatchObject({
      ...nothing,
      executed: 1,
      redis: { hmget: 1 },
    });
  });

  test("the same point read again executes nothing", async () => {
    const service = await startCounted(await startRedis());
    await fill(service, 3);
    await book(service, "1");
    expect(await service.workFor(() => book(service, "1"))).toMatchObject({ ...nothing, redis: { hmget: 1 } });
  });

  test("the same point read for a later revision executes nothing either", async () => {
    const service = await startCounted(await startRedis());
    await fill(service, 3);
    const asking = (atLeast: number) =>
      service.ask(BOOK, { variables: { title: "1" }, extensions: { consistency: { atLeast } } });
    await asking(1);
    for (const ask of [() => asking(2), () => asking(3), () => book(service, "1")]) {
      expect(await service.workFor(ask)).toMatchObject({ ...nothing, redis: { hmget: 1 } });
    }
  });

  test("a point read by GET is as cheap, and one that is known is asked of Redis alone, though it is not sent", async () => {
    const service = await startCounted(await startRedis());
    await fill(service, 3);
    const get = async (title: string, headers: Record<string, string> = {}) => {
      const parameters = new URLSearchParams({ query: BOOK, variables: JSON.stringify({ title }) });
      return plainHttp(`${service.url}?${parameters}`, { headers });
    };
    const first = await service.workFor(() => get("1"));
    expect(first).toMatchObject({ ...nothing, executed: 1, redis: { hmget: 1 } });
    const { headers } = await get("1");
    for (const more of [{}, { "consistency-at-least": "1" }, { "if-none-match": String(headers.etag) }]) {
      const again = await service.workFor(() => get("1", more));
      expect(again).toMatchObject({ ...nothing, redis: { hmget: 1 } });
    }
  });

  test("point reads that arrive together share a command", async () => {
    const service = await startCounted(await startRedis());
    await fill(service, 3);
    const connections = await Promise.all(Array.from({ length: 60 }, () => openConnection(service.url)));
    // Node accepts one of them a turn
    for (const connection of connections) await connection.send(postOf('{"query":"{ __typename }"}'));
    for (const connection of connections) await connection.response();
    const { redis } = await service.workFor(async () => {
      // in one go: they reach the service in one turn
      const sent = connections.map((connection, i) =>
        connection.send(postOf(JSON.stringify({ query: BOOK, variables: { title: `${i % 3}` } }))),
      );
      await Promise.all(sent);
      const answers = await Promise.all(connections.map((connection) => connection.responses(2)));
      for (const [, answer] of answers) expect(answer?.body).toContain('"servedBy":"redis"');
    });
    expect(redis.hmget).toBeLessThan(10);
  });

  test("a list is one command, and not sent again while nothing has changed", async () => {
    const service = await startCounted(await startRedis());
    await fill(service, 100);
    const ask = (time: number) => service.ask(BOOKS, { extensions: { other: time + 2 } });
    const first = await undisturbed(service, 1, ask);
    expect(first).toMatchObject({ ...nothing, executed: 1, redis: { evalsha: 1 } });
    const again = await undisturbed(service, 1, () => ask(0));
    expect(again).toMatchObject({ ...nothing, redis: { evalsha: 1 } });
    // what INFO itself says is a good part of these
    expect(first.bytes - again.bytes).toBeGreaterThan(100 * 50);
  });

  /**
   * What a list takes that is read by so many scripts, or more if it always takes more: upkeep looks at the read model and
   * at a part of its rows once a second, beside any.
   */
  async function undisturbed(service: CountedService, scripts: number, ask: (time: number) => Promise<unknown>) {
    for (let time = 0; ; time++) {
      const work = await service.workFor(() => ask(time));
      if (work.redis.evalsha === scripts || time === 30) return work;
    }
  }

  /** How many scripts were run; nothing else was done. */
  function scriptsOf({ redis, statements }: { redis: Record<string, number>; statements: string[] }): number {
    expect(statements).toEqual([]);
    return (redis.evalsha ?? 0) + (redis.eval ?? 0);
  }

  test("a large list is one command for each 256 kB, and one while nothing has changed", async () => {
    const service = await startCounted(await startRedis(), 100);
    const ask = (time: number) => service.ask(`{ books { a${time}: stockQuantity } }`);
    const first = await undisturbed(service, 3, ask);
    expect(scriptsOf(first)).toBe(3);
    const again = await undisturbed(service, 1, () => ask(0));
    expect(scriptsOf(again)).toBe(1);
    expect(first.bytes - again.bytes).toBeGreaterThan(600_000);
  });

  test("a list that is too large is read as far as it may be, and one portion of it while nothing has changed", async () => {
    const service = await startCounted(await startRedis(), 200);
    const ask = async () => {
      const { errors } = await service.send("{ books { stockQuantity } }");
      expect(errors?.[0].extensions.code).toBe("TOO_MANY_BOOKS");
    };
    expect(scriptsOf(await service.workFor(ask))).toBeGreaterThanOrEqual(4);
    const again = await undisturbed(service, 1, ask);
    expect(scriptsOf(again)).toBe(1);
    expect(again.bytes).toBeLessThan(300_000);
  });

  test("a long answer is not kept, so that those of others are", async () => {
    const service = await startCounted(await startRedis(), 200, 32);
    await fill(service, 1);
    await book(service, "0");
    // too long to be kept: five megabytes
    const query = `{ books { ${Array.from({ length: 6 }, (_, i) => `a${i}: author`).join(" ")} } }`;
    const ask = () =>
      fetch(service.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query }),
      }).then((response) => response.text());
    for (let i = 0; i < 3; i++) expect((await service.workFor(ask)).executed).toBe(1);
    expect((await service.workFor(() => book(service, "0"))).executed).toBe(0);
  });

  test("a change costs the answers that hold it one more execution, and the others none", async () => {
    const service = await startCounted(await startRedis());
    await fill(service, 3);
    for (const title of ["0", "1"]) await book(service, title);
    await service.ask(UPDATE, { variables: { title: "1", input: { stockQuantity: 5 } } });
    expect(await service.workFor(() => book(service, "0"))).toMatchObject({ ...nothing, redis: { hmget: 1 } });
    expect(await service.workFor(() => book(service, "1"))).toMatchObject({ executed: 1, redis: { hmget: 2 } });
    expect(await service.workFor(() => book(service, "1"))).toMatchObject({ ...nothing, redis: { hmget: 1 } });
  });
});

describe("without Redis", () => {
  test("a point read and a list are one statement each, and nothing else the second time, of a list the mark's", async () => {
    const service = await startCounted();
    await fill(service, 3);
    const statements = [expect.stringMatching(/^select/)];
    expect(await service.workFor(() => book(service, "1"))).toMatchObject({ ...nothing, executed: 1, statements });
    expect(await service.workFor(() => book(service, "1"))).toMatchObject({ ...nothing, statements });
    const readsList = [expect.stringMatching(/^select.* from "book"/)];
    const ask = () => service.ask(BOOKS);
    expect(await service.workFor(ask)).toMatchObject({ ...nothing, executed: 1, statements: readsList });
    const readsMark = [expect.stringMatching(/^select "revision", "token" from "stream" where "name" = \?$/)];
    expect(await service.workFor(ask)).toMatchObject({ ...nothing, statements: readsMark });
    const page = () => service.ask("{ booksConnection(first: 2) { nodes: edges { node { title } } totalCount } }");
    await page();
    expect(await service.workFor(page)).toMatchObject({ ...nothing, statements: readsMark });
    await service.ask(UPDATE, { variables: { title: "1", input: { stockQuantity: 5 } } });
    const statementsThen = [...readsMark, ...readsList];
    expect(await service.workFor(ask)).toMatchObject({ ...nothing, executed: 1, statements: statementsThen });
  });

  test("a list that one request asks for several times is one statement", async () => {
    const service = await startCounted();
    await fill(service, 3);
    const twice = "{ a: books { title } b: books { author } }";
    expect((await service.workFor(() => service.ask(twice))).statements).toHaveLength(1);
  });

  test("what may take long is not read on the event loop: a count, and a large list but for its beginning", async () => {
    const service = await startCounted(undefined, 400, 32);
    const statementsFor = async (query: string) => (await service.workFor(() => service.ask(query))).statements;
    expect(await statementsFor("{ booksConnection(first: 1) { totalCount } }")).toEqual([]);
    // once it is known to be small, it is quicker to count than to hand over
    expect(await statementsFor("{ booksConnection(first: 2) { totalCount } }")).toHaveLength(1);
    expect(await statementsFor("{ books { id } }")).toHaveLength(1);
    expect(await statementsFor("{ booksConnection(first: 300) { edges { node { id } } } }")).toEqual([]);
  });

  test("the work does not grow with the catalogue", async () => {
    const service = await startCounted();
    await fill(service, 2);
    const work = (title: string) =>
      service.workFor(async () => {
        await book(service, title);
        await service.ask(`{ a${title}: booksConnection(first: 2) { edges { node { title } } } }`);
        await service.ask(UPDATE, { variables: { title, input: { stockQuantity: 5 } } });
      });
    const small = await work("0");
    for (let i = 2; i < 200; i++) await service.addBook(`${i}`);
    expect((await work("1")).statements).toEqual(small.statements);
  });
});
