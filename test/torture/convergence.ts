import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { byTitle, type GroundTruth } from "./change-log.ts";
import { perform } from "./client.ts";
import type { Cluster } from "./cluster.ts";
import type { History } from "./history.ts";
import type { Violation } from "./violation.ts";

/** A rebuild may be due for half a minute and more after many of them. */
const CONVERGENCE_MS = 120_000;

/** Waits until every process with Redis answers from it. */
export async function awaitConvergence(history: History, { members }: Cluster): Promise<Violation[]> {
  const deadline = history.now + CONVERGENCE_MS;
  const violations: Violation[] = [];
  for (const member of members) {
    if (!member.way) continue;
    for (;;) {
      const point = await perform(history, "observer", member, { kind: "book", title: "any" });
      const list = await perform(history, "observer", member, { kind: "books" });
      const answers = [point.outcome, list.outcome];
      if (answers.every((outcome) => outcome?.kind === "read" && outcome.servedBy === "redis")) break;
      if (history.now > deadline) {
        const rule = "once all is healed, every process answers from Redis again";
        violations.push({ rule, what: `process ${member.name} does not`, operations: [point, list] });
        break;
      }
      await sleep(50);
    }
  }
  return violations;
}

/** Once all is healed, the read model in force holds what the table holds, in the same order, under the same mark. */
export async function checkReadModel(redis: Redis, truth: GroundTruth): Promise<Violation[]> {
  const rule = "once all is healed, the read model equals the table";
  const key = `{books:${truth.readModel}}`;
  const { "": mark, ...rows } = await redis.hgetall(`${key}:rows`);
  const order = await redis.zrange(`${key}:order`, "0", "-1");
  const held = Object.keys(rows)
    .sort(byTitle)
    .map((title) => [title, JSON.parse(rows[title] ?? "null")]);
  const wrong: string[] = [];
  if (mark !== `${truth.revision}:${truth.token}`) wrong.push(`the mark is ${mark}, not ${truth.revision}`);
  if (JSON.stringify(order) !== JSON.stringify(truth.books.map(({ title }) => title))) {
    wrong.push(`the order is ${JSON.stringify(order)}`);
  }
  if (canonical(held) !== canonical(truth.books.map((book) => [book.title, book]))) {
    wrong.push(`the rows are ${canonical(held)}`);
  }
  return wrong.map((what) => ({ rule, what, operations: [], revision: truth.revision }));
}

/** JSON with the keys of each object in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
