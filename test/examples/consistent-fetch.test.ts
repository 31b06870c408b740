import { describe, expect, test } from "vitest";
import { type ConsistentFetchOptions, consistentFetch, type Forgotten } from "../../examples/consistent-fetch.ts";
import { aroundTests } from "../support/cleanup.ts";
import { newDatabase } from "../support/database/database.ts";
import { watchThreads } from "../support/database/writing-threads.ts";
import { type Balancer, type BalancerFault, startBalancer } from "../support/network/balancer.ts";
import { ADD_BOOK, ADJUST_STOCK, BOOK } from "../support/service/book-requests.ts";
import { startService } from "../support/service/service.ts";
import { startTwoProcesses, type TwoProcesses } from "../support/service/two-processes.ts";
import { eventually } from "../support/wait.ts";
import { sell } from "./plain-fetch.ts";

/** Tests ask often and are not to wait. */
const QUICK = { waitMs: 1 } as const;

/** A page that asks through the balancer. */
function openPage(balancer: Balancer, options: ConsistentFetchOptions = {}) {
  balancer.reset();
  const lost: Forgotten[] = [];
  const fetched = consistentFetch(fetch, { ...QUICK, onForgotten: (forgotten) => lost.push(forgotten), ...options });
  const ask = async (query: string, variables: object = {}, init: RequestInit = {}) => {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ query, variables });
    const answer = await fetched(balancer.url, { method: "POST", headers, body, ...init });
    const { data, errors } = await answer.json();
    return { status: answer.status, data, code: errors?.[0].extensions.code };
  };
  const { asked } = balancer;
  return { fetched, ask, lost, atLeast: () => asked.map(({ atLeast }) => atLeast), sent: () => asked.length };
}

const TITLES = "{ books { title } }";

let two: TwoProcesses;
aroundTests(async () => {
  two = await startTwoProcesses();
});

let books = 0;
/** Adds a book of which ten are in stock. */
async function newBook(): Promise<string> {
  const title = `Book ${++books}`;
  await two.processes[0].addBook(title, { stockQuantity: 10 });
  return title;
}
const stockOf = async (title: string) => (await two.processes[1].book(title)).data.book?.stockQuantity;
const revisionNow = async () => (await two.processes[1].ask(TITLES)).consistency.revision;

describe("what a page has seen", () => {
  test("is asked for at the next process: at first nothing, then what the last answer was true at", async () => {
    const { ask, atLeast, lost } = openPage(two.balancer);
    const first = await revisionNow();
    await ask(TITLES);
    const title = `Book ${++books}`;
    await ask(ADD_BOOK, { input: { title, author: "A" } });
    expect((await ask(BOOK, { title })).data.book).toMatchObject({ title });
    expect(atLeast()).toEqual([undefined, `${first}`, `${first + 1}`]);
    const [, written, read] = two.balancer.asked;
    expect(new Set([written?.target, read?.target]).size).toBe(2);
    expect(lost).toEqual([]);
  });

  test("is told by answers to GET, with 304 as well, whatever the body says", async () => {
    const { fetched, atLeast } = openPage(two.balancer);
    const title = await newBook();
    const address = `${two.balancer.url}?query=${encodeURIComponent(`{book(title:"${title}"){version}}`)}`;
    const first = await fetched(address);
    await newBook();
    const etag = first.headers.get("etag") ?? "";
    const second = await fetched(address, { headers: { "If-None-Match": etag } });
    expect([second.status, await second.text()]).toEqual([304, ""]);
    await fetched(new Request(address));
    const revision = await revisionNow();
    expect(atLeast()).toEqual([undefined, `${revision - 1}`, `${revision}`]);
  });

  test("is of an event stream as well, whose events are not held up", async () => {
    const { fetched, ask, atLeast } = openPage(two.balancer);
    await ask(TITLES);
    const query = "subscription { bookChanges(since: 0) { revision } }";
    const gone = new AbortController();
    const headers = { accept: "text/event-stream", "content-type": "application/json" };
    const body = JSON.stringify({ query });
    const stream = await fetched(two.balancer.url, { method: "POST", headers, body, signal: gone.signal });
    const piece = await stream.body?.getReader().read();
    expect(new TextDecoder().decode(piece?.value as Uint8Array)).toMatch(/^(retry|event|id)/);
    gone.abort();
    expect(atLeast()[1]).toBe(`${await revisionNow()}`);
  });

  test("may come another way, and go on another way", async () => {
    const { fetched, ask, atLeast } = openPage(two.balancer);
    const revision = await revisionNow();
    const { url } = two.balancer;
    expect(fetched.seen(url)).toBeUndefined();
    fetched.saw(url, revision - 1);
    fetched.saw(`${url}?of=old`, `${revision - 2}`);
    fetched.saw("http://another.example/graphql", revision + 7);
    await ask(TITLES);
    expect(atLeast()).toEqual([`${revision - 1}`]);
    expect(fetched.seen(new URL(url))).toBe(`${revision}`);
  });

  test("is left alone where the page asks for a revision itself", async () => {
    const { ask, atLeast } = openPage(two.balancer);
    await ask(TITLES);
    const headers = { "content-type": "application/json", "Consistency-At-Least": "0" };
    await ask(TITLES, {}, { headers });
    expect(atLeast()).toEqual([undefined, "0"]);
  });

  test("is of each stream, in the form that the service has last used", async () => {
    const { fetched } = openPage(two.balancer);
    const { url } = two.balancer;
    const told: [header: string, seen: string][] = [
      ["5", "5"],
      ["4", "5"],
      ["books=3, authors=7", "books=3, authors=7"],
      ["authors=6", "books=3, authors=7"],
      ["books=9", "books=9, authors=7"],
      ["x", "books=9, authors=7"],
      ["", "books=9, authors=7"],
      ["11", "11"],
    ];
    for (const [header, seen] of told) {
      fetched.saw(url, header);
      expect(fetched.seen(url), header).toBe(seen);
    }
  });

  test("is forgotten by a process that does not know the streams, which is asked again", async () => {
    const { fetched, ask, atLeast, lost } = openPage(two.balancer);
    fetched.saw(two.balancer.url, "books=1, films=1");
    const title = `Book ${++books}`;
    expect((await ask(ADD_BOOK, { input: { title, author: "A" } })).data.addBook).toMatchObject({ title });
    const revision = await revisionNow();
    expect(atLeast()).toEqual(["books=1, films=1", undefined]);
    expect([fetched.seen(two.balancer.url), lost]).toEqual([`${revision}`, []]);
  });
});

describe("a service that has never come to what was seen", () => {
  test("is asked anew for what there is, and the page is told, once", async () => {
    const { fetched, ask, atLeast, lost } = openPage(two.balancer);
    const { url } = two.balancer;
    const reached = await revisionNow();
    for (const form of [`${reached + 1000}`, `books=${reached + 1000}`]) {
      two.balancer.reset();
      fetched.saw(url, form);
      expect((await ask(TITLES)).data.books.length).toBeGreaterThan(0);
      await ask(TITLES);
      expect(atLeast()).toEqual([form, form.replace(/\d+/, `${reached}`), `${reached}`]);
      expect(lost.splice(0)).toEqual([{ service: url, seen: form, reached: form.replace(/\d+/, `${reached}`) }]);
    }
  });

  test("does no mutation for a page that has seen what is no more, and does the next", async () => {
    const { fetched, ask, lost } = openPage(two.balancer);
    const title = await newBook();
    for (const idempotencyKey of [null, "a key of then"]) {
      fetched.saw(two.balancer.url, (await revisionNow()) + 1000);
      const sale = { title, by: -1, idempotencyKey };
      expect((await ask(ADJUST_STOCK, sale)).code).toBe("REVISION_NOT_REACHED");
      expect(lost.splice(0)).toHaveLength(1);
      const before = await stockOf(title);
      expect((await ask(ADJUST_STOCK, sale)).data.adjustStock).toMatchObject({ stockQuantity: before - 1 });
    }
    expect(await stockOf(title)).toBe(8);
  });

  test("is not meant by a question for a revision to come", async () => {
    const { ask, sent, lost, fetched } = openPage(two.balancer);
    await ask(TITLES);
    const future = await ask('{ book(title: "A", asOf: 1000000) { title } }');
    expect(future.code).toBe("REVISION_NOT_REACHED");
    expect([sent(), lost, fetched.seen(two.balancer.url)]).toEqual([2, [], `${await revisionNow()}`]);
  });

  test("is one whose database was made anew under the same address", async () => {
    const database = await newDatabase();
    const env = { DATABASE_URL: database.url };
    const before = await startService(env);
    const balancer = await startBalancer(before.url);
    const { ask, lost } = openPage(balancer);
    for (const title of ["A", "B"]) await ask(ADD_BOOK, { input: { title, author: "A" } });
    await before.close();
    await database.renew();
    const anew = await startService(env);
    balancer.lead(anew.url);
    expect((await ask(TITLES)).data).toEqual({ books: [] });
    expect(lost).toEqual([{ service: balancer.url, seen: "2", reached: "0" }]);
    expect((await ask(ADD_BOOK, { input: { title: "C", author: "A" } })).data.addBook).toMatchObject({ version: 1 });
    expect((await ask(TITLES)).data.books).toEqual([{ title: "C" }]);
  });
});

const SALE = (title: string, key: string) => ({ title, by: -1, idempotencyKey: key });
const LOST = ["request lost", "answer lost", "answer cut"] as const;
const REFUSED = [502, 503, 504, 429].map((status) => ({ status, headers: { "retry-after": "0" } }));

describe("a mutation with a key", () => {
  test("is sent again until it is answered, and done once", async () => {
    const title = await newBook();
    const { ask, sent } = openPage(two.balancer);
    let stock = 10;
    for (const fault of [...LOST, ...REFUSED]) {
      two.balancer.reset();
      two.balancer.fail(fault, fault);
      const { data } = await ask(ADJUST_STOCK, SALE(title, `sale ${stock}`));
      expect(data.adjustStock, JSON.stringify(fault)).toMatchObject({ stockQuantity: --stock });
      expect(sent(), JSON.stringify(fault)).toBe(3);
    }
    expect(await stockOf(title)).toBe(stock);
  });

  test("is a sale of the documented page, of which the answer is lost", async () => {
    const { id } = (await two.processes[0].addBook(`Book ${++books}`, { stockQuantity: 3 })).data.addBook;
    two.balancer.fail("answer lost", "request lost");
    expect(await sell(two.url, id, 2, crypto.randomUUID())).toEqual({ __typename: "Book", stockQuantity: 1 });
    expect(await sell(two.url, id, 2, crypto.randomUUID())).toMatchObject({ code: "INSUFFICIENT_STOCK" });
    await expect(sell(two.url, id, 0.5, crypto.randomUUID())).rejects.toThrow("BAD_USER_INPUT");
  });

  test("is sent again when no answer comes in time", async () => {
    const title = await newBook();
    const { ask, sent } = openPage(two.balancer, { timeoutMs: 1000 });
    two.balancer.fail("no answer");
    expect((await ask(ADJUST_STOCK, SALE(title, "one"))).data.adjustStock).toMatchObject({ stockQuantity: 9 });
    expect(sent()).toBeGreaterThan(1);
  });

  test("is sent no more often than it may be, and then fails as it did", async () => {
    const title = await newBook();
    const { ask, sent, fetched } = openPage(two.balancer, { attempts: 3 });
    two.balancer.fail(...Array(3).fill("answer lost"));
    await expect(ask(ADJUST_STOCK, SALE(title, "two"))).rejects.toThrow(TypeError);
    expect([sent(), await stockOf(title)]).toEqual([3, 9]);

    const body = JSON.stringify({ query: ADJUST_STOCK, variables: SALE(title, "three") });
    const init = { method: "POST", headers: { "content-type": "application/json" }, body };
    two.balancer.fail(...Array(3).fill({ status: 503 }));
    expect((await fetched(two.balancer.url, init)).status).toBe(503);
    two.balancer.fail({ status: 503, headers: { "retry-after": "3600" } });
    expect((await fetched(two.balancer.url, init)).status).toBe(503);
    expect([sent(), await stockOf(title)]).toEqual([7, 9]);
  });

  test("is not said to be undone by a later attempt that was refused", async () => {
    const title = await newBook();
    const { ask, sent } = openPage(two.balancer, { attempts: 3 });
    const [, busy = "request lost"] = REFUSED;
    const afterwards: BalancerFault[][] = [[busy, busy], [{ status: 401, body: "{}" }]];
    for (const after of afterwards) {
      two.balancer.fail("answer lost", ...after);
      await expect(ask(ADJUST_STOCK, SALE(title, "four")), JSON.stringify(after)).rejects.toThrow(TypeError);
    }
    expect([sent(), await stockOf(title)]).toEqual([5, 9]);
  });

  test("is for its client to send again when a process does not know the document by its hash", async () => {
    const { fetched, sent } = openPage(two.balancer);
    const extensions = { persistedQuery: { version: 1, sha256Hash: "0".repeat(64) } };
    const body = JSON.stringify({ variables: { idempotencyKey: "k" }, extensions });
    two.balancer.fail("answer lost");
    const init = { method: "POST", headers: { "content-type": "application/json" }, body };
    const { errors } = await (await fetched(two.balancer.url, init)).json();
    expect([sent(), errors[0].extensions.code]).toEqual([2, "PERSISTED_QUERY_NOT_FOUND"]);
  });

  test("stays aborted, in flight or between two attempts", async () => {
    const title = await newBook();
    const { ask, sent } = openPage(two.balancer, { waitMs: 3_600_000 });
    for (const fault of ["no answer", "answer lost"] as const) {
      const gone = new AbortController();
      two.balancer.reset();
      two.balancer.fail(fault);
      const asked = ask(ADJUST_STOCK, SALE(title, fault), { signal: gone.signal });
      await eventually("it was sent", () => sent() === 1);
      await eventually("it was done", async () => (await stockOf(title)) === (fault === "no answer" ? 9 : 8));
      gone.abort(new Error("no more"));
      await expect(asked).rejects.toThrow("no more");
      expect(sent()).toBe(1);
    }
  });

  test("is sent again when the thread that writes dies, and nobody knows what came of it", async () => {
    const threads = watchThreads();
    const service = await startService({ DATABASE_URL: (await newDatabase("sqlite")).url });
    const balancer = await startBalancer(service.url);
    const { ask, sent } = openPage(balancer);
    await service.addBook("Dune", { stockQuantity: 1000 });
    let stock = 1000;
    for (let sales = 0; sent() === sales; sales++) {
      const count = threads.messages.length;
      const sale = ask(ADJUST_STOCK, SALE("Dune", `sale ${sales}`));
      await eventually("it writes", () => threads.messages.length > count);
      await threads.newest().terminate();
      expect((await sale).data.adjustStock).toMatchObject({ stockQuantity: --stock });
      expect(sales).toBeLessThan(100);
    }
    expect((await service.book("Dune")).data.book.stockQuantity).toBe(stock);
  });
});

describe("what is sent again", () => {
  const key = (text: string) => `idempotencyKey: ${text}`;
  const cases: [document: string, variables: object, isKeyed: boolean][] = [
    [ADJUST_STOCK, { idempotencyKey: "k" }, true],
    [ADJUST_STOCK, { idempotencyKey: null }, false],
    [ADJUST_STOCK, {}, false],
    [`mutation { adjustStock(title: "T", by: -1, ${key('"k"')}) { __typename } }`, {}, true],
    [`mutation($k: String) { a: adjustStock(title: "T", by: -1, ${key("$k")}) { __typename } }`, { k: "k" }, true],
    [
      `mutation($idempotencyKey: String) { adjustStock(title: "T", by: -1) { __typename } }`,
      { idempotencyKey: "k" },
      false,
    ],
    [`mutation { adjustStock(title: "T", by: -1) { __typename } } # ${key('"k"')}`, {}, false],
    [`mutation { adjustStock(title: "${key("").trim()} 1", by: -1) { __typename } }`, {}, false],
    [`mutation { adjustStock(title: """ ${key('"k"')} """, by: -1) { __typename } }`, {}, false],
    [
      `mutation { a: adjustStock(title: "T", by: -1, ${key('"k"')}) { __typename } b: adjustStock(title: "T", by: 1) { __typename } }`,
      {},
      false,
    ],
    [
      `mutation { a: adjustStock(title: "T", by: -1, ${key('"a"')}) { __typename } b: adjustStock(title: "T", by: 1, ${key('"b"')}) { __typename } }`,
      {},
      true,
    ],
    [
      `mutation { ...F } fragment F on Mutation { adjustStock(title: "T", by: -1, ${key('"k"')}) { __typename } }`,
      {},
      false,
    ],
    [
      `fragment F on Book { title } mutation M @skip(if: false) { adjustStock(title: "T", by: -1, ${key('"k"')}) { ...F } }`,
      {},
      true,
    ],
    [
      `mutation { a: adjustStock(title: "T", by: -1, ${key('"k"')}) { __typename } ...F } fragment F on Mutation { adjustStock(title: "T", by: 1) { __typename } }`,
      {},
      false,
    ],
    [`query mutation { book(title: "T") { title } }`, { idempotencyKey: "k" }, false],
    [TITLES, { idempotencyKey: "k" }, false],
    ["", { idempotencyKey: "k" }, true],
    ["", {}, false],
    ["", { idempotencyKey: null }, false],
    ["mutation($constructor: String) { adjustStock(by: 1, idempotencyKey: $constructor) { __typename } }", {}, false],
    ["{", { idempotencyKey: "k" }, false],
  ];

  test.each(cases)("%s with %j: %j", async (query, variables, isKeyed) => {
    const { fetched, sent } = openPage(two.balancer);
    const init = { method: "POST", headers: { "content-type": "application/json" } };
    const body = JSON.stringify({ query, variables });
    two.balancer.fail({ status: 502 });
    await fetched(two.balancer.url, { ...init, body });
    expect(sent()).toBe(isKeyed ? 2 : 1);
    two.balancer.fail({ status: 502 });
    await fetched(new Request(two.balancer.url, { ...init, body }));
    expect(sent()).toBe(isKeyed ? 4 : 2);
  });

  test("is what cannot be done twice alone: a mutation without a key fails at once", async () => {
    const title = await newBook();
    const { ask, sent } = openPage(two.balancer);
    for (const fault of LOST) {
      two.balancer.fail(fault);
      await expect(ask(ADJUST_STOCK, { title, by: -1 })).rejects.toThrow(TypeError);
    }
    expect([sent(), await stockOf(title)]).toEqual([3, 8]);
  });
});
