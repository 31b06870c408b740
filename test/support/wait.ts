import { setTimeout as sleep } from "node:timers/promises";

/** Tries until `condition` holds; fails with its last error, or `what`, after `timeoutMs`. */
export async function eventually<R>(what: string, condition: () => R | Promise<R>, timeoutMs = 20_000): Promise<R> {
  for (const deadline = Date.now() + timeoutMs; ; await sleep(15)) {
    let reason: unknown;
    try {
      const result = await condition();
      if (result) return result;
    } catch (error) {
      reason = error;
    }
    if (Date.now() > deadline) throw reason ?? new Error(`never happened: ${what}`);
  }
}
