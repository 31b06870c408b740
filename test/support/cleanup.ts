import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, onTestFinished } from "vitest";

type Close = () => unknown;

let closers: Close[] | undefined;

/** Calls `close` when the test is over, or what `cleaningUp` runs where there is no test. Last in, first out. */
export function onFinished(close: Close): void {
  if (closers) closers.push(close);
  else onTestFinished(async () => void (await close()));
}

/** Runs `work` before the tests of the file or group, and afterwards ends what it has started. */
export function aroundTests(work: () => Promise<unknown>): void {
  const started: Close[] = [];
  beforeAll(async () => {
    closers = started;
    await work().finally(() => {
      closers = undefined;
    });
  });
  afterAll(async () => {
    for (const close of started.reverse()) await close();
  });
}

/** What `start` makes, once for all tests of the file or group. It is there while they run. */
export function startedOnce<R>(start: () => Promise<R>): () => R {
  let started: R | undefined;
  aroundTests(async () => {
    started = await start();
  });
  return () => started as R;
}

/** Runs `work` outside a test, and afterwards ends what it has started. */
export async function cleaningUp<R>(work: () => Promise<R>): Promise<R> {
  closers = [];
  try {
    return await work();
  } finally {
    for (const close of closers.reverse()) await close();
    closers = undefined;
  }
}

/** Sends the signal to a process when the test is over, and waits for its end. */
export function endWithTest(child: ChildProcess, signal: NodeJS.Signals): void {
  onFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  });
}
