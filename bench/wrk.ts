import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { endWithTest } from "../test/support/cleanup.ts";

const SCRIPT = fileURLToPath(new URL("load.lua", import.meta.url));

/** What a server is to answer: requests drawn at random from `reads` and, so many of a thousand, from `writes`. */
export interface Load {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly writesOfThousand: number;
  /** The text that begins the data of every read's answer. */
  readonly readData: string;
  /** What is sent as `Authorization`. */
  readonly authorization?: string;
}

/** What wrk has counted and timed. */
export interface LoadResult {
  readonly requests: number;
  readonly microseconds: number;
  /** How many requests have failed in which way. Those that take more than two seconds are time-outs. */
  readonly errors: Readonly<Record<string, number>>;
  /** What the first wrong answers were. */
  readonly wrong: string;
  /** Answers that say that Redis has given them. */
  readonly fromRedis: number;
  readonly writes: number;
  /** Latencies in microseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** A load that is being put on a server. */
export interface RunningLoad {
  /** Sends nothing more until it is to go on. */
  pause(): void;
  goOn(): void;
  /** Ends before its time. */
  end(): void;
  readonly result: Promise<LoadResult>;
}

/** Loads that wrk can replay, as files in a directory. */
export class Loader {
  readonly #directory: string;
  readonly #files = new Map<Load, { reads: string; writes: string }>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Puts the load on the server, and returns how it went. */
  run(load: Load, url: string, connections: number, seconds: number, seed: number): Promise<LoadResult> {
    return this.start(load, url, connections, seconds, seed).result;
  }

  /** Begins to put the load on the server. */
  start(load: Load, url: string, connections: number, seconds: number, seed: number): RunningLoad {
    const { reads, writes } = this.#filesOf(load);
    const running = promisify(execFile)("wrk", [
      ...["--threads", "1", "--connections", `${connections}`, "--duration", `${seconds}s`, "--script", SCRIPT],
      ...[
        url,
        "--",
        reads,
        writes,
        `${load.writesOfThousand}`,
        `${seed}`,
        load.readData,
        ...(load.authorization ? [load.authorization] : []),
      ],
    ]);
    const { child } = running;
    // one that stands still would never end by itself
    endWithTest(child, "SIGKILL");
    // the script's own line comes after wrk's report
    const result = running.then(({ stdout, stderr }) => ({
      ...JSON.parse(stdout.trimEnd().split("\n").at(-1) as string),
      wrong: stderr,
    }));
    // whoever waits for it is told of a failure, and it is none if nobody does any more
    result.catch(() => {});
    return {
      pause: () => child.kill("SIGSTOP"),
      goOn: () => child.kill("SIGCONT"),
      end: () => child.kill("SIGINT"),
      result,
    };
  }

  #filesOf(load: Load): { reads: string; writes: string } {
    let files = this.#files.get(load);
    if (!files) {
      const name = join(this.#directory, `load-${this.#files.size}`);
      files = { reads: `${name}-reads`, writes: `${name}-writes` };
      writeFileSync(files.reads, `${load.reads.join("\n")}\n`);
      writeFileSync(files.writes, `${load.writes.join("\n")}\n`);
      this.#files.set(load, files);
    }
    return files;
  }
}
