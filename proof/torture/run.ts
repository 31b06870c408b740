import { setTimeout as sleep } from "node:timers/promises";
import { Judge, type JudgeOptions } from "../checker/judge.ts";
import type { Entry } from "../checker/ledger.ts";
import type { Violation } from "../checker/violation.ts";
import { Random } from "../clients/random.ts";
import { type Source, Subscribers } from "../clients/subscribers.ts";
import { Workload, type WorkloadOptions } from "../clients/workload.ts";
import type { GroundTruth } from "../history/change.ts";
import { Checking } from "../history/checking.ts";
import { Evidence } from "../history/evidence.ts";
import { History } from "../history/history.ts";
import type { Operation } from "../history/operation.ts";
import { Tally } from "../history/tally.ts";
import { readMark } from "./change-log.ts";
import { type Cluster, type ClusterOptions, startCluster } from "./cluster/cluster.ts";
import { awaitConvergence, checkReadModel, examine } from "./cluster/convergence.ts";
import { Nemesis, type NemesisOptions } from "./nemesis/nemesis.ts";

export interface RunOptions extends ClusterOptions, WorkloadOptions, NemesisOptions, JudgeOptions {
  readonly seed: number;
  /** How long the nemesis is at work. Milliseconds. */
  readonly ms: number;
}

export interface RunResult {
  readonly options: RunOptions;
  readonly history: History;
  /** What the original held at the end. */
  readonly truth: GroundTruth;
  /** How much subscribers were told. */
  readonly told: number;
  /** What each process logged, by its name. */
  readonly logs: ReadonlyMap<string, string>;
}

/** Those who look on while a run goes on. */
export interface Onlookers {
  /** Told each second. */
  readonly onProgress?: (history: History, faults: string) => void;
  /** Told of each operation when it was judged long ago. */
  readonly onForget?: (operation: Operation) => void;
}

/**
 * One run: a cluster, clients and a nemesis for a while, and a judge who looks on; then all is healed, and what is left
 * is judged. What it starts ends with the test.
 */
export async function run(options: RunOptions, { onProgress, onForget }: Onlookers = {}): Promise<RunResult> {
  const random = new Random(options.seed);
  const history = newHistory(options, onForget);
  const cluster = await startCluster(options, history);
  const workload = new Workload(history, () => cluster.members, random.fork(), options);
  const nemesis = new Nemesis(history, cluster, workload, options, random.fork());
  await awaitConvergence(history, cluster.members);
  const subscribers = new Subscribers(history, sourceOf(cluster), random.fork());
  subscribers.start();
  const progress = setInterval(() => onProgress?.(history, nemesis.now), 1000);
  const checking = new Checking(history);

  try {
    await Promise.race([workload.start(), nemesis.start(), checking.failed, sleep(options.ms)]);
    history.tally.end(history.now);
    await nemesis.stop();
    await workload.stop();
  } finally {
    clearInterval(progress);
  }

  await sleep(Math.max(0, history.judge.edits.over - history.now));
  await workload.readAll();
  history.blame(await awaitConvergence(history, cluster.members));
  await workload.readAll();
  await subscribers.stop();
  await checking.stop();
  for (const installation of cluster.installations) {
    await installation.lock.run(() => installation.endBranch());
    history.blame(await checkReadModel(cluster.redis.client, installation));
    history.blame(await examine(cluster.redis, installation));
  }
  await history.check();
  history.evidence.end();
  const truth = cluster.original.branch.truth as GroundTruth;
  const logs = new Map([...nemesis.logs, ...cluster.members.map(({ name, log }) => [name, log] as const)]);
  return { options, history, truth, told: subscribers.told, logs };
}

/** What a process may refuse a subscriber for which it is not to blame. */
const PASSING = ["DATABASE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "TIMED_OUT", "LIMIT_EXCEEDED", "INTERNAL_SERVER_ERROR"];

function sourceOf({ original }: Cluster): Source {
  return {
    servers: () => original.members,
    branch: () => original.branch,
    revision: async () => (await readMark(original.database.url)).revision,
    changes: async () => new Map((await original.branch.read(0)).map((change) => [change.revision, change])),
    // before it is a stream it is told so by the status alone
    mayRefuse: (code) => PASSING.includes(code) || code === "status 503",
    isAlone: true,
  };
}

function newHistory(options: RunOptions, onForget?: (operation: Operation) => void): History {
  const report = (violation: Violation) => evidence.add(violation);
  const judge = new Judge(options, report);
  const logOf = (branch: string, from: number, to: number): readonly Entry[] => judge.log(branch, from, to);
  const evidence = new Evidence(() => ({ ms: history.now, operations: history.nextId }), logOf, onForget);
  const history: History = new History(judge, evidence, new Tally());
  return history;
}
