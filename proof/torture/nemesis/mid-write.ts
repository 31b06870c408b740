import { setTimeout as sleep } from "node:timers/promises";
import type { Member } from "../cluster/member.ts";

/** Waits until the process has been at work on a mutation for `ms`; not for ever, for it may get none. */
export async function midWrite({ mutating }: Member, ms: number): Promise<void> {
  const deadline = performance.now() + 2000;
  let seen: { readonly mutation: object; readonly since: number } | undefined;
  while (performance.now() < deadline) {
    const [mutation] = mutating.keys();
    if (!mutation) seen = undefined;
    else if (seen?.mutation !== mutation) seen = { mutation, since: performance.now() };
    if (seen && performance.now() >= seen.since + ms) return;
    await sleep(1);
  }
}
