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

/**
 * Calls `over` after `ms` milliseconds of silence of a thread, unless the returned function is called before. In two spans:
 * when all threads of the process were stopped for long, one of them is over at once.
 */
export function patience(ms: number, over: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (spans: number) => {
    const look = () => {
      if (!timer) return;
      if (spans > 1) wait(spans - 1);
      else over();
    };
    // after a stall, timers fire before messages are read: what has arrived is still heard
    timer = setTimeout(() => setImmediate(look), ms / 2);
  };
  wait(2);
  return () => {
    clearTimeout(timer);
    timer = undefined;
  };
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
