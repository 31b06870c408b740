import { Worker } from "node:worker_threads";
import { onTestFinished, vi } from "vitest";

/** The threads that have been sent something since, newest last, and what they were sent. */
export function watchThreads() {
  const threads = new Set<Worker>();
  const messages: unknown[] = [];
  const { postMessage } = Worker.prototype;
  const spy = vi.spyOn(Worker.prototype, "postMessage").mockImplementation(function (this: Worker, message) {
    threads.add(this);
    messages.push(message);
    return postMessage.call(this, message);
  });
  onTestFinished(() => spy.mockRestore());
  return { messages, newest: () => [...threads].at(-1) as Worker, count: () => threads.size };
}
