import { setTimeout as sleep } from "node:timers/promises";
import { answersFromRedis, perform } from "./client.ts";
import type { Cluster } from "./cluster.ts";
import type { History, Request } from "./history.ts";
import type { Installation } from "./installation.ts";
import type { Random } from "./random.ts";

/** Copies that there are at one time. */
const MOST_COPIES = 2;
/** How long a copy lives, and how long it is until there may be another. Milliseconds. */
const LIFE_MS = { least: 8000, most: 30_000 };
const PAUSE_MS = { least: 500, most: 8000 };
/** How long installations go on in one way. Milliseconds. */
const PHASE_MS = { least: 200, most: 2500 };
/** What is under way when an installation is to stand still comes to its end in this time. Milliseconds. */
const QUIET_MS = 300;
/** A copy's processes find the read model in this time, unless something is wrong. Milliseconds. */
const TAKEN_WITHIN_MS = 3000;
/** Reads of each process that end a silence, all at once. */
const FIRST_READS: readonly Request[] = [{ kind: "books" }, { kind: "page", limit: 3, backwards: false }];

/** Copies of databases that are in use, each with processes of its own, over the one Redis. */
export class Copies {
  readonly #history: History;
  readonly #cluster: Cluster;
  readonly #leaseMs: number;
  readonly #random: Random;
  /** When each ends. */
  readonly #ends = new Map<Installation, { readonly at: number; readonly record: { to: number } }>();
  readonly #logs = new Map<string, string>();
  #nextAt = 0;
  #count = 0;
  #copying: Installation | undefined;

  constructor(history: History, cluster: Cluster, leaseMs: number, random: Random) {
    this.#history = history;
    this.#cluster = cluster;
    this.#leaseMs = leaseMs;
    this.#random = random;
  }

  /** What the processes of copies that have ended logged, by their names. */
  get logs(): ReadonlyMap<string, string> {
    return this.#logs;
  }

  /** Makes a copy of the original or of a copy when one is due, whatever else goes on. */
  async make(): Promise<void> {
    const random = this.#random;
    const { installations, redis } = this.#cluster;
    if (this.#ends.size >= MOST_COPIES || this.#history.now < this.#nextAt) return;
    const source = random.pick(installations);
    const options = { processes: random.between(1, 2), bare: 0, leaseMs: this.#leaseMs };
    const still = random.chance(0.75) ? random.pick(["readers", "none"] as const) : undefined;
    await sleep(random.between(0, 500));
    this.#count++;
    const record = this.#history.begin("copy", `${source.name} as copy ${this.#count}`);
    this.#copying = source;
    if (still) {
      source.clients = still;
      await sleep(QUIET_MS);
    }
    const copy = await source.copy(`copy ${this.#count}`, redis, options, this.#history);
    if (still) await this.#taken(copy, random);
    this.#copying = undefined;
    source.clients = "all";
    this.#cluster.installations = [...this.#cluster.installations, copy];
    this.#ends.set(copy, { at: this.#history.now + random.between(LIFE_MS.least, LIFE_MS.most), record });
    this.#nextAt = this.#history.now + random.between(PAUSE_MS.least, PAUSE_MS.most);
  }

  /**
   * Waits until the copy's processes read what the original's do. While that stands still, its read model is as true
   * for the one as for the other, and both take it for their own.
   */
  async #taken({ members }: Installation, random: Random): Promise<void> {
    const end = this.#history.now + TAKEN_WITHIN_MS;
    for (const member of members) {
      while (this.#history.now < end && !(await answersFromRedis(this.#history, member))) await sleep(10);
    }
    await sleep(random.between(0, 500));
  }

  /** Ends what copies are due. No fault may hold their processes. */
  async endDue(): Promise<void> {
    for (const [copy, { at, record }] of this.#ends) {
      if (this.#history.now < at) continue;
      this.#ends.delete(copy);
      this.#cluster.installations = this.#cluster.installations.filter((other) => other !== copy);
      await copy.end();
      for (const { name, log } of copy.members) this.#logs.set(name, log);
      record.to = this.#history.now;
    }
  }

  /**
   * Lets now one and now another installation write, stand still or be silent, so that each is the one with the higher
   * revision at times, and each meets what others have done only after a while.
   */
  async alternate(running: () => boolean): Promise<void> {
    const random = this.#random.fork();
    while (running()) {
      const free = this.#cluster.installations.filter((installation) => installation !== this.#copying);
      const quiet = this.#ends.size > 0 && free.length > 0 ? random.pick(free) : undefined;
      if (quiet) quiet.clients = random.pick(["all", "readers", "none"] as const);
      await sleep(random.between(PHASE_MS.least, PHASE_MS.most));
      if (quiet?.clients === "none") await this.#readFirst(quiet);
      if (quiet && quiet !== this.#copying) quiet.clients = "all";
    }
  }

  /** What a process shows first after a silence, before its clients are back. */
  async #readFirst({ members }: Installation): Promise<void> {
    const open = members.filter(({ outage }) => !outage);
    const reads = open.flatMap((member) => {
      return FIRST_READS.map((request) => perform(this.#history, "first reader", member, request));
    });
    await Promise.all(reads);
  }
}
