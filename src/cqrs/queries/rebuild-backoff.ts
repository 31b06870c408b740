import { ON_CLUSTER, parseReadModelName, type RedisPlace, samePlace } from "../redis/read-model-name.ts";

/** The shortest wait after a rebuild before the next one may begin, and the longest that a fight leads to. Milliseconds. */
const PAUSE_MS = { first: 500, longest: 60_000 };

/**
 * How long a process waits between rebuilds. What is lost or fails is rebuilt soon: the wait is about half as long as the
 * rebuild before it took, so that a server that keeps losing it does not keep the database busy all the time. But where
 * processes that are led to different servers throw each other's read model out, the wait doubles with each time.
 */
export class RebuildBackoff {
  #notBefore = 0;
  #beganAt = 0;
  /** What this process put in force, or found in force and sound: to rebuild that is no fight. */
  #known: string | undefined;
  #hasRebuilt = false;
  #fightPauseMs = 0;
  /** Where this process has fought. Led to a new place, it need not wait for what was the matter at the old ones. */
  readonly #battlegrounds: RedisPlace[] = [];
  #inForceSince: number | undefined;

  /** Says whether the read model `current` may be rebuilt at `place` now, in which case that begins. */
  begin(place: RedisPlace, current: string | null): boolean {
    const now = performance.now();
    const isKnownGround = this.#battlegrounds.some((ground) => samePlace(ground, place));
    if (now < this.#notBefore && (this.#fightPauseMs === 0 || isKnownGround)) return false;
    if (this.#isAnothers(place, current)) {
      this.#fightPauseMs = isKnownGround ? Math.min(2 * this.#fightPauseMs, PAUSE_MS.longest) : PAUSE_MS.first;
      if (!isKnownGround) this.#battlegrounds.push(place);
    }
    this.#inForceSince = undefined;
    this.#beganAt = now;
    return true;
  }

  /** The rebuild that began last has ended, with the read model `name` in force or none. */
  end(name: string | undefined): void {
    const now = performance.now();
    const pauseMs = Math.max(PAUSE_MS.first, (now - this.#beganAt) / 2, this.#fightPauseMs);
    this.#notBefore = now + pauseMs * (0.5 + Math.random());
    if (name === undefined) return;
    this.#known = name;
    this.#hasRebuilt = true;
  }

  /** The read model `name` is in force where this process is led, and sound. */
  isSound(name: string): void {
    const now = performance.now();
    this.#known = name;
    this.#inForceSince ??= now;
    if (now - this.#inForceSince < 10 * this.#fightPauseMs) return;
    this.#fightPauseMs = 0;
    this.#battlegrounds.length = 0;
  }

  /** Whether another process has replaced this one's read model by one that was never to be found here. */
  #isAnothers(place: RedisPlace, current: string | null): boolean {
    if (!this.#hasRebuilt || current === null || current === this.#known) return false;
    // clusters cannot be told apart
    return samePlace(place, ON_CLUSTER) || !samePlace(parseReadModelName(current), place);
  }
}
