import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryDirectory } from "../support/cleanup.ts";
import type { TcpProxy } from "../support/proxy.ts";
import { startRedis } from "../support/redis.ts";
import type { Cluster, Member } from "./cluster.ts";
import type { History } from "./history.ts";
import type { Random } from "./random.ts";

/** After faults, Redis is given this long to answer reads again before the next ones. Milliseconds. */
const RECOVERY_MS = 6000;
/** A mutation that has been under way for so long is committed, most likely, and waits for its acknowledgement. */
const COMMITTED_MS = 30;

/** What a fault has to do its damage with. All that is random is drawn before, so that the seed gives the schedule. */
interface Means {
  readonly cluster: Cluster;
  /** A process with Redis. */
  readonly member: Member;
  readonly way: TcpProxy;
  /** The ways of all other processes. */
  readonly otherWays: readonly TcpProxy[];
  /** How long the fault lasts. */
  readonly ms: number;
  readonly random: Random;
  /** Older dumps of Redis. */
  readonly dumps: readonly string[];
}

interface FaultKind {
  /** How often it is drawn. */
  readonly weight: number;
  /** What it takes hold of; two faults at a time never hold the same. */
  readonly holds: "way" | "redis" | "way and redis" | "process" | "process and way" | "process and all ways";
  /** Does the damage, waits, and heals it. */
  readonly inflict: (means: Means) => Promise<void>;
}

const FAULTS: Readonly<Record<string, FaultKind>> = {
  "cut way": {
    weight: 4,
    holds: "way",
    inflict: async ({ way, ms }) => {
      way.cut();
      await sleep(ms);
      way.heal();
    },
  },
  "slow way": {
    weight: 4,
    holds: "way",
    inflict: async ({ way, ms, random }) => {
      // half of a round trip; Redis has 100 ms to answer
      way.delay(random.pick([5, 20, 45, 60, 200]));
      await sleep(ms);
      way.heal();
    },
  },
  "requests held": { weight: 5, holds: "way", inflict: (means) => hold(means, "requests") },
  "replies held": { weight: 5, holds: "way", inflict: (means) => hold(means, "replies") },
  "half-open way": {
    weight: 3,
    holds: "way",
    inflict: async ({ way, ms }) => {
      way.halfOpen();
      await sleep(ms);
    },
  },
  "way to a copy": { weight: 4, holds: "way and redis", inflict: misleadToCopy },
  "Redis killed": {
    weight: 2,
    holds: "redis",
    inflict: async ({ cluster: { redis }, ms }) => {
      await redis.kill();
      rmSync(join(redis.directory, "dump.rdb"), { force: true });
      await sleep(ms);
      await redis.start();
    },
  },
  "Redis restored": {
    weight: 3,
    holds: "redis",
    inflict: async ({ cluster: { redis }, ms, random, dumps }) => {
      await redis.kill();
      if (dumps.length > 0) copyFileSync(random.pick(dumps), join(redis.directory, "dump.rdb"));
      await sleep(random.chance(0.5) ? 0 : ms);
      await redis.start();
    },
  },
  "Redis stopped": {
    weight: 4,
    holds: "redis",
    inflict: async ({ cluster: { redis }, ms }) => {
      redis.pause();
      await sleep(ms);
      redis.resume();
    },
  },
  "Redis flushed": {
    weight: 2,
    holds: "redis",
    inflict: async ({ cluster: { redis } }) => {
      await redis.client.flushall();
    },
  },
  "Redis evicts": {
    weight: 3,
    holds: "redis",
    inflict: async ({ cluster: { redis }, ms, random }) => {
      const used = Number(/used_memory:(\d+)/.exec(await redis.client.info("memory"))?.[1]);
      // a little below what is used, one key goes; far below, all do and every write is refused
      await redis.client.config("SET", "maxmemory", String(random.chance(0.6) ? used - 2000 : 1));
      await sleep(ms);
      await redis.client.config("SET", "maxmemory", "0");
    },
  },
  "Redis loses a key": {
    weight: 2,
    holds: "redis",
    inflict: async ({ cluster: { redis }, random }) => {
      const keys = await redis.client.keys(random.chance(0.5) ? "*:rows" : "*:order");
      if (keys.length > 0) await redis.client.unlink(...keys);
    },
  },
  "Redis read-only": {
    weight: 2,
    holds: "redis",
    inflict: async ({ cluster: { redis }, ms }) => {
      await redis.client.replicaof("127.0.0.1", 1);
      await sleep(ms);
      await redis.client.replicaof("NO", "ONE");
    },
  },
  "process killed": {
    weight: 3,
    holds: "process",
    inflict: async ({ member, ms, random }) => {
      await midWrite(member, random.between(0, 10));
      const restart = member.kill();
      await sleep(ms / 4);
      await restart();
    },
  },
  /** It has committed and can neither refresh nor acknowledge; what it sent to Redis may arrive after its death. */
  "process killed before refresh": {
    weight: 3,
    holds: "process and way",
    inflict: async ({ member, way, ms, random }) => {
      way.hold("requests");
      await midWrite(member, COMMITTED_MS);
      const restart = member.kill();
      await sleep(ms / 4);
      if (random.chance(0.5)) way.cut();
      way.heal();
      await restart();
    },
  },
  "process stopped": {
    weight: 3,
    holds: "process",
    inflict: async ({ member, ms }) => {
      const resume = member.stop();
      await sleep(ms);
      resume();
    },
  },
  /** Nobody brings Redis up to date meanwhile, so that it is as old as what the process knew when it fell asleep. */
  "process stopped, Redis behind": {
    weight: 4,
    holds: "process and all ways",
    inflict: async ({ member, ms, otherWays, random }) => {
      for (const way of otherWays) {
        if (random.chance(0.5)) way.cut();
        else way.hold("requests");
      }
      // no write was yet under way that the process could have locked the row for
      await sleep(random.between(0, 60));
      const resume = member.stop();
      await sleep(ms);
      resume();
      await sleep(150);
      for (const way of otherWays) way.heal();
    },
  },
};

const WEIGHTS = Object.fromEntries(Object.entries(FAULTS).map(([kind, { weight }]) => [kind, weight]));

/** Does damage to Redis, the ways to it and the processes, and heals it, until it is stopped. */
export class Nemesis {
  readonly #history: History;
  readonly #cluster: Cluster;
  readonly #random: Random;
  readonly #dumps: string[] = [];
  readonly #dumpsDirectory = temporaryDirectory();
  #running = true;
  #faults: Promise<void> | undefined;

  constructor(history: History, cluster: Cluster, random: Random) {
    this.#history = history;
    this.#cluster = cluster;
    this.#random = random;
  }

  /** What is wrong just now, for people. */
  get now(): string {
    const current = this.#history.faults.filter(({ to }) => to === Number.POSITIVE_INFINITY);
    return current.map(({ kind, target }) => `${kind} (${target})`).join(", ") || "all is well";
  }

  /** The returned promise is rejected when a fault could not be inflicted or healed. */
  start(): Promise<void> {
    this.#faults = this.#run();
    return this.#faults;
  }

  /** Returns when everything is healed. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#faults;
  }

  async #run(): Promise<void> {
    while (this.#running) {
      await sleep(this.#random.between(100, 1000));
      if (this.#random.chance(0.5)) await this.#dump();
      await Promise.all(this.#draw().map((inflict) => inflict()));
      await this.#recovery();
    }
  }

  /** One to three faults that do not take hold of the same things. */
  #draw(): (() => Promise<void>)[] {
    const random = this.#random;
    const drawn: (() => Promise<void>)[] = [];
    const held = new Set<string>();
    for (let left = random.pick([1, 1, 1, 1, 2, 2, 3]); left > 0; left--) {
      const kind = random.weighted(WEIGHTS);
      const fault = FAULTS[kind] as FaultKind;
      const { members } = this.#cluster;
      // those without Redis have no way to it, but they can be killed and stopped
      const candidates = fault.holds === "process" ? members : members.filter(({ way }) => way);
      const member = random.pick(candidates);
      const delay = random.between(0, 300);
      const ms = random.between(200, 2000);
      const own = random.fork();
      const holds = heldBy(fault, member, members);
      if (holds.some((what) => held.has(what))) continue;
      for (const what of holds) held.add(what);
      const target = fault.holds === "redis" ? "Redis" : member.name;
      drawn.push(async () => {
        await sleep(delay);
        await this.#inflict(kind, target, fault, { member, ms, random: own });
      });
    }
    return drawn;
  }

  async #inflict(kind: string, target: string, fault: FaultKind, means: Pick<Means, "member" | "ms" | "random">) {
    const { members } = this.#cluster;
    const way = means.member.way as TcpProxy;
    const otherWays = members.flatMap((other) => (other.way && other !== means.member ? [other.way] : []));
    const record = this.#history.begin(kind, target);
    await fault.inflict({ ...means, way, otherWays, cluster: this.#cluster, dumps: this.#dumps });
    record.to = this.#history.now;
  }

  /** Keeps what Redis holds now, for a later restore. */
  async #dump(): Promise<void> {
    const { redis } = this.#cluster;
    const file = join(this.#dumpsDirectory, `${this.#dumps.length}.rdb`);
    await redis.client.save();
    copyFileSync(join(redis.directory, "dump.rdb"), file);
    this.#dumps.push(file);
  }

  /** Waits until a process answers from Redis, for a while: faults on top of a Redis that nobody reads prove little. */
  async #recovery(): Promise<void> {
    const { operations, now } = this.#history;
    const first = operations.length;
    while (this.#running && this.#history.now < now + RECOVERY_MS) {
      for (let index = first; index < operations.length; index++) {
        const outcome = operations[index]?.outcome;
        if (outcome?.kind === "read" && outcome.servedBy === "redis") return;
      }
      await sleep(50);
    }
  }
}

function heldBy({ holds }: FaultKind, { name }: Member, members: readonly Member[]): string[] {
  const ways = members.map((member) => `way ${member.name}`);
  return {
    way: [`way ${name}`],
    redis: ["redis"],
    "way and redis": [`way ${name}`, "redis"],
    process: [`process ${name}`],
    "process and way": [`process ${name}`, `way ${name}`],
    "process and all ways": [`process ${name}`, ...ways],
  }[holds];
}

/** Holds a direction; at the end what was held arrives late, or never. */
async function hold({ way, ms, random }: Means, direction: "requests" | "replies"): Promise<void> {
  way.hold(direction);
  await sleep(ms);
  if (random.chance(0.5)) way.cut();
  way.heal();
}

/** Waits until the process has been at work on a mutation for `ms`; not for ever, for it may get none. */
async function midWrite({ mutating }: Member, ms: number): Promise<void> {
  const deadline = performance.now() + 2000;
  let seen: { readonly mutation: object; readonly since: number } | undefined;
  while (performance.now() < deadline) {
    const [mutation] = mutating.keys();
    if (!mutation) seen = undefined;
    else if (seen?.mutation !== mutation) seen = { mutation, since: performance.now() };
    if (seen && performance.now() >= seen.since + ms) return;
    await sleep(1);
  }
}

/** As after a failover that only one process has noticed: it is led to another server with the same data. */
async function misleadToCopy({ cluster: { redis }, way, ms }: Means): Promise<void> {
  const copy = await startRedis();
  await copy.kill();
  await redis.client.save();
  copyFileSync(join(redis.directory, "dump.rdb"), join(copy.directory, "dump.rdb"));
  await copy.start();
  way.lead(copy.port);
  // twice: it takes the process a while to give the other server up and to put this one in force
  await sleep(2 * ms);
  way.lead(redis.port);
  await copy.kill();
}
