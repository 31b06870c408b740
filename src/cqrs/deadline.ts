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

/** A wait that may be ended before its time. */
export interface Wait {
  readonly over: Promise<void>;
  /** Ends it now. Not by an `AbortSignal`, whose error with its stack costs more than all else here. */
  end(): void;
}

/** Waits until the monotonic clock has reached `instant`, unless it is ended before. */
export function waitUntil(instant: number): Wait {
  let timer: NodeJS.Timeout | undefined;
  let end = () => {};
  const over = new Promise<void>((resolve) => {
    end = () => {
      clearTimeout(timer);
      resolve();
    };
    // a timer alone may fire a millisecond early
    const look = () => {
      const left = instant - performance.now();
      if (left > 0) timer = setTimeout(look, Math.ceil(left));
      else resolve();
    };
    look();
  });
  return { over, end };
}
