import { setTimeout as sleep } from "node:timers/promises";
import { ToldOf } from "../checker/told.ts";
import type { Branch } from "../history/branch.ts";
import type { Change } from "../history/change.ts";
import type { History } from "../history/history.ts";
import type { Random } from "./random.ts";
import type { Server } from "./server.ts";
import { overSocket, overStream } from "./subscription.ts";

/** Half of them by WebSocket, half as event streams. */
const COUNT = 4;
/** How long one stays at a process that does not end it. Milliseconds. */
const LONGEST_STAY_MS = 4000;
/** How long the last changes may take to be told when all is well. Milliseconds. */
const END_WITHIN_MS = 20_000;
const DISTANT_END_WITHIN_MS = 5000;

/** What there is to be told of. */
export interface Source {
  readonly servers: () => readonly Server[];
  /** The history that goes on there. */
  readonly branch: () => Branch;
  /** How far it has come. */
  readonly revision: () => Promise<number>;
  /** All changes, by their revisions. */
  readonly changes: () => Promise<ReadonlyMap<number, Change>>;
  /** Whether a server may refuse with this code, for which it is not to blame. */
  readonly mayRefuse: (code: string) => boolean;
  /** Whether nothing else writes there, and who is not told of something in the end has a server to blame for it. */
  readonly isAlone: boolean;
}

/**
 * Subscribers that go from one process to another, each from where it was, in one database's history. When that ends, as a
 * backup is restored, they begin anew.
 */
export class Subscribers {
  readonly #history: History;
  readonly #source: Source;
  readonly #random: Random;
  /** The newest revision that was acknowledged, by branch. */
  readonly #acknowledged = new Map<string, number>();
  readonly #all: ToldOf[] = [];
  #running = true;
  #ending = false;
  #ended: Promise<unknown> | undefined;

  constructor(history: History, source: Source, random: Random) {
    this.#history = history;
    this.#source = source;
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

  /** How often they were refused, by codes. */
  readonly refusals = new Map<string, number>();

  /** How much they were told. */
  get told(): number {
    return this.#all.reduce((sum, { count }) => sum + count, 0);
  }

  /** Waits until all are told of everything, with nothing that is written any more, and ends them. */
  async stop(): Promise<void> {
    const revision = await this.#source.revision();
    const endingMs = this.#history.now;
    this.#ending = true;
    const { isAlone } = this.#source;
    // through what is on the way some may never be told of anything
    const isDone = () => this.#current.every(({ told: { at = isAlone ? 0 : revision } }) => at >= revision);
    for (
      const end = endingMs + (isAlone ? END_WITHIN_MS : DISTANT_END_WITHIN_MS);
      !isDone() && this.#history.now < end;
    )
      await sleep(50);
    this.#running = false;
    await this.#ended;
    const changes = await this.#source.changes();
    for (const { told, heardMs } of this.#current) {
      told.verify((at) => changes.get(at));
      if (isAlone) told.end(revision);
      else if (heardMs >= endingMs) told.end(Math.max(revision, told.at ?? 0));
    }
  }

  /** Those that are at the history that goes on at the original. */
  readonly #places = new Map<string, { readonly told: ToldOf; readonly branch: string; heardMs: number }>();

  get #current() {
    const { name } = this.#source.branch();
    return [...this.#places.values()].filter(({ branch }) => branch === name);
  }

  async #subscribe(who: string, index: number, random: Random): Promise<void> {
    while (this.#running) {
      const open = this.#source.servers().filter(({ outage }) => outage !== "killed");
      const member = open.length > 0 ? random.pick(open) : undefined;
      if (member) await this.#stay(who, index, member, random);
      else await sleep(50);
    }
  }

  /** Listens to one process for a while, or until it is cut off. */
  #stay(who: string, index: number, member: Server, random: Random): Promise<void> {
    const { incarnation, branch } = member;
    const place = this.#placeOf(who, branch.name);
    const { told } = place;
    // who is told something by another incarnation than was asked may be told of another history
    const isSame = () => member.incarnation === incarnation && member.branch === branch;
    return new Promise((resolve) => {
      const listener = {
        opened: () => isSame() || leave(),
        told: (change: Parameters<ToldOf["take"]>[0]) => {
          if (isLeft) return;
          place.heardMs = this.#history.now;
          if (isSame()) told.take(change, member.url);
          else leave();
        },
        refused: (code: string) => {
          this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
          if (!isLeft && isSame() && !this.#source.mayRefuse(code)) told.refused(code);
          setTimeout(leave, 100);
        },
        closed: () => setTimeout(leave, 20),
      };
      let isLeft = false;
      const end = (index % 2 === 0 ? overSocket : overStream)(member, told.at, listener);
      const over = this.#ending && this.#source.isAlone ? END_WITHIN_MS : random.fraction() * LONGEST_STAY_MS;
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
    const next = { told, branch, heardMs: 0 };
    this.#places.set(who, next);
    return next;
  }
}
