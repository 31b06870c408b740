import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { promtool } from "../support/metrics/promtool.ts";
import { samplesAt } from "../support/metrics/samples.ts";
import { plainHttp } from "../support/network/plain-http.ts";
import { freePort } from "../support/network/port.ts";
import { startRedis } from "../support/redis/server.ts";
import { startService } from "../support/service/service.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const textOf = (file: string) => readFileSync(join(ROOT, file), "utf8");

const alerts = textOf("deploy/alerts.yaml");
const alertNames = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
const dashboard: { readonly panels: readonly Panel[] } = JSON.parse(textOf("deploy/grafana.json"));

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

/** What the dashboard asks, as Prometheus is sent it. */
const questions = dashboard.panels.flatMap(({ targets = [] }) =>
  targets.map(({ expr }) =>
    expr.replaceAll("$__rate_interval", "5m").replaceAll("$job", ".*").replaceAll("$instance", ".*"),
  ),
);

/** What Prometheus itself adds. */
const ADDED = ["job", "instance"];

test("the alerts fire when they should, and not of a process that is well", () => {
  expect(promtool("check", "rules", join(ROOT, "deploy/alerts.yaml"))).toContain(`${alertNames.length} rules found`);
  expect(promtool("test", "rules", join(ROOT, "test/deploy/alert-tests.yaml"))).toContain("SUCCESS");
  const firing = [...textOf("test/deploy/alert-tests.yaml").matchAll(/alertname: (\w+)\n.*\n +exp_alerts:\n/g)];
  expect(firing.map(([, name]) => name).sort()).toEqual([...alertNames].sort());
});

test("each alert says what is wrong and where it stands what to do", () => {
  const headings = [...textOf("docs/operate.md").matchAll(/^### (Catalogue\w+)$/gm)].map(([, name]) => name);
  expect(headings).toEqual(alertNames);
  for (const name of alertNames) {
    const [, rule = ""] = new RegExp(`- alert: ${name}\\n([^]*?)(?:\\n\\n|$)`).exec(alerts) ?? [];
    expect(rule, name).toMatch(/summary: "/);
    expect(rule, name).toContain(`runbook: docs/operate.md#${name.toLowerCase()}\n`.trimEnd());
  }
});

test("what the dashboard asks is PromQL", () => {
  const file = join(temporaryDirectory(), "questions.yaml");
  const rules = questions.map((expr, i) => `{ record: "q:${i}", expr: ${JSON.stringify(expr)} }`);
  writeFileSync(file, `groups: [{ name: dashboard, rules: [\n${rules.join(",\n")}\n] }]\n`);
  expect(promtool("check", "rules", file)).toContain(`${questions.length} rules found`);
});

test("the panels have titles and ids of their own, and none lies over another", () => {
  const { panels } = dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(panels.every(({ title, gridPos }) => title && gridPos.x + gridPos.w <= 24)).toBe(true);
});

test("alerts and dashboard name metrics and labels that a service tells of, and the dashboard all of its own", async () => {
  const port = await freePort();
  const redis = await startRedis();
  const service = await startService({ REDIS_URL: redis.url, METRICS_PORT: `${port}` });
  await service.addBook("Dune");
  await service.book("Dune");
  // a label is told once there is something to be told
  await plainHttp(service.url, { method: "POST", body: "x" });
  const samples = await samplesAt(port);
  const labelsOf = new Map<string, Set<string>>([["up", new Set()]]);
  for (const { name, labels } of samples) {
    labelsOf.set(name, new Set([...(labelsOf.get(name) ?? []), ...Object.keys(labels)]));
  }
  // of these there are samples only after something has gone wrong, or with PostgreSQL
  labelsOf.set("catalogue_http_notices_total", new Set(["notice"]));
  labelsOf.set("catalogue_subscriptions_ended_total", new Set(["transport", "reason"]));
  labelsOf.set("catalogue_database_connections", new Set(["pool", "state"]));
  const rules = [...alerts.matchAll(/expr: (?:\|\n((?: {10}.*\n)+)|(.*))/g)].map(
    ([, block, line]) => block ?? line ?? "",
  );
  expect(rules.length).toBe(alertNames.length);
  for (const expr of [...rules, ...questions]) {
    const selectors = [...expr.matchAll(/\b(up|(?:catalogue|nodejs|process)_\w+)(?:\{([^}]*)\})?/g)];
    expect(selectors.length, expr).toBeGreaterThan(0);
    const there = new Set(ADDED);
    for (const [, name = "", matchers = ""] of selectors) {
      expect([...labelsOf.keys()], expr).toContain(name);
      for (const label of labelsOf.get(name) ?? []) there.add(label);
      for (const [, label = ""] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g))
        expect([...there], expr).toContain(label);
    }
    for (const [, list = ""] of expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)) {
      for (const label of list.split(", ")) expect([...there], expr).toContain(label);
    }
  }
  const own = [...labelsOf.keys()].map((name) => name.replace(/_(bucket|sum|count)$/, "")).filter(isOwn);
  expect(own.length).toBeGreaterThan(15);
  for (const name of own)
    expect(
      questions.some((expr) => expr.includes(name)),
      name,
    ).toBe(true);
});

function isOwn(name: string): boolean {
  return name.startsWith("catalogue_");
}
