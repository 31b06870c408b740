import { setTimeout as sleep } from "node:timers/promises";
import { ToldOf } from "../checker/told.ts";
import type { History } from "../history/history.ts";
import { readMark } from "../torture/change-log.ts";
import type { Cluster } from "../torture/cluster/cluster.ts";
import type { Member } from "../torture/cluster/member.ts";
import type { Random } from "./random.ts";
import { overSocket, overStream } from "./subscription.ts";

/** Half of them by WebSocket, half as event streams. */
const COUNT = 4;
/** How long one stays at a process that does not end it. Milliseconds. */
const LONGEST_STAY_MS = 4000;
/** What a process may refuse for which it is not to blame. */
const PASSING = ["DATABASE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "TIMED_OUT", "LIMIT_EXCEEDED", "INTERNAL_SERVER_ERROR"];
/** How long the last changes may take to be told when all is well. Milliseconds. */
const END_WITHIN_MS = 20_000;

/**
 * Subscribers that go from one process to another, each from where it was, in one database's history. When that ends, as a
 * backup is restored, they begin anew.
 */
export class Subscribers {
  readonly #history: History;
  readonly #cluster: Cluster;
  readonly #random: Random;
  /** The newest revision that was acknowledged, by branch. */
  readonly #acknowledged = new Map<string, number>();
  readonly #all: ToldOf[] = [];
  #running = true;
  #ending = false;
  #ended: Promise<unknown> | undefined;

  constructor(history: History, cluster: Cluster, random: Random) {
    this.#history = history;
    this.#cluster = cluster;
    this.#random = random;
    history.onCompletion(({ branch, outcome }) => {
      if (outcome?.kind !== "acknowledged") return;
      this.#acknowledged.set(branch, Math.max(outcome.revision, this.#acknowledged.get(branch) ?? 0));
    });
  }

  start(): void {
    const run = (_: unknown, index: number) => this.#subscribe(`subscriber ${index + 1}`, index, this.#random.fork());
    this.#ended = Promise.all(Array.from({ length: COUNT }, run));
  }

  /** How much they were told. */
  get told(): number {
    return this.#all.reduce((sum, { count }) => sum + count, 0);
  }

  /** Waits until all are told of everything, with nothing that is written any more, and ends them. */
  async stop(): Promise<void> {
    const { database, branch } = this.#cluster.original;
    const { revision } = await readMark(database.url);
    this.#ending = true;
    const isDone = () => this.#current.every(({ at }) => at === revision);
    for (const end = this.#history.now + END_WITHIN_MS; !isDone() && this.#history.now < end; ) await sleep(50);
    this.#running = false;
    await this.#ended;
    const changes = new Map((await branch.read(0)).map((change) => [change.revision, change]));
    for (const told of this.#current) {
      told.verify((at) => changes.get(at));
      told.end(revision);
    }
  }

  /** Those that are at the history that goes on at the original. */
  readonly #places = new Map<string, { readonly told: ToldOf; readonly branch: string }>();

  get #current(): ToldOf[] {
    const { name } = this.#cluster.original.branch;
    return [...this.#places.values()].filter(({ branch }) => branch === name).map(({ told }) => told);
  }

  async #subscribe(who: string, index: number, random: Random): Promise<void> {
    while (this.#running) {
      const open = this.#cluster.original.members.filter(({ outage }) => outage !== "killed");
      const member = open.length > 0 ? random.pick(open) : undefined;
      if (member) await this.#stay(who, index, member, random);
      else await sleep(50);
    }
  }

  /** Listens to one process for a while, or until it is cut off. */
  #stay(who: string, index: number, member: Member, random: Random): Promise<void> {
    const { incarnation, branch } = member;
    const { told } = this.#placeOf(who, branch.name);
    // who is told something by another incarnation than was asked may be told of another history
    const isSame = () => member.incarnation === incarnation && member.branch === branch;
    return new Promise((resolve) => {
      const listener = {
        opened: () => isSame() || leave(),
        told: (change: Parameters<ToldOf["take"]>[0]) => {
          if (isLeft) return;
          if (isSame()) told.take(change);
          else leave();
        },
        refused: (code: string) => {
          if (!isLeft && isSame() && !PASSING.includes(code)) told.refused(code);
          setTimeout(leave, 100);
        },
        closed: () => setTimeout(leave, 20),
      };
      let isLeft = false;
      const end = (index % 2 === 0 ? overSocket : overStream)(member.url, told.at, listener);
      const over = this.#ending ? END_WITHIN_MS : random.fraction() * LONGEST_STAY_MS;
      const timer = setTimeout(() => leave(), over);
      const stopping = setInterval(() => this.#running || leave(), 50);
      const leave = () => {
        if (isLeft) return;
        isLeft = true;
        clearTimeout(timer);
        clearInterval(stopping);
        end();
        resolve();
      };
    });
  }

  #placeOf(who: string, branch: string) {
    const place = this.#places.get(who);
    // now and then one begins anew, without saying where
    if (place?.branch === branch && place.told.at !== undefined && (this.#ending || !this.#random.chance(0.1)))
      return place;
    const floor = this.#acknowledged.get(branch) ?? 0;
    const told = new ToldOf(who, branch, floor, (violation) => this.#history.blame([violation]));
    this.#all.push(told);
    const next = { told, branch };
    this.#places.set(who, next);
    return next;
  }
}
