import { type TracingChannel, tracingChannel } from "node:diagnostics_channel";
import type { Fallback } from "./counts.ts";

/*
 * What the kernel does, for whoever follows it while it goes on. It is told over channels, so that nothing has to be handed to
 * every part: while nobody listens, a channel costs a look at a field. Nothing that a client has sent is in what is told.
 */

/** What is followed, of one stream. */
interface Traced {
  readonly stream: string;
}

/** A read for a request, or the same read made again for one that asks the same. */
export interface ReadTrace extends Traced {
  readonly isReplay: boolean;
  /** Why Redis did not answer, where it did not. */
  fallback?: Fallback;
  servedBy?: "redis" | "database";
  revision?: number;
  /** What the store answered: what was answered together, was asked together. */
  answer?: object;
}

/** One question to a store for many point reads. Its result is an answer to each. */
export interface PointsTrace {
  readonly store: "redis" | "database";
  readonly keys: number;
}

/** A command of a request, until it is acknowledged. */
export interface CommandTrace extends Traced {
  readonly kind: string;
  revision?: number;
  outcome?: "changed" | "refused" | "repeated";
}

/** A transaction for the commands that waited. */
export interface CommitTrace extends Traced {
  /** Those of them that are followed themselves. */
  readonly commands: readonly CommandTrace[];
  readonly size: number;
}

/** What comes between a commit and its acknowledgement. */
export interface RefreshTrace extends Traced {
  readonly changes: number;
  /** What the transaction came to: the result of its own trace. */
  readonly commit: object;
  /** Whether the read model was brought up to the commit, so that nobody has to wait for the lease. */
  isConfirmed?: boolean;
}

export interface CatchUpTrace extends Traced {
  readonly revision: number;
}

export interface RebuildTrace extends Traced {
  /** Whether the copy is in force now; not so where another process was first. */
  isInForce?: boolean;
}

/** The channels, by what is told over them. */
export const traces = {
  read: tracingChannel<unknown, ReadTrace>("catalogue:read"),
  points: tracingChannel<unknown, PointsTrace>("catalogue:points"),
  command: tracingChannel<unknown, CommandTrace>("catalogue:command"),
  commit: tracingChannel<unknown, CommitTrace>("catalogue:commit"),
  refresh: tracingChannel<unknown, RefreshTrace>("catalogue:refresh"),
  lookUp: tracingChannel<unknown, Traced>("catalogue:look-up"),
  catchUp: tracingChannel<unknown, CatchUpTrace>("catalogue:catch-up"),
  rebuild: tracingChannel<unknown, RebuildTrace>("catalogue:rebuild"),
} as const;

/** Does `work`, and tells of it where somebody listens: `work` may add to what is told, which is undefined where nobody does. */
export function traced<C extends object, R>(
  channel: TracingChannel<unknown, C>,
  describe: () => C,
  work: (trace: C | undefined) => Promise<R>,
): Promise<R> {
  if (!channel.hasSubscribers) return work(undefined);
  const trace = describe();
  return channel.tracePromise(() => work(trace), trace);
}
