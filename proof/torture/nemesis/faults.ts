import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TcpProxy } from "../../../test/support/network/proxy.ts";
import type { Random } from "../../clients/random.ts";
import type { Branch } from "../../history/branch.ts";
import type { History } from "../../history/history.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Member } from "../cluster/member.ts";
import { HOST_FAULTS } from "./host-faults.ts";
import { midWrite } from "./mid-write.ts";
import { editMark, editOrder, editRow, spoilRow, takeRowOut } from "./row-faults.ts";
import { demoteAndRefill, misleadToCopy, putAnotherInForce, stopAtWork } from "./timed-faults.ts";
import { trimOldLog } from "./trim-log.ts";

/** A mutation that has been under way for so long is committed, most likely, and waits for its acknowledgement. */
const COMMITTED_MS = 30;

/** What a fault has to do its damage with. All that is random is drawn before, so that the seed gives the schedule. */
export interface Means {
  readonly cluster: Cluster;
  readonly history: History;
  /** A process, with Redis unless the fault holds nothing but a process. */
  readonly member: Member;
  /** Another process with Redis that serves the same database. */
  readonly other: Member;
  /** The process's way to Redis, and those of all others that serve the same database. */
  readonly way: TcpProxy;
  readonly otherWays: readonly TcpProxy[];
  /** How long the fault lasts. */
  readonly ms: number;
  readonly leaseMs: number;
  readonly random: Random;
  /** Older dumps of Redis. */
  readonly dumps: readonly string[];
  /** The newest revision of a branch that the judge has read, and at or before which no key stands that may be sent again. */
  readonly oldestKept: (branch: Branch) => number;
  /** Sends more clients to a process for a while, who write there without a pause and read everywhere else. */
  readonly rush: (member: Member, ms: number) => Promise<void>;
}

export interface FaultKind {
  /** The engine that it is for, if not for both. */
  readonly engine?: "sqlite";
  /** How often it is drawn. */
  readonly weight: number;
  /** What it takes hold of; two faults at a time never hold the same. */
  readonly holds: readonly Holdable[];
  /** Does the damage, waits, and heals it. */
  readonly inflict: (means: Means) => Promise<void>;
}

type Holdable = "log" | "redis" | "process" | "way" | "database way" | "other process" | "other ways";

/** The kinds of faults by their names. */
export const FAULTS: Readonly<Record<string, FaultKind>> = {
  "cut way": {
    weight: 4,
    holds: ["way"],
    inflict: async ({ way, ms }) => {
      way.cut();
      await sleep(ms);
      way.heal();
    },
  },
  "slow way": {
    weight: 4,
    holds: ["way"],
    inflict: async ({ way, ms, random }) => {
      // half of a round trip; Redis has 100 ms to answer
      way.delay(random.pick([5, 20, 45, 60, 200]));
      await sleep(ms);
      way.heal();
    },
  },
  "requests held": { weight: 5, holds: ["way"], inflict: (means) => hold(means, "requests") },
  "replies held": { weight: 5, holds: ["way"], inflict: (means) => hold(means, "replies") },
  "half-open way": {
    weight: 3,
    holds: ["way"],
    inflict: async ({ way, ms }) => {
      way.halfOpen();
      await sleep(ms);
    },
  },
  "way to a copy": { weight: 4, holds: ["way", "redis"], inflict: misleadToCopy },
  "Redis killed": {
    weight: 2,
    holds: ["redis"],
    inflict: async ({ cluster: { redis }, ms }) => {
      await redis.kill();
      rmSync(join(redis.directory, "dump.rdb"), { force: true });
      await sleep(ms);
      await redis.start();
    },
  },
  "Redis restored": {
    weight: 3,
    holds: ["redis"],
    inflict: async ({ cluster: { redis }, ms, random, dumps }) => {
      await redis.kill();
      if (dumps.length > 0) copyFileSync(random.pick(dumps), join(redis.directory, "dump.rdb"));
      await sleep(random.chance(0.5) ? 0 : ms);
      await redis.start();
    },
  },
  "Redis stopped": {
    weight: 4,
    holds: ["redis"],
    inflict: async ({ cluster: { redis }, ms }) => {
      redis.pause();
      await sleep(ms);
      redis.resume();
    },
  },
  "Redis flushed": {
    weight: 2,
    holds: ["redis"],
    inflict: async ({ cluster: { redis } }) => {
      await redis.client.flushall();
    },
  },
  "Redis evicts": {
    weight: 3,
    holds: ["redis"],
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
    holds: ["redis"],
    inflict: async ({ cluster: { redis }, random }) => {
      const keys = await redis.client.keys(random.chance(0.5) ? "*:rows" : "*:order");
      if (keys.length > 0) await redis.client.unlink(...keys);
    },
  },
  "Redis read-only": {
    weight: 2,
    holds: ["redis"],
    inflict: async ({ cluster: { redis }, ms }) => {
      await redis.client.replicaof("127.0.0.1", 1);
      await sleep(ms);
      await redis.client.replicaof("NO", "ONE");
    },
  },
  "process killed": {
    weight: 3,
    holds: ["process"],
    inflict: async ({ member, ms, random }) => {
      await midWrite(member, random.between(0, 10));
      const { restart } = member.kill();
      await sleep(ms / 4);
      await restart();
    },
  },
  /** It has committed and can neither refresh nor acknowledge; what it sent to Redis may arrive after its death. */
  "process killed before refresh": {
    weight: 3,
    holds: ["process", "way"],
    inflict: async ({ member, way, ms, random }) => {
      way.hold("requests");
      await midWrite(member, COMMITTED_MS);
      const { restart } = member.kill();
      await sleep(ms / 4);
      if (random.chance(0.5)) way.cut();
      way.heal();
      await restart();
    },
  },
  "process stopped": {
    weight: 3,
    holds: ["process"],
    inflict: async ({ member, ms }) => {
      const resume = member.stop();
      await sleep(ms);
      resume();
    },
  },
  /** Nobody brings Redis up to date meanwhile, so that it is as old as what the process knew when it fell asleep. */
  "process stopped, Redis behind": {
    weight: 4,
    holds: ["process", "way", "other ways"],
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
  "process stopped at work, Redis behind": {
    weight: 12,
    holds: ["process", "way", "other ways"],
    inflict: stopAtWork,
  },
  "database replies held": {
    weight: 4,
    holds: ["database way"],
    inflict: async ({ member, leaseMs, random }) => {
      member.databaseWay?.hold("replies");
      await sleep(leaseMs * 2 * random.fraction());
      member.databaseWay?.heal();
    },
  },
  "another Redis in force": {
    weight: 14,
    holds: ["process", "redis", "way", "other ways", "other process"],
    inflict: putAnotherInForce,
  },
  "Redis demoted and refilled": {
    weight: 14,
    holds: ["process", "redis", "way", "other ways", "other process"],
    inflict: demoteAndRefill,
  },
  "log trimmed": { weight: 8, holds: ["log"], inflict: trimOldLog },
  "garbage row": { weight: 6, holds: ["process", "redis", "way"], inflict: spoilRow },
  "mark edited": { weight: 4, holds: ["redis"], inflict: editMark },
  "row taken out": { weight: 4, holds: ["redis"], inflict: takeRowOut },
  "row edited": { weight: 4, holds: ["redis"], inflict: editRow },
  "order edited": { weight: 4, holds: ["redis"], inflict: editOrder },
  ...HOST_FAULTS,
};

/** Holds a direction; at the end what was held arrives late, or never. */
async function hold({ way, ms, random }: Means, direction: "requests" | "replies"): Promise<void> {
  way.hold(direction);
  await sleep(ms);
  if (random.chance(0.5)) way.cut();
  way.heal();
}
