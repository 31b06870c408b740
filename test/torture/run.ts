import { setTimeout as sleep } from "node:timers/promises";
import { type GroundTruth, readGroundTruth } from "./change-log.ts";
import { check } from "./checker.ts";
import { type ClusterOptions, startCluster } from "./cluster.ts";
import { awaitConvergence, checkReadModel } from "./convergence.ts";
import { History } from "./history.ts";
import { Nemesis } from "./nemesis.ts";
import { Random } from "./random.ts";
import { timelinesOf } from "./timelines.ts";
import type { Violation } from "./violation.ts";
import { Workload, type WorkloadOptions } from "./workload.ts";

export interface RunOptions extends ClusterOptions, WorkloadOptions {
  readonly seed: number;
  /** How long the nemesis is at work. Milliseconds. */
  readonly ms: number;
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
  const cluster = await startCluster(options, () => history.now);
  const workload = new Workload(history, cluster, random.fork(), options);
  const nemesis = new Nemesis(history, cluster, workload, options.leaseMs, random.fork());
  await awaitConvergence(history, cluster);
  const progress = setInterval(() => onProgress(history, nemesis.now), 1000);

  try {
    await Promise.race([workload.start(), nemesis.start(), sleep(options.ms)]);
    await nemesis.stop();
    await workload.stop();
  } finally {
    clearInterval(progress);
  }

  await workload.readAll();
  const notConverged = await awaitConvergence(history, cluster);
  await workload.readAll();
  const truth = await readGroundTruth(cluster.database.url);
  const atTheEnd = [...notConverged, ...(await checkReadModel(cluster.redis.client, truth))];
  const findings = timelinesOf(history, truth)
    .flatMap((timeline) =>
      check(timeline.operations, timeline.truth).map((found) => ({ ...found, truth: timeline.truth })),
    )
    .concat(atTheEnd.map((found) => ({ ...found, truth })));
  const logs = new Map(cluster.members.map(({ name, log }) => [name, log]));
  return { options, history, truth, findings: withoutRepeats(findings), logs };
}

/** What happened before a restore is a part of each history after it. */
function withoutRepeats(findings: readonly Finding[]): Finding[] {
  const keyOf = ({ rule, what, operations, revision }: Finding) =>
    [rule, what, revision, ...operations.map(({ id }) => id)].join();
  return [...new Map(findings.map((finding) => [keyOf(finding), finding])).values()];
}
