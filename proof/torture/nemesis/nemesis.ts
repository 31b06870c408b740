import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TcpProxy } from "../../../test/support/network/proxy.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import type { Random } from "../../clients/random.ts";
import type { Workload } from "../../clients/workload.ts";
import type { History } from "../../history/history.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Member } from "../cluster/member.ts";
import { Copies } from "./copies.ts";
import { FAULTS, type FaultKind, type Means } from "./faults.ts";
import { restoreDatabase } from "./restore.ts";

/** After faults, Redis is given this long to answer reads again before the next ones. Milliseconds. */
const RECOVERY_MS = 6000;
/** Dumps of Redis that are kept, of all ages. */
const MOST_DUMPS = 100;
/** From one restore of the database to the next: every process starts twice for it. Milliseconds. */
const RESTORE_EVERY_MS = { least: 15_000, most: 40_000 };

/** Faults that are not drawn: each has a time of its own. */
const COPY = "copy";
const RESTORE = "database restored";

/** Faults that come only when they are asked for: a mark that no history has is shown for as long as one look-up. */
const ON_REQUEST: readonly string[] = ["mark edited"];

/** The names of all kinds of faults, and of those that are inflicted unless others are asked for. */
export const FAULT_NAMES: readonly string[] = [...Object.keys(FAULTS), RESTORE, COPY];
export const DEFAULT_FAULT_NAMES = FAULT_NAMES.filter((name) => !ON_REQUEST.includes(name));

export interface NemesisOptions {
  /** The names of the kinds of faults that are inflicted. */
  readonly faults: readonly string[];
  readonly leaseMs: number;
  readonly apart: boolean;
}

/** Does damage to Redis, the ways to it and the processes, and heals it, until it is stopped. */
export class Nemesis {
  readonly #history: History;
  readonly #cluster: Cluster;
  readonly #workload: Workload;
  readonly #options: NemesisOptions;
  readonly #weights: Readonly<Record<string, number>>;
  readonly #random: Random;
  readonly #copies: Copies;
  readonly #dumps: string[] = [];
  readonly #dumpsDirectory = temporaryDirectory();
  #running = true;
  #faults: Promise<void> | undefined;

  constructor(history: History, cluster: Cluster, workload: Workload, options: NemesisOptions, random: Random) {
    this.#history = history;
    this.#cluster = cluster;
    this.#workload = workload;
    this.#options = options;
    const { url } = cluster.original.database;
    const drawn = Object.entries(FAULTS).filter(
      ([kind, { engine }]) => options.faults.includes(kind) && (!engine || url.startsWith(engine)),
    );
    this.#weights = Object.fromEntries(drawn.map(([kind, { weight }]) => [kind, weight]));
    this.#random = random;
    this.#copies = new Copies(history, cluster, options, random.fork());
  }

  /** What the processes of copies that have ended logged, by their names. */
  get logs(): ReadonlyMap<string, string> {
    return this.#copies.logs;
  }

  /** What is wrong just now, for people. */
  get now(): string {
    return this.#history.tally.current.map(({ kind, target }) => `${kind} (${target})`).join(", ") || "all is well";
  }

  /** The returned promise is rejected when a fault could not be inflicted or healed. */
  start(): Promise<void> {
    const copies = this.#options.faults.includes(COPY) ? this.#copies.alternate(() => this.#running) : undefined;
    this.#faults = Promise.all([this.#run(), copies]).then(() => {});
    return this.#faults;
  }

  /** Returns when everything is healed. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#faults;
  }

  async #run(): Promise<void> {
    const { faults } = this.#options;
    const untilRestore = () => this.#history.now + this.#random.between(RESTORE_EVERY_MS.least, RESTORE_EVERY_MS.most);
    for (let restoreAt = untilRestore(); this.#running; ) {
      await sleep(this.#random.between(100, 1000));
      if (this.#random.chance(0.5)) await this.#dump();
      // copies are made, and begin to differ, in the middle of whatever goes on
      const copying = faults.includes(COPY) ? this.#copies.part().then(() => this.#copies.make()) : undefined;
      await Promise.all([copying, ...this.#draw().map((inflict) => inflict())]);
      await this.#recovery();
      await this.#copies.endDue();
      if (!this.#running || !faults.includes(RESTORE) || this.#history.now < restoreAt) continue;
      await this.#restore();
      await this.#recovery();
      restoreAt = untilRestore();
    }
  }

  /** One to three faults that do not take hold of the same things. */
  #draw(): (() => Promise<void>)[] {
    const random = this.#random;
    const drawn: (() => Promise<void>)[] = [];
    if (Object.keys(this.#weights).length === 0) return drawn;
    const held = new Set<string>();
    for (let left = random.pick([1, 1, 1, 1, 2, 2, 3]); left > 0; left--) {
      const kind = random.weighted(this.#weights);
      const fault = FAULTS[kind] as FaultKind;
      const { members } = this.#cluster;
      // those without Redis have no way to it, but they can be killed and stopped
      const candidates = fault.holds.includes("way") ? members.filter(({ way }) => way) : members;
      const member = random.pick(candidates);
      const others = member.others.filter(({ way }) => way);
      const other = others.length > 0 ? random.pick(others) : member;
      const delay = random.between(0, 300);
      const ms = random.between(200, 2000);
      const own = random.fork();
      const holds = heldBy(fault, member);
      if (holds.some((what) => held.has(what))) continue;
      if (fault.holds.includes("other process") && other === member) continue;
      for (const what of holds) held.add(what);
      const target = holds.every((what) => what === "redis") ? "Redis" : member.name;
      drawn.push(async () => {
        await sleep(delay);
        await this.#inflict(kind, target, fault, { member, other, ms, random: own });
      });
    }
    return drawn;
  }

  async #inflict(kind: string, target: string, fault: FaultKind, drawn: Drawn): Promise<void> {
    const { member, random } = drawn;
    const way = member.way as TcpProxy;
    const otherWays = member.others.flatMap((other) => other.way ?? []);
    const record = this.#history.begin(kind, target);
    await fault.inflict({
      ...drawn,
      way,
      otherWays,
      cluster: this.#cluster,
      history: this.#history,
      leaseMs: this.#options.leaseMs,
      dumps: this.#dumps,
      oldestKept: (branch) => this.#workload.oldestKept(branch),
      rush: (at, ms) => this.#workload.rush(at, ms, random),
    });
    record.to = this.#history.now;
  }

  async #restore(): Promise<void> {
    const { installations, original } = this.#cluster;
    const installation = this.#random.chance(0.7) ? original : this.#random.pick(installations);
    const record = this.#history.begin(RESTORE, installation.name);
    await restoreDatabase(installation, this.#random.fork());
    record.to = this.#history.now;
  }

  /** Keeps what Redis holds now, for a later restore. */
  async #dump(): Promise<void> {
    const { redis } = this.#cluster;
    const place = this.#dumps.length < MOST_DUMPS ? this.#dumps.length : this.#random.between(0, MOST_DUMPS - 1);
    const file = join(this.#dumpsDirectory, `${place}.rdb`);
    await redis.client.save();
    copyFileSync(join(redis.directory, "dump.rdb"), file);
    this.#dumps[place] = file;
  }

  /** Waits until a process answers from Redis, for a while: faults on top of a Redis that nobody reads prove little. */
  async #recovery(): Promise<void> {
    const { now, nextId } = this.#history;
    let recovered = false;
    const end = this.#history.onCompletion(({ id, outcome }) => {
      recovered ||= id >= nextId && outcome?.kind === "read" && outcome.servedBy === "redis";
    });
    while (this.#running && !recovered && this.#history.now < now + RECOVERY_MS) await sleep(50);
    end();
  }
}

/** What was drawn for one fault. */
type Drawn = Pick<Means, "member" | "other" | "ms" | "random">;

function heldBy({ holds }: FaultKind, member: Member): string[] {
  return holds.flatMap((what) => {
    if (what === "redis") return what;
    if (what === "log") return `log of ${member.installation.name}`;
    const [, others, kind] = /^(other )?(process|database way|way)/.exec(what) ?? [];
    const held = others ? member.others : [member];
    return held.map(({ name }) => `${kind} ${name}`);
  });
}
