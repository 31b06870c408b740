import { setTimeout as sleep } from "node:timers/promises";
import { answersFromRedis, perform } from "../../clients/client.ts";
import type { Random } from "../../clients/random.ts";
import type { History } from "../../history/history.ts";
import type { Request } from "../../history/operation.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Installation, InstallationOptions } from "../cluster/installation.ts";

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
/** Copies that have ended and whose logs are kept. */
const KEPT_LOGS = 20;
/** Reads of each process that end a silence, all at once. */
const FIRST_READS: readonly Request[] = [{ kind: "books" }, { kind: "page", limit: 3, backwards: false }];

/** Copies of databases that are in use, each with processes of its own, over the one Redis. */
export class Copies {
  readonly #history: History;
  readonly #cluster: Cluster;
  readonly #options: Pick<InstallationOptions, "leaseMs" | "apart">;
  readonly #random: Random;
  /** When each ends. */
  readonly #ends = new Map<Installation, { readonly at: number; readonly record: { to: number } }>();
  readonly #logs = new Map<string, string>();
  #nextAt = 0;
  #count = 0;
  /** Those that stand still until `part`. */
  readonly #held = new Set<Installation>();

  constructor(
    history: History,
    cluster: Cluster,
    options: Pick<InstallationOptions, "leaseMs" | "apart">,
    random: Random,
  ) {
    this.#history = history;
    this.#cluster = cluster;
    this.#options = options;
    this.#random = random;
  }

  /** What the processes of copies that have ended logged, by their names. */
  get logs(): ReadonlyMap<string, string> {
    return this.#logs;
  }

  /** Makes a copy or two of one installation when they are due, whatever else goes on. */
  async make(): Promise<void> {
    const random = this.#random;
    const { installations } = this.#cluster;
    const room = MOST_COPIES - this.#ends.size;
    if (room <= 0 || this.#history.now < this.#nextAt) return;
    const source = random.pick(installations);
    const still = random.chance(0.75);
    await sleep(random.between(0, 500));
    if (still) {
      this.#hold(source);
      await sleep(QUIET_MS);
    }
    const makings = Array.from({ length: random.chance(0.3) ? room : 1 }, () => this.#copy(source, random.fork()));
    const copies = await Promise.all(makings);
    if (still) {
      for (const copy of copies) this.#hold(copy);
      await Promise.all(copies.map((copy) => this.#taken(copy)));
    }
    this.#cluster.installations = [...this.#cluster.installations, ...copies];
    this.#nextAt = this.#history.now + random.between(PAUSE_MS.least, PAUSE_MS.most);
  }

  async #copy(source: Installation, random: Random): Promise<Installation> {
    const name = `copy ${++this.#count}`;
    const { leaseMs, apart } = this.#options;
    const options = { processes: random.between(1, 2), bare: 0, leaseMs, apart };
    const record = this.#history.begin("copy", `${source.name} as ${name}`);
    const copy = await source.copy(name, this.#cluster.redis, options, this.#history);
    this.#ends.set(copy, { at: this.#history.now + random.between(LIFE_MS.least, LIFE_MS.most), record });
    return copy;
  }

  /**
   * Waits until the copy's processes read what the original's do. While both stand still, the read model is as true for
   * the one as for the other, and each takes it for its own.
   */
  async #taken({ members }: Installation): Promise<void> {
    const end = this.#history.now + TAKEN_WITHIN_MS;
    for (const member of members) {
      while (this.#history.now < end && !(await answersFromRedis(this.#history, member))) await sleep(10);
    }
  }

  /** Lets those that stand still since a copy was made write again, one after the other: from here on they differ. */
  async part(): Promise<void> {
    const random = this.#random;
    const held = [...this.#held].sort(() => random.fraction() - 0.5);
    for (const installation of held) {
      await sleep(random.pick([0, 0, 50, 200, 1000]) * random.fraction());
      installation.clients = "all";
      this.#held.delete(installation);
    }
  }

  #hold(installation: Installation): void {
    this.#held.add(installation);
    installation.clients = "readers";
  }

  /** Ends what copies are due. No fault may hold their processes. */
  async endDue(): Promise<void> {
    for (const [copy, { at, record }] of this.#ends) {
      if (this.#history.now < at) continue;
      this.#ends.delete(copy);
      this.#held.delete(copy);
      this.#cluster.installations = this.#cluster.installations.filter((other) => other !== copy);
      await copy.end();
      for (const { name, log } of copy.members) this.#logs.set(name, log);
      for (const name of [...this.#logs.keys()].slice(0, -KEPT_LOGS)) this.#logs.delete(name);
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
      const free = this.#cluster.installations.filter((installation) => !this.#held.has(installation));
      const quiet = this.#ends.size > 0 && free.length > 0 ? random.pick(free) : undefined;
      if (quiet) quiet.clients = random.pick(["all", "readers", "none"] as const);
      await sleep(random.between(PHASE_MS.least, PHASE_MS.most));
      if (quiet?.clients === "none") await this.#readFirst(quiet);
      if (quiet && !this.#held.has(quiet)) quiet.clients = "all";
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
