import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { bookRequest } from "./requests.ts";
import { type Load, Loader } from "./wrk.ts";

const ROUNDS = 5;
const SECONDS = 4;
/** Clients that read books by their titles. */
const READERS = 16;
/** The monitor of the event loop looks so often, which is a part of what it tells. Milliseconds. */
const LOOKED_EVERY = 10;

interface Watched {
  readonly url: string;
  /** Where its metrics are. */
  readonly metrics: string;
}

interface Run {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly held: number;
  readonly searches: number;
}

/**
 * Reads books by their titles, in turns alone and beside one client that asks `search` again and again; the table of what
 * became of them, of the medians of the rounds.
 */
export async function besideSearches(service: Watched, titles: readonly string[], search: () => Promise<unknown>) {
  const loader = new Loader(temporaryDirectory());
  const load: Load = {
    ...{ reads: titles.map(bookRequest), writes: [], writesOfThousand: 0 },
    readData: '"data":{"book":{"title":',
  };
  const run = async (round: number, isBeside: boolean): Promise<Run> => {
    let [searches, isOver] = [0, false];
    const searching = async () => {
      while (isBeside && !isOver) await search().then(() => searches++);
    };
    await heldMs(service);
    const stream = searching();
    const { requests, microseconds, p50, p99, errors, wrong } = await loader.run(
      load,
      service.url,
      READERS,
      SECONDS,
      round,
    );
    isOver = true;
    await stream;
    if (wrong || Object.values(errors).some((count) => count > 0))
      throw new Error(`${JSON.stringify(errors)} ${wrong}`);
    const seconds = microseconds / 1e6;
    const held = await heldMs(service);
    return { rate: requests / seconds, p50: p50 / 1000, p99: p99 / 1000, held, searches: searches / seconds };
  };
  const [alone, beside]: [Run[], Run[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round++) {
    const [before, then] = [await run(round, false), await run(round, true)];
    if (round === 0) continue;
    alone.push(before);
    beside.push(then);
  }
  const row = (what: string, of: (run: Run) => number, digits: number) =>
    `| ${what} | ${[alone, beside].map((runs) => median(runs.map(of)).toFixed(digits)).join(" | ")} |`;
  const shares = beside.map(({ rate }, i) => rate / (alone[i] as Run).rate);
  return [
    `| ${READERS} clients read books by title | alone | beside a stream of broad searches |`,
    "| --- | ---: | ---: |",
    row("reads/s", ({ rate }) => rate, 0),
    `| share of the rate | | ${median(shares).toFixed(2)} |`,
    row("p50 (ms)", ({ p50 }) => p50, 1),
    row("p99 (ms)", ({ p99 }) => p99, 1),
    row("searches/s", ({ searches }) => searches, 1),
    row("the event loop was held, at most (ms)", ({ held }) => held, 1),
  ].join("\n");
}

/** For how long nothing else was done on the event loop at most, since the last time that this was asked. */
async function heldMs({ metrics }: Watched): Promise<number> {
  const text = await (await fetch(metrics)).text();
  const seconds = Number(/^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(text)?.[1]);
  return Math.max(0, 1000 * seconds - LOOKED_EVERY);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
