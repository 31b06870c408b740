import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { newDatabase } from "../support/database/database.ts";
import { plainHttp } from "../support/network/plain-http.ts";
import { freePort } from "../support/network/port.ts";
import { openConnection } from "../support/network/raw-connection.ts";
import { startRedis } from "../support/redis/server.ts";
import { startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

/** The samples of an exposition, by name and labels. */
async function metricsAt(port: number): Promise<Record<string, number>> {
  const { status, headers, bytes } = await plainHttp(`http://127.0.0.1:${port}/metrics`);
  expect([status, headers["content-type"]]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
  const lines = bytes.toString().split("\n");
  return Object.fromEntries(
    lines
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("metrics tell what became of requests, and how the stores are; over a port of their own", async () => {
  const METRICS_PORT = String(await freePort());
  const port = Number(METRICS_PORT);
  const redis = await startRedis();
  const { url: DATABASE_URL } = await newDatabase();
  const service = await startService({ DATABASE_URL, REDIS_URL: redis.url, METRICS_PORT });
  const samples = () => metricsAt(port);
  const of = (found: Record<string, number>, name: string) => found[`catalogue_${name}`] ?? 0;

  await service.addBook("Dune");
  await eventually("Redis answers", async () => (await service.book("Dune")).consistency.servedBy === "redis");
  const before = await samples();
  for (let again = 0; again < 3; again++) await service.book("Dune");
  await service.sendInvalid("{ nothing }");
  await service.sendInvalid("{");
  await service.deleteBook("None");
  await service.addBook("Emma");
  await service.send("{ booksConnection(first: 501) { totalCount } }");
  await plainHttp(service.url, { method: "POST", body: "x" });
  const garbage = await openConnection(service.url);
  await garbage.send("GARBAGE\r\n\r\n");
  expect((await garbage.response()).status).toBe(400);
  const after = await samples();
  const rise = (name: string) => of(after, name) - of(before, name);
  expect(rise('requests_total{kind="query",outcome="OK"}')).toBe(3);
  expect(rise('requests_total{kind="mutation",outcome="OK"}')).toBe(2);
  expect(rise('requests_total{kind="query",outcome="BAD_USER_INPUT"}')).toBe(1);
  expect(rise('requests_total{kind="none",outcome="GRAPHQL_VALIDATION_FAILED"}')).toBe(1);
  expect(rise('requests_total{kind="none",outcome="GRAPHQL_PARSE_FAILED"}')).toBe(1);
  expect(rise('request_seconds_count{kind="query",lane="again"}')).toBeGreaterThanOrEqual(2);
  expect(rise('reads_again_total{stream="books",served_by="redis"}')).toBeGreaterThanOrEqual(2);
  expect(rise('http_refusals_total{code="BAD_REQUEST"}')).toBe(2);
  expect(rise('commits_total{stream="books"}')).toBe(2);
  expect(rise('commands_total{stream="books"}')).toBe(2);
  // of the one that changed something
  const acknowledged = ["refresh", "lease"].map((after) =>
    rise(`acknowledgements_total{stream="books",after="${after}"}`),
  );
  expect(acknowledged.toSorted()).toEqual([0, 1]);
  expect(of(after, 'revision{stream="books"}')).toBe(2);
  const lag = async () => (await samples())['catalogue_read_model_lag_revisions{stream="books"}'];
  await eventually("the read model is not behind", async () => (await lag()) === 0);
  expect(of(after, 'reads_total{stream="books",served_by="redis"}')).toBeGreaterThan(0);
  expect(of(after, 'rebuilds_total{stream="books"}')).toBeGreaterThanOrEqual(1);
  expect(of(after, "redis_up")).toBe(1);
  expect(after.catalogue_http_connections).toBeGreaterThan(0);
  expect(Object.keys(after)).toEqual(
    expect.arrayContaining(["nodejs_eventloop_lag_seconds", "process_cpu_seconds_total"]),
  );

  await redis.kill();
  await eventually(
    "the database answers",
    async () => (await service.book("Dune")).consistency.servedBy === "database",
  );
  const without = await samples();
  expect(of(without, "redis_up")).toBe(0);
  const fallbacks = Object.entries(without).filter(([name]) => name.startsWith("catalogue_read_fallbacks_total"));
  expect(fallbacks.reduce((sum, [, times]) => sum + times, 0)).toBeGreaterThan(0);

  // no name that a client has chosen is a label, and the port tells nothing else
  expect(JSON.stringify(Object.keys(without))).not.toMatch(/Dune|None|nothing/);
  const statuses = [];
  for (const [method, path] of [
    ["GET", "/graphql"],
    ["POST", "/metrics"],
    ["HEAD", "/metrics"],
  ] as const) {
    statuses.push((await plainHttp(`http://127.0.0.1:${port}${path}`, { method })).status);
  }
  expect(statuses).toEqual([404, 405, 200]);
  expect((await plainHttp(new URL("/metrics", service.url))).status).toBe(404);

  // it is this machine's alone, whose browsers are led there by other names
  await expect(plainHttp(`http://127.0.0.2:${port}/metrics`)).rejects.toThrow("ECONNREFUSED");
  for (const [host, status] of [
    ["localhost", 200],
    ["evil.example", 421],
  ] as const) {
    expect((await plainHttp(`http://127.0.0.1:${port}/metrics`, { headers: { host } })).status).toBe(status);
  }

  // whoever would listen there as well is told which setting is to be another
  const other = startService({ METRICS_PORT });
  await expect(other).rejects.toThrow(/^METRICS_PORT, METRICS_HOST: cannot listen on 127\.0\.0\.1:\d+: .*in use/);
});

test("each metric stands in docs/operate.md, and no other", async () => {
  const METRICS_PORT = String(await freePort());
  const { bytes } = await startService({ METRICS_PORT }).then(() =>
    plainHttp(`http://127.0.0.1:${METRICS_PORT}/metrics`),
  );
  const named = [...bytes.toString().matchAll(/^# TYPE (catalogue_\w+) /gm)].map(([, name]) => name);
  const text = readFileSync(new URL("../../docs/operate.md", import.meta.url), "utf8");
  expect([...text.matchAll(/^\| `(catalogue_\w+)`/gm)].map(([, name]) => name).sort()).toEqual(named.sort());
});
