import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { RedisServer } from "../../../test/support/redis/server.ts";
import { operate } from "../../../test/support/service/operate.ts";
import { byTitle, memberOf } from "../../checker/title-order.ts";
import type { Violation } from "../../checker/violation.ts";
import { perform } from "../../clients/client.ts";
import type { History } from "../../history/history.ts";
import type { Operation, Request } from "../../history/operation.ts";
import type { Installation } from "./installation.ts";
import type { Member } from "./member.ts";

/** A rebuild may be due for half a minute and more after many of them. */
const CONVERGENCE_MS = 120_000;

/** Waits until every process with Redis answers from it. */
export async function awaitConvergence(history: History, members: readonly Member[]): Promise<Violation[]> {
  const deadline = history.now + CONVERGENCE_MS;
  const violations: Violation[] = [];
  for (const member of members) {
    if (!member.way) continue;
    violations.push(
      ...(await awaitRedis(history, member, [{ kind: "book", title: "any" }, { kind: "books" }], deadline)),
    );
  }
  return violations;
}

/** Waits until a process answers lists from Redis. */
export async function awaitLists(history: History, member: Member): Promise<Violation[]> {
  return awaitRedis(history, member, [{ kind: "books" }], history.now + CONVERGENCE_MS);
}

async function awaitRedis(
  history: History,
  member: Member,
  requests: readonly Request[],
  deadline: number,
): Promise<Violation[]> {
  for (;;) {
    const operations: Operation[] = [];
    for (const request of requests) operations.push(await perform(history, "observer", member, request));
    const answers = operations.map(({ outcome }) => outcome);
    if (answers.every((outcome) => outcome?.kind === "read" && outcome.servedBy === "redis")) return [];
    if (history.now > deadline) {
      const rule = "once all is healed, every process answers from Redis again";
      return [{ rule, what: `process ${member.name} does not`, operations }];
    }
    await sleep(50);
  }
}

/** Once all is healed, the read model in force holds what the table holds, in the same order, under the same mark. */
export async function checkReadModel(redis: Redis, installation: Installation): Promise<Violation[]> {
  const { name, truth } = installation.branch;
  if (!truth) return [];
  const rule = "once all is healed, the read model equals the table";
  const keys = installation.keysOf(truth.readModel);
  const { "": mark, ...rows } = await redis.hgetall(keys.rows);
  const order = await redis.zrange(keys.order, "0", "-1");
  const held = Object.keys(rows)
    .sort(byTitle)
    .map((title) => [title, parsed(rows[title])]);
  const wrong: string[] = [];
  if (mark !== `${truth.revision}:${truth.token}`) wrong.push(`the mark is ${mark}, not ${truth.revision}`);
  if (JSON.stringify(order) !== JSON.stringify(truth.books.map(({ title }) => memberOf(title)))) {
    wrong.push(`the order is ${JSON.stringify(order)}`);
  }
  if (canonical(held) !== canonical(truth.books.map((book) => [book.title, book]))) {
    wrong.push(`the rows are ${canonical(held)}`);
  }
  return wrong.map((what) => ({ rule, what: `${name}: ${what}`, operations: [], revision: truth.revision }));
}

/** Once all is healed, `npm run doctor` finds nothing wrong: in table, log, index of words and read model. */
export async function examine(redis: RedisServer, { name, database, prefix }: Installation): Promise<Violation[]> {
  const env = { DATABASE_URL: database.url, REDIS_URL: `${redis.url}?prefix=${prefix}` };
  const { code, stdout, stderr } = await operate("doctor", env);
  if (code === 0) return [];
  return [
    { rule: "once all is healed, the doctor finds nothing", what: `${name}: ${stdout}${stderr}`, operations: [] },
  ];
}

function parsed(json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? "null");
  } catch {
    return json;
  }
}

/** JSON with the keys of each object in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
