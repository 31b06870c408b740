import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "./server.ts";
import type { Load, Loader, LoadResult } from "./wrk.ts";

/** How long a server that has stood still gets to find its feet, in milliseconds. */
const WARM_UP_MS = 200;
/** How long an entrant has the server in a round of short turns, and how long the next one waits for it to be done. Milliseconds. */
const SHORT_TURN_MS = 25;
const BETWEEN_TURNS_MS = 4;

/** A server under a number of connections, as one line of a workload's table. */
export interface Entrant {
  readonly name: string;
  readonly server: Server;
  /** The name of the URL that it is asked at, where there are several. */
  readonly door?: string;
  readonly connections: number;
  /** What it gets instead of the workload's load. */
  readonly load?: Load;
  /** What goes on at the same time, and is not timed: its requests count for processor time and errors alone. */
  readonly beside?: Omit<Entrant, "name" | "beside"> & { readonly load: Load };
}

/** A load, who gets it, and how their data are checked before and after. */
export interface Workload {
  readonly name: string;
  readonly about: string;
  readonly load: Load;
  readonly entrants: readonly Entrant[];
  /** For how long each has its load before the first round, where what is to be told apart is less than V8 gains by then. Seconds. */
  readonly settling?: number;
  /**
   * Whether entrants, which have one server, take turns of some milliseconds within a round: where what else the machine does from
   * one second to the next is more than the difference. Rates can be had so, latencies and processor time cannot.
   */
  readonly shortTurns?: boolean;
  readonly check: (server: Server) => Promise<void>;
}

/** What one entrant did in one round. */
interface Run {
  /** Answers a second. */
  readonly rate: number;
  /** Latencies in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** The processor time of the servers for each request, in microseconds. */
  readonly cpu: number;
  /** The share of the time in which the server kept its core busy; 1 means that it was the server that set the pace. */
  readonly busy: number;
  /** Resident memory in megabytes. */
  readonly memory: number;
  readonly errors: number;
  /** What the errors are, for people. */
  readonly problems: readonly string[];
  /** The share of the answers that say that Redis has given them. */
  readonly fromRedis: number;
}

/** The runs of each entrant by its name, in the order of the rounds; undefined where it sat out. */
export type Runs = ReadonlyMap<string, readonly (Run | undefined)[]>;

export interface Rounds {
  readonly count: number;
  readonly seconds: number;
  /** Those who are only there to be looked at take part in the first round alone. */
  readonly onceOnly: ReadonlySet<string>;
}

/** Runs a workload: in each round every entrant has a turn, while all other servers stand still. */
export async function measure(
  { name, load, entrants, settling, shortTurns, check }: Workload,
  { onceOnly, count, seconds }: Rounds,
  loader: Loader,
  say: (what: string) => void,
): Promise<Runs> {
  const read = load.reads[0] as string;
  const servers = new Set(entrants.flatMap(serversOf));
  const inTurn = async (some: Iterable<Server>, work: () => Promise<void>) => {
    for (const server of some) await server.resume(read);
    await work();
    for (const server of some) await server.pause();
  };
  const checkAll = async (when: "before" | "after") => {
    say(`${name}: checking answers ${when}`);
    for (const server of servers) await inTurn([server], () => check(server));
  };

  await checkAll("before");
  if (settling !== undefined) {
    for (const entrant of entrants) {
      say(`${name}: letting ${entrant.name} settle`);
      await inTurn(serversOf(entrant), async () => {
        await runOnce(entrant, load, loader, settling, 0);
      });
    }
  }
  const runs = new Map(entrants.map((entrant) => [entrant.name, [] as (Run | undefined)[]]));
  for (let round = 0; round < count; round++) {
    // whoever comes first in one round comes last in the next
    const order = [...entrants.slice(round % entrants.length), ...entrants.slice(0, round % entrants.length)];
    if (shortTurns) {
      say(`${name}: round ${round + 1} of ${count}, by turns`);
      await inTurn(servers, async () => {
        const all = await runByTurns(order, load, loader, seconds, round + 1);
        for (const [entrant, run] of all) (runs.get(entrant) as (Run | undefined)[])[round] = run;
      });
      continue;
    }
    for (const entrant of order) {
      if (round > 0 && onceOnly.has(entrant.name)) continue;
      say(`${name}: round ${round + 1} of ${count}, ${entrant.name}`);
      await inTurn(serversOf(entrant), async () => {
        (runs.get(entrant.name) as (Run | undefined)[])[round] = await runOnce(
          entrant,
          load,
          loader,
          seconds,
          round + 1,
        );
      });
    }
  }
  await checkAll("after");
  return runs;
}

async function runOnce(entrant: Entrant, load: Load, loader: Loader, seconds: number, seed: number): Promise<Run> {
  const { server, beside } = entrant;
  const all = [{ load, ...entrant }, ...(beside ? [beside] : [])];
  const servers = serversOf(entrant);
  const cpuSeconds = () => servers.reduce((sum, one) => sum + one.cpuSeconds(), 0);
  for (const one of all) one.server.isWritten ||= one.load.writesOfThousand > 0;
  for (const one of servers) {
    await one.warmUp((one === server ? (entrant.load ?? load) : (beside?.load ?? load)).reads, WARM_UP_MS);
  }
  const before = cpuSeconds();
  const results = await Promise.all(
    all.map((one) => loader.run(one.load, one.server.urlOf(one.door ?? "ready"), one.connections, seconds, seed)),
  );
  const cpu = cpuSeconds() - before;
  const { requests, microseconds, p50, p99 } = results[0] as LoadResult;
  return {
    ...answersOf(results),
    rate: (requests / microseconds) * 1e6,
    p50: p50 / 1000,
    p99: p99 / 1000,
    cpu: (cpu / results.reduce((sum, result) => sum + result.requests, 0)) * 1e6,
    busy: (cpu / microseconds / servers.length) * 1e6,
    memory: server.memoryMb(),
  };
}

/** A round in which each entrant has so many seconds, in short turns. */
async function runByTurns(
  entrants: readonly Entrant[],
  load: Load,
  loader: Loader,
  seconds: number,
  seed: number,
): Promise<ReadonlyMap<string, Run>> {
  // it ends when it is told to
  const whole = 2 * entrants.length * seconds + 60;
  const all = entrants.map((entrant) => {
    const { server, door = "ready", connections } = entrant;
    const running = loader.start(entrant.load ?? load, server.urlOf(door), connections, whole, seed);
    running.pause();
    return { entrant, running, ms: 0 };
  });
  while (all.some(({ ms }) => ms < seconds * 1000)) {
    for (const one of all) {
      const began = performance.now();
      one.running.goOn();
      await sleep(SHORT_TURN_MS);
      one.running.pause();
      one.ms += performance.now() - began;
      await sleep(BETWEEN_TURNS_MS);
    }
    // nobody always comes behind the same one
    all.reverse();
  }
  const runs = new Map<string, Run>();
  for (const { entrant, running, ms } of all) {
    running.end();
    running.goOn();
    const result = await running.result;
    const none = { p50: Number.NaN, p99: Number.NaN, cpu: Number.NaN, busy: Number.NaN };
    const rate = (result.requests / ms) * 1000;
    runs.set(entrant.name, { ...answersOf([result]), ...none, rate, memory: entrant.server.memoryMb() });
  }
  return runs;
}

/** What there is to be said of the answers; the first ones are the entrant's, and others what went on beside it. */
function answersOf(results: readonly LoadResult[]): Pick<Run, "errors" | "problems" | "fromRedis"> {
  const errors = results.flatMap((result) =>
    Object.entries(result.errors).filter(([, occurrences]) => occurrences > 0),
  );
  const { requests, fromRedis, writes } = results[0] as LoadResult;
  return {
    errors: errors.reduce((sum, [, occurrences]) => sum + occurrences, 0),
    problems: [
      ...errors.map(([kind, occurrences]) => `${occurrences} ${kind}`),
      ...results.map(({ wrong }) => wrong),
    ].filter(Boolean),
    fromRedis: fromRedis / (requests - writes),
  };
}

function serversOf({ server, beside }: Entrant): Server[] {
  return [...new Set([server, ...(beside ? [beside.server] : [])])];
}

/** What can be compared. */
export type Figure = Exclude<keyof Run, "problems">;

/** What has come out of a workload. */
export interface Result {
  readonly workload: Workload;
  readonly runs: Runs;
}

/** The median over the rounds in which the entrant took part. */
export function medianOf(runs: Runs, entrant: string, figure: Figure): number {
  return median((runs.get(entrant) ?? []).flatMap((run) => (run ? [run[figure]] : [])));
}

/** The median, over the rounds, of how the entrant's figure compares with the other's in the same round. */
export function ratioOf(runs: Runs, entrant: string, other: string, figure: Figure): number {
  const others = runs.get(other) ?? [];
  return median(
    (runs.get(entrant) ?? []).flatMap((run, round) => {
      const base = others[round];
      return run && base ? [run[figure] / base[figure]] : [];
    }),
  );
}

/** The errors of one entrant, in all rounds. */
export function errorsOf(runs: Runs, entrant: string): number {
  return (runs.get(entrant) ?? []).reduce((sum, run) => sum + (run?.errors ?? 0), 0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2;
}
