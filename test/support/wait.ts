import { setTimeout as sleep } from "node:timers/promises";

/** To ask is work, too: who has waited long can wait a little more. Milliseconds. */
const PAUSE = { shortest: 5, longest: 50, shareOfWait: 0.1 };

/** Tries until `condition` holds; fails with its last error, or `what`, after `timeoutMs`. */
export async function eventually<R>(what: string, condition: () => R | Promise<R>, timeoutMs = 20_000): Promise<R> {
  const began = performance.now();
  for (;;) {
    let reason: unknown;
    try {
      const result = await condition();
      if (result) return result;
    } catch (error) {
      reason = error;
    }
    const waited = performance.now() - began;
    if (waited > timeoutMs) throw reason ?? new Error(`never happened: ${what}`);
    await sleep(Math.min(Math.max(waited * PAUSE.shareOfWait, PAUSE.shortest), PAUSE.longest));
  }
}
