/** What `promise` comes to, or what `late` makes once `ms` milliseconds have gone by without that. */
export function inTime<R, L>(ms: number, promise: Promise<R>, late: () => L): Promise<R | L> {
  return new Promise((resolve, reject) => {
    // after a stall of this process, timers fire before the sockets are read: what has arrived is still heard
    const timer = setTimeout(() => setImmediate(() => resolve(late())), ms);
    promise.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
