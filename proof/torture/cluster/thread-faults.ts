import { subscribe } from "node:diagnostics_channel";
import { BroadcastChannel, isMainThread, type Worker } from "node:worker_threads";
import { THREADS_ENDED } from "./threads-ended.ts";

/*
 * What a process of the torture imports before all else, in each of its threads. Signals do to the threads that it has
 * beside its main one what may befall them: SIGUSR2 kills all of them, wherever they are in what they do, SIGHUP has all
 * hang before they begin with what comes next, and SIGWINCH has the one that commits run out of memory. The others may take
 * as much as the process. When all that were struck have ended, it says so.
 */

const threads = new Set<Worker>();
const orders = new BroadcastChannel("faults of threads");
// it keeps no thread alive
orders.unref();

function hang(): void {
  for (;;);
}

function bloat(): void {
  for (const kept: unknown[] = []; ; ) kept.push(new Array(1_000_000).fill(0.5));
}

function sayWhenEnded(struck: readonly Worker[]): readonly Worker[] {
  const left = new Set(struck);
  const say = () => left.size === 0 && process.stderr.write(`${THREADS_ENDED}\n`);
  for (const thread of struck) {
    thread.once("exit", () => {
      left.delete(thread);
      say();
    });
  }
  say();
  return struck;
}

if (isMainThread) {
  subscribe("worker_threads", (message) => {
    const { worker } = message as { readonly worker: Worker };
    threads.add(worker);
    worker.once("exit", () => threads.delete(worker));
  });
  process.on("SIGUSR2", () => {
    const struck = sayWhenEnded([...threads]);
    for (const thread of struck) void thread.terminate();
  });
  process.on("SIGHUP", () => {
    sayWhenEnded([...threads]);
    orders.postMessage("hang");
  });
  process.on("SIGWINCH", () => {
    sayWhenEnded([...threads].filter(({ threadName }) => threadName === "writer"));
    orders.postMessage("bloat");
  });
} else {
  const commits = process.argv[1]?.includes("writer-thread") === true;
  orders.onmessage = ({ data }) => {
    if (data === "hang") hang();
    else if (commits) bloat();
  };
}
