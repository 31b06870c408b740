import { subscribe } from "node:diagnostics_channel";
import type { Worker } from "node:worker_threads";

/*
 * What a process of the torture imports before all else: SIGUSR2 kills the threads that it has beside its main one, wherever
 * they are in what they do.
 */

const threads = new Set<Worker>();

subscribe("worker_threads", (message) => {
  const { worker } = message as { readonly worker: Worker };
  threads.add(worker);
  worker.once("exit", () => threads.delete(worker));
});

process.on("SIGUSR2", () => {
  for (const thread of threads) void thread.terminate();
});
