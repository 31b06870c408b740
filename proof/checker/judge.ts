import { setImmediate as nextTurn } from "node:timers/promises";
import type { Branch } from "../history/branch.ts";
import type { Change, GroundTruth } from "../history/change.ts";
import { isMutation, type Operation } from "../history/operation.ts";
import { Authors } from "./authors.ts";
import { BranchJudge } from "./branch-judge.ts";
import type { Bounds, Court } from "./court.ts";
import { Edits } from "./edits.ts";
import type { Entry } from "./ledger.ts";
import type { Report } from "./violation.ts";

/** An answer that was true so long ago is wrong whatever it says. Many times what a request may take. Milliseconds. */
const REMEMBERED_MS = 120_000;
/** What was overwritten so long ago is forgotten. Milliseconds. */
const OVERWRITTEN_MS = 60_000;
/** How long the writes of another branch are known by their authors, and a branch that has ended. Milliseconds. */
const FOREIGN_MS = 120_000;
/** How often it forgets. Milliseconds. */
const FORGET_EVERY_MS = 10_000;
/** Changes that a copy began with and that are held against its origin's. */
const INHERITED = 200;
/** Events that are judged in one turn of the event loop, which also times the faults. */
const TURN = 100;

interface Event {
  readonly operation: Operation;
  readonly isInvocation: boolean;
}

/** What the logs held, from the moment when they were begun to be read to the one when all of them had been. */
interface Cut {
  /** All that completed before it had been committed by then. */
  readonly order: number;
  /** All that they held had been asked for by then. */
  readonly until: number;
  readonly ms: number;
  readonly reads: readonly Read[];
}

interface Read {
  readonly branch: Branch;
  readonly changes: readonly Change[];
  readonly truth: GroundTruth | undefined;
}

export interface JudgeOptions extends Bounds {
  /** How long answers may be wrong about a row that was changed by hand. Milliseconds. */
  readonly scrubMs: number;
}

/**
 * Holds what clients saw against the promise, while it goes on. The change log says in which order the mutations took
 * effect, and every answer says at which revision it is true; so there is no order to search for, and each check is one
 * pass.
 *
 * Now and then the logs are read: a cut. It is judged when all has completed that had been asked for by its end: then
 * every change that was read has its author among what is known, and every answer from before it its revision.
 */
export class Judge {
  readonly edits: Edits;
  readonly markEdits: Edits;
  readonly #court: Court;
  /** Changes that were read, those by adds and updates whose answers never came, and tolerated answers. */
  readonly counts = { changes: 0, unacknowledged: 0, tolerated: 0 };
  /** Those that are remembered, in the order in which they began. */
  readonly #branches = new Map<Branch, { readonly judge: BranchJudge; endedMs: number }>();
  /** Those whose logs were read to their ends. */
  readonly #ended = new WeakSet<Branch>();
  readonly #inFlight = new Set<Operation>();
  #events: Event[] = [];
  /** The place in the order of moments of the first of the events. */
  #offset = 0;
  /** The place up to which the mutations are known to those who attribute changes. */
  #taken = 0;
  /** Mutations of branches whose logs were not read yet. */
  #orphans: Operation[] = [];
  readonly #cuts: Cut[] = [];
  #settling: Promise<void> | undefined;
  /** When and up to which place in the order of moments what was judged. */
  #judged: { readonly ms: number; readonly order: number }[] = [];
  #forgotAt = 0;

  constructor(options: JudgeOptions, report: Report) {
    this.edits = new Edits([], options.scrubMs);
    this.markEdits = new Edits([], options.foreignMs);
    this.#court = {
      bounds: options,
      authors: new Authors(),
      edits: this.edits,
      markEdits: this.markEdits,
      branches: () => [...this.#branches.values()].map(({ judge }) => judge),
      report,
      tolerated: () => {
        this.counts.tolerated++;
      },
      attributed: (author) => {
        this.counts.changes++;
        if (author?.request.kind !== "delete" && author?.outcome?.kind === "failed") this.counts.unacknowledged++;
      },
    };
  }

  /** Takes an invocation or a completion, each with the next place in the order of moments. */
  note(operation: Operation, isInvocation: boolean): void {
    this.#events.push({ operation, isInvocation });
    if (isInvocation) this.#inFlight.add(operation);
    else this.#inFlight.delete(operation);
  }

  /** Reads the logs of the branches, which are in the order in which they began. `ms` is now, on the run's clock. */
  async cut(branches: readonly Branch[], ms: number): Promise<void> {
    const order = this.#offset + this.#events.length;
    const reads: Read[] = [];
    for (const branch of branches) {
      if (this.#ended.has(branch)) continue;
      const since = branch.seen ?? branch.since ?? Math.max(0, (branch.origin?.revision ?? 0) - INHERITED);
      const changes = [...(await branch.read(since))];
      // it may have come to its end while it was read
      const { truth } = branch;
      const isNew = ({ revision }: Change) => revision > (changes.at(-1)?.revision ?? since);
      if (truth) changes.push(...truth.changes.filter(isNew));
      reads.push({ branch, changes, truth });
      branch.seen = changes.at(-1)?.revision ?? since;
      if (truth) this.#ended.add(branch);
    }
    this.#cuts.push({ order, until: this.#offset + this.#events.length, ms, reads });
  }

  /** Whether it has read all that there will be of a branch. */
  hasRead(branch: Branch): boolean {
    return this.#ended.has(branch);
  }

  /** Judges the cuts that can be. */
  settle(): Promise<void> {
    this.#settling ??= this.#settle().finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  /** What is known of the log of a branch from one revision to another. */
  log(name: string, from: number, to: number): readonly Entry[] {
    const judge = [...this.#branches.values()].find((place) => place.judge.branch.name === name)?.judge;
    return judge?.ledger.between(from, to) ?? [];
  }

  /** How much is remembered: events that are not judged yet, revisions of all branches, and writes. */
  get size(): { readonly events: number; readonly revisions: number; readonly writes: number } {
    const sizes = [...this.#branches.values()].map(({ judge }) => judge.size);
    return {
      events: this.#events.length,
      revisions: sizes.reduce((sum, { revisions }) => sum + revisions, 0),
      writes: sizes.reduce((sum, { writes }) => sum + writes, this.#court.authors.size),
    };
  }

  async #settle(): Promise<void> {
    for (let cut = this.#cuts[0]; cut; cut = this.#cuts[0]) {
      const [oldest] = this.#inFlight;
      if (oldest && oldest.invoked.order < cut.until) return;
      this.#cuts.shift();
      await this.#judge(cut);
      this.#forget(cut);
    }
  }

  async #judge({ order, until, ms, reads }: Cut): Promise<void> {
    const events = this.#events.slice(0, order - this.#offset);
    const known = new Map([...this.#branches].map(([branch, { judge }]) => [branch.name, judge]));
    for (const { operation, isInvocation } of this.#events.slice(this.#taken - this.#offset, until - this.#offset)) {
      if (!isInvocation || !isMutation(operation.request)) continue;
      if (!this.#court.authors.add(operation)) continue;
      const judge = known.get(operation.branch);
      if (judge) judge.take(operation);
      else this.#orphans.push(operation);
    }
    this.#taken = until;
    for (const { branch, changes, truth } of reads) {
      const origin = branch.origin && this.#branches.get(branch.origin.branch)?.judge;
      let place = this.#branches.get(branch);
      if (!place) {
        place = { judge: new BranchJudge(branch, origin, this.#court), endedMs: Number.POSITIVE_INFINITY };
        this.#branches.set(branch, place);
        known.set(branch.name, place.judge);
        for (const operation of this.#orphans) if (operation.branch === branch.name) place.judge.take(operation);
        this.#orphans = this.#orphans.filter((operation) => operation.branch !== branch.name);
      }
      place.judge.learn(changes, ms, origin);
      place.judge.attribute();
      if (!truth) continue;
      place.judge.end(truth);
      place.endedMs = ms;
    }
    for (const [index, { operation, isInvocation }] of events.entries()) {
      const judge = known.get(operation.branch);
      if (!judge) throw new Error(`nobody knows the branch ${operation.branch}`);
      if (isInvocation) judge.invoke(operation);
      else judge.complete(operation);
      if (index % TURN === TURN - 1) await nextTurn();
    }
    this.#events = this.#events.slice(order - this.#offset);
    this.#offset = order;
  }

  #forget({ ms, order }: Cut): void {
    this.#judged.push({ ms, order });
    if (ms < this.#forgotAt + FORGET_EVERY_MS) return;
    this.#forgotAt = ms;
    const overwritten = this.#judged.findLast((place) => place.ms < ms - OVERWRITTEN_MS);
    this.#judged = this.#judged.filter((place) => place === overwritten || place.ms >= ms - OVERWRITTEN_MS);
    for (const [branch, { judge, endedMs }] of this.#branches) {
      if (endedMs < ms - FOREIGN_MS) this.#branches.delete(branch);
      else if (endedMs === Number.POSITIVE_INFINITY) judge.forget(ms - REMEMBERED_MS, overwritten?.order ?? 0);
    }
    this.#court.authors.forget(ms - FOREIGN_MS);
    this.edits.forget(ms - REMEMBERED_MS);
    this.markEdits.forget(ms - REMEMBERED_MS);
  }
}
