import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TcpProxy } from "../../../test/support/network/proxy.ts";
import { startRedis } from "../../../test/support/redis/server.ts";
import { answersFromRedis, perform } from "../../clients/client.ts";
import type { History } from "../../history/history.ts";
import type { Member } from "../cluster/member.ts";
import type { Means } from "./faults.ts";

/** How long a step of a fault may take before the fault goes on without it. Milliseconds. */
const STEP_MS = 2000;
/** A process whose connection was ended has made a new one, and knows the server, in this time. Milliseconds. */
const RECONNECTED_MS = 75;
/** Requests that are under way come to their end in this time, unless something is wrong. Milliseconds. */
const QUIET_MS = 100;
/** How often a process is stopped at work in one fault: most stops come a little too early or too late. */
const STOPS = 3;
/** After this time of writes a new process is as quick as it gets. Milliseconds. */
const WARM_MS = 1000;
/** Reads of a process that may be wrong for a moment; none waits for the one before it. */
const LOOKS = { count: 10, everyMs: 8 };

/** As after a failover that only one process has noticed: it is led to another server with the same data. */
export async function misleadToCopy({ cluster: { redis }, way, ms, random }: Means): Promise<void> {
  const copy = await startRedis();
  await copy.kill();
  await redis.client.save();
  copyFileSync(join(redis.directory, "dump.rdb"), join(copy.directory, "dump.rdb"));
  await copy.start();
  // where the open connection stays, only the second one of a rebuild leads elsewhere
  if (random.chance(0.7)) lead(way, copy.port);
  else way.lead(copy.port);
  // twice: it takes the process a while to give the other server up and to put this one in force
  await sleep(2 * ms);
  way.lead(redis.port);
  await copy.kill();
}

/**
 * One process is led to another server and puts a read model there in force, while the one that the others read is
 * sound and up to date. From then on, writes through the one and reads through the others follow close on each other.
 */
export async function putAnotherInForce(means: Means): Promise<void> {
  const { cluster, history, member, other, way, ms, leaseMs, random, rush } = means;
  const server = await startRedis();
  // a process that has rebuilt often waits long before it does so again
  await member.kill().restart();
  // and one that has just started is slow
  await rush(member, WARM_MS);
  // its writes would leave behind what the others read
  member.idle = true;
  lead(way, server.port);
  await soon(() => answersFromRedis(history, member));
  const disturbance = random.pick(["none", "stopped", "database held"]);
  const resume = disturbance === "stopped" ? other.stop() : undefined;
  if (disturbance === "database held") other.databaseWay?.hold("replies");
  member.idle = false;
  const rushing = rush(member, 2 * leaseMs);
  await sleep(leaseMs * (0.3 + 1.2 * random.fraction()));
  resume?.();
  other.databaseWay?.heal();
  await rushing;
  await sleep(ms);
  lead(way, cluster.redis.port);
  await server.kill();
}

/**
 * A master becomes a replica of a server that is a moment older, as the sentinels do it: it ends all connections and
 * takes over the older data, within one run. A process that has heard of no write since then connects to it again.
 */
export async function demoteAndRefill(means: Means): Promise<void> {
  const { cluster, history, member, other, ms, leaseMs, random, rush } = means;
  const { redis } = cluster;
  // the copy is to be made within a few milliseconds
  const older = await startRedis("--hz", "500", "--repl-diskless-sync", "no");
  await older.client.replicaof("127.0.0.1", redis.port);
  await soon(async () => (await older.client.info("replication")).includes("master_link_status:up"));
  other.idle = true;
  const rushing = rush(member, 2 * leaseMs);
  await sleep(random.between(30, 100));
  const held = random.chance(0.7) ? other.databaseWay : undefined;
  held?.hold("replies");
  await older.client.replicaof("NO", "ONE");
  await acknowledged(history, member, leaseMs / 2);
  await redis.client
    .multi([
      ["replicaof", "127.0.0.1", older.port],
      ["client", "kill", "type", "normal", "skipme", "yes"],
    ])
    .exec();
  await Promise.all([
    sleep(RECONNECTED_MS),
    soon(async () => (await redis.client.info("replication")).includes("master_link_status:up")),
  ]);
  const looked = lookAt(means, other);
  await sleep(LOOKS.count * LOOKS.everyMs);
  held?.heal();
  other.idle = false;
  await Promise.all([looked, rushing]);
  await redis.client.replicaof("NO", "ONE");
  await sleep(ms / 2);
  await older.kill();
}

/**
 * A process stops that has just looked the row up and has yet to see what has arrived meanwhile: when it goes on, its
 * first act is to answer. Redis stays at what it knows, and a write is acknowledged that it has not heard of.
 */
export async function stopAtWork(means: Means): Promise<void> {
  const { history, member, otherWays, leaseMs, random } = means;
  for (let turn = 0; turn < STOPS; turn++) {
    // what is under way anywhere comes to its end, and Redis is as new as what the process will look up
    for (const one of member.installation.members) one.idle = true;
    await sleep(QUIET_MS);
    await soon(() => answersFromRedis(history, member));
    const resume = member.stopAtWork(random);
    for (const way of otherWays) way.cut();
    for (const one of member.installation.members) one.idle = one === member;
    await acknowledged(history, member, 4 * leaseMs);
    const looked = lookAt(means, member);
    await sleep(LOOKS.count * LOOKS.everyMs);
    resume();
    member.idle = false;
    await looked;
    for (const way of otherWays) way.heal();
    await sleep(random.between(200, 500));
  }
}

async function lookAt({ history }: Means, member: Member): Promise<void> {
  const looks: Promise<unknown>[] = [];
  for (let look = 0; look < LOOKS.count; look++) {
    looks.push(perform(history, "observer", member, { kind: "books" }));
    await sleep(LOOKS.everyMs);
  }
  await Promise.all(looks);
}

/** Leads all connections to another port: those that are open end. */
function lead(way: TcpProxy, port: number): void {
  way.lead(port);
  way.cut();
  way.heal();
}

/** Waits until `condition` holds; not for ever, for a fault need not succeed. */
async function soon(condition: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + STEP_MS; performance.now() < end; await sleep(2)) {
    if (await condition().catch(() => false)) return;
  }
}

/** Waits until a mutation of the process's database is acknowledged that was not yet asked for. */
async function acknowledged(history: History, { branch }: Member, ms: number): Promise<void> {
  const first = history.nextId;
  let isOne = false;
  const stop = history.onCompletion((operation) => {
    isOne ||= operation.id >= first && operation.branch === branch.name && operation.outcome?.kind === "acknowledged";
  });
  for (const end = performance.now() + ms; !isOne && performance.now() < end; ) await sleep(1);
  stop();
}
