import { Agent } from "node:http";
import { expect, test } from "vitest";
import { bearer, SECRET, tokenWith } from "../support/auth/tokens.ts";
import { newDatabase } from "../support/database/database.ts";
import { plainHttp } from "../support/network/plain-http.ts";
import { startRedis } from "../support/redis/server.ts";
import { type Service, startService } from "../support/service/service.ts";

const QUERY = "{ books { title } }";

type Headers = Record<string, string>;

async function post(service: Service, headers: Headers = {}) {
  const type = { "content-type": "application/json" };
  const body = JSON.stringify({ query: QUERY });
  const answer = await plainHttp(service.url, { method: "POST", headers: { ...type, ...headers }, body });
  return { ...answer, code: JSON.parse(answer.bytes.toString()).errors?.[0].extensions.code };
}

const get = async (service: Service, headers: Headers = {}) =>
  plainHttp(`${service.url}?${new URLSearchParams({ query: QUERY })}`, { headers });

const fromAddress = (address: string) => ({ "x-forwarded-for": address });

/** How many of a minute's requests may have come back since `began`. */
const backSince = (began: number, limit: number) => Math.ceil(((performance.now() - began) * limit) / 60_000);

test("a client that has asked too often is told so, by every method, and when it may come again", async () => {
  const service = await startService({ RATE_LIMIT_PER_MINUTE: "4", GRAPHIQL: "true", CORS_ORIGINS: "*" });
  const left: string[] = [];
  for (const ask of [post, get, post, get]) {
    const { status, headers } = await ask(service);
    expect(status).toBe(200);
    left.push(String(headers.ratelimit));
  }
  expect(left.map((text) => text.replace(/t=\d+/, "t=…"))).toEqual(
    [3, 2, 1, 0].map((rest) => `"minute";r=${rest};t=…`),
  );
  for (const ask of [post, get]) {
    const { status, headers, bytes } = await ask(service, { origin: "https://shop.example" });
    expect(status).toBe(429);
    expect(headers.ratelimit).toMatch(/^"minute";r=0;t=\d+$/);
    expect(Number(headers["retry-after"])).toBeGreaterThanOrEqual(1);
    expect(Number(headers["retry-after"])).toBeLessThanOrEqual(15);
    expect(headers["access-control-expose-headers"]).toContain("RateLimit");
    expect(JSON.parse(bytes.toString()).errors[0].extensions.code).toBe("RATE_LIMITED");
  }
  // what is no request to the API is not counted
  for (const [path, accept] of [
    ["/health", "*/*"],
    ["/ready", "*/*"],
    ["/graphql", "text/html"],
  ] as const) {
    expect((await plainHttp(new URL(path, service.url), { headers: { accept } })).status).toBe(200);
  }
});

test("the policy is told the first time over a connection, and to whoever is refused", async () => {
  const service = await startService({ RATE_LIMIT_PER_MINUTE: "2", TRUST_PROXY: "true" });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const told: string[] = [];
  for (const address of ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"]) {
    const { status, headers } = await plainHttp(`${service.url}?query={__typename}`, {
      headers: fromAddress(address),
      agent,
    });
    told.push(`${status} ${headers["ratelimit-policy"]}`);
  }
  agent.destroy();
  const policy = '"minute";q=2;w=60';
  expect(told).toEqual([`200 ${policy}`, "200 undefined", `429 ${policy}`, `200 ${policy}`, "200 undefined"]);
});

test("clients are told apart by their subject, or else by an address that they cannot make up", async () => {
  const limit = 2;
  const env = { RATE_LIMIT_PER_MINUTE: `${limit}`, AUTH_JWT_SECRET: SECRET };
  const [direct, behind] = await Promise.all([startService(env), startService({ ...env, TRUST_PROXY: "true" })]);
  const [alice, again, bob] = await Promise.all([
    tokenWith({ sub: "alice" }),
    tokenWith({ sub: "alice", jti: "2" }),
    tokenWith({ sub: "bob" }),
  ]);
  /** How many of twice as many as are allowed are answered, each with other headers. */
  const answered = async (service: Service, ...each: readonly Headers[]) => {
    let count = 0;
    for (let i = 0; i < 2 * limit; i++) if ((await post(service, each[i % each.length])).status !== 429) count++;
    return count;
  };
  expect(await answered(direct, bearer(alice), bearer(again))).toBe(limit);
  expect(await answered(direct, bearer(bob))).toBe(limit);
  expect(await answered(direct, fromAddress("192.0.2.1"), fromAddress("192.0.2.2"))).toBe(limit);
  // those who try out tokens have no subject
  expect(await answered(direct, bearer("a.b.c"))).toBe(0);

  const cases: [name: string, ...each: string[]][] = [
    ["what a client has sent ahead", "192.0.2.1", "198.51.100.7, 192.0.2.1", "1, 2 ,192.0.2.1"],
    ["ports", "192.0.2.2:1", "192.0.2.2:2", "::ffff:192.0.2.2"],
    ["a network of IPv6", "2001:db8:1:2::1", "[2001:db8:1:2:ffff::3]:443", "2001:DB8:1:2:0:0:0:9"],
    ["another one", "2001:db8:1:3::1", "2001:db8:1:3::2"],
    ["a short one", "::1", "0:0:0:0::2"],
    ["no address", "unknown", "_hidden, unknown"],
  ];
  for (const [name, ...addresses] of cases) {
    expect(await answered(behind, ...addresses.map(fromAddress)), name).toBe(limit);
  }
});

test("all processes count together, by Redis; without it each counts by itself, from what it knows", async () => {
  const { url: DATABASE_URL } = await newDatabase();
  const redis = await startRedis();
  const limit = 300;
  // on a busy machine an answer that is late is not to be taken for none
  const env = { DATABASE_URL, REDIS_URL: redis.url, REDIS_TIMEOUT_MS: "5000", RATE_LIMIT_PER_MINUTE: `${limit}` };
  const services = [await startService(env), await startService(env)] as const;
  const began = performance.now();
  const burst = async (count: number) => {
    const asked = Array.from({ length: count }, (_, i) => post(services[i % 2] as Service));
    return (await Promise.all(asked)).filter(({ status }) => status === 200).length;
  };
  // most of them are answered out of what a process has taken before
  const keys = async () => redis.client.keys("{books:rate:*");
  let allowed = (await burst(40)) + (await burst(40));
  expect(allowed).toBe(80);
  expect(await keys()).toHaveLength(1);
  // the script alone asks for the time
  const calls = Number(/cmdstat_time:calls=(\d+)/.exec(await redis.client.info("commandstats"))?.[1]);
  allowed += await burst(2 * limit);
  expect(allowed).toBeLessThanOrEqual(limit + backSince(began, limit));
  expect(allowed).toBeGreaterThanOrEqual(limit - limit / 32);
  expect(calls).toBeLessThan(80);
  expect(await redis.client.pttl((await keys())[0] as string)).toBeLessThanOrEqual(60_000);

  await redis.kill();
  const before = performance.now();
  expect(await burst(100)).toBeLessThanOrEqual(2 * backSince(before, limit) + limit / 32);
  // a client that is new to a process has all of what it may
  const fresh = await startService(env);
  let alone = 0;
  for (let i = 0; i < 20; i++) if ((await post(fresh)).status === 200) alone++;
  expect(alone).toBe(20);
});
