/*
 * Loaded into a process with `--import`: from then on its wall clock jumps some hours ahead and back many times a
 * second, as it may when somebody sets it. The monotonic clock (`performance.now`, timers) is left alone.
 */

const HOUR_MS = 3_600_000;
const JUMP_EVERY_MS = 20;

const Wall = Date;

/** The same for both ways to ask: between two jumps, the clock goes on as it does. */
function now(): number {
  const jump = Math.floor(performance.now() / JUMP_EVERY_MS);
  return Wall.now() + (((jump * 7) % 11) - 5) * HOUR_MS;
}

globalThis.Date = new Proxy(Wall, {
  construct: (_, args) => (args.length === 0 ? new Wall(now()) : Reflect.construct(Wall, args)),
  get: (_, property) => (property === "now" ? now : Reflect.get(Wall, property)),
});
