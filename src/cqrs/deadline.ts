import { setTimeout as sleep } from "node:timers/promises";

/** An answer did not come in time. What was asked for may still happen. */
export class TimedOut extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
    this.name = "TimedOut";
  }
}

/** @throws TimedOut when `promise` has not settled after `ms` milliseconds; whatever it does then is ignored. */
export function within<R>(ms: number, promise: Promise<R>): Promise<R> {
  return new Promise((resolve, reject) => {
    // after a stall of this process, timers fire before the sockets are read: what has arrived is still heard
    const timer = setTimeout(() => setImmediate(() => reject(new TimedOut(ms))), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Waits until the monotonic clock has reached `instant`, or `signal` says that nobody waits any more. */
export async function until(instant: number, signal?: AbortSignal): Promise<void> {
  // a timer alone may fire a millisecond early
  for (let left = instant - performance.now(); left > 0; left = instant - performance.now()) {
    await sleep(Math.ceil(left), undefined, signal && { signal }).catch(() => {});
    if (signal?.aborted) return;
  }
}
