import { subscribe } from "node:diagnostics_channel";
import { BroadcastChannel, isMainThread, type Worker } from "node:worker_threads";
import { THREAD_ENDED } from "./thread-ended.ts";

/*
 * What a process of the torture imports before all else, in each of its threads. Signals do to the threads that it has
 * beside its main one what may befall them: SIGUSR2 kills all of them, wherever they are in what they do, SIGHUP has all
 * hang before they begin with what comes next, and SIGWINCH has the one that commits run out of memory. The others may take
 * as much as the process. It says when one has ended.
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

if (isMainThread) {
  subscribe("worker_threads", (message) => {
    const { worker } = message as { readonly worker: Worker };
    threads.add(worker);
    worker.once("exit", () => {
      threads.delete(worker);
      process.stderr.write(`${THREAD_ENDED}\n`);
    });
  });
  process.on("SIGUSR2", () => {
    for (const thread of threads) void thread.terminate();
  });
  process.on("SIGHUP", () => orders.postMessage("hang"));
  process.on("SIGWINCH", () => orders.postMessage("bloat"));
} else {
  const commits = process.argv[1]?.includes("writer-thread") === true;
  orders.onmessage = ({ data }) => {
    if (data === "hang") hang();
    else if (commits) bloat();
  };
}
