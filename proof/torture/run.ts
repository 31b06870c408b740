import { setTimeout as sleep } from "node:timers/promises";
import { type GroundTruth, readGroundTruth } from "./change-log.ts";
import { check } from "./checker/checker.ts";
import { Edits } from "./checker/edits.ts";
import { withoutForeign, writersOf } from "./checker/foreign.ts";
import { timelinesOf } from "./checker/timelines.ts";
import type { Violation } from "./checker/violation.ts";
import { type ClusterOptions, startCluster } from "./cluster/cluster.ts";
import { awaitConvergence, checkReadModel } from "./cluster/convergence.ts";
import { History } from "./history.ts";
import { Nemesis, type NemesisOptions } from "./nemesis/nemesis.ts";
import { Random } from "./random.ts";
import { Workload, type WorkloadOptions } from "./workload/workload.ts";

export interface RunOptions extends ClusterOptions, WorkloadOptions, NemesisOptions {
  readonly seed: number;
  /** How long the nemesis is at work. Milliseconds. */
  readonly ms: number;
  /** How long answers may be wrong about a row that was changed by hand. Milliseconds. */
  readonly scrubMs: number;
  /** How long a process may show states of another history from when it first does. Milliseconds. */
  readonly foreignMs: number;
}

/** A violation, and the database whose history it is a part of, as it was at that history's end. */
export interface Finding extends Violation {
  readonly truth: GroundTruth;
}

export interface RunResult {
  readonly options: RunOptions;
  readonly history: History;
  readonly truth: GroundTruth;
  readonly findings: readonly Finding[];
  /** What each process logged, by its name. */
  readonly logs: ReadonlyMap<string, string>;
}

/**
 * One run: a cluster, clients and a nemesis for a while; then all is healed, and what was recorded is checked. What it
 * starts ends with the test.
 */
export async function run(
  options: RunOptions,
  onProgress: (history: History, faults: string) => void = () => {},
): Promise<RunResult> {
  const random = new Random(options.seed);
  const history = new History();
  const cluster = await startCluster(options, history);
  const workload = new Workload(history, cluster, random.fork(), options);
  const nemesis = new Nemesis(history, cluster, workload, options, random.fork());
  await awaitConvergence(history, cluster.members);
  const progress = setInterval(() => onProgress(history, nemesis.now), 1000);

  try {
    await Promise.race([workload.start(), nemesis.start(), sleep(options.ms)]);
    await nemesis.stop();
    await workload.stop();
  } finally {
    clearInterval(progress);
  }

  const edits = new Edits(history.edits, options.scrubMs);
  await sleep(Math.max(0, edits.over - history.now));
  await workload.readAll();
  const atTheEnd = await awaitConvergence(history, cluster.members);
  await workload.readAll();
  for (const installation of cluster.installations) {
    installation.branch.truth = await readGroundTruth(installation.database.url);
    atTheEnd.push(...(await checkReadModel(cluster.redis.client, installation)));
  }
  const truth = cluster.original.branch.truth as GroundTruth;
  const found = [...history.violations, ...atTheEnd].map((violation) => ({ ...violation, truth }));
  const logs = new Map([...nemesis.logs, ...cluster.members.map(({ name, log }) => [name, log] as const)]);
  return { options, history, truth, findings: [...checkAll(history, edits, options.foreignMs), ...found], logs };
}

/** Checks each branch by itself. */
function checkAll(history: History, edits: Edits, foreignMs: number): Finding[] {
  const writers = writersOf(history.operations);
  return timelinesOf(history).flatMap((whole) => {
    const timeline = withoutForeign(whole, history.branches, writers, foreignMs);
    return check(timeline, edits, writers).map((violation) => ({ ...violation, truth: timeline.truth }));
  });
}
