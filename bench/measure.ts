import type { Server } from "./server.ts";
import type { Load, Loader, LoadResult } from "./wrk.ts";

/** How long a server that has stood still gets to find its feet, in milliseconds. */
const WARM_UP_MS = 200;

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
  /** In place of the run's: many short ones, where what else the machine does would hide the difference. */
  readonly rounds?: Pick<Rounds, "count" | "seconds">;
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
  { name, load, entrants, settling, rounds, check }: Workload,
  { onceOnly, ...ofAll }: Rounds,
  loader: Loader,
  say: (what: string) => void,
): Promise<Runs> {
  const { count, seconds } = rounds ?? ofAll;
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
  const errors = results.flatMap((result) =>
    Object.entries(result.errors).filter(([, occurrences]) => occurrences > 0),
  );
  const { requests, microseconds, fromRedis, writes, p50, p99 } = results[0] as LoadResult;
  return {
    rate: (requests / microseconds) * 1e6,
    p50: p50 / 1000,
    p99: p99 / 1000,
    cpu: (cpu / results.reduce((sum, result) => sum + result.requests, 0)) * 1e6,
    busy: (cpu / microseconds / servers.length) * 1e6,
    memory: server.memoryMb(),
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
