import { useMemo } from "react";

/** A key for what is sent, the same as long as that is: pressed twice, or again after a lost answer, it is done once. */
export function useKeyFor(sent: unknown): string {
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is sent makes the key another one
  return useMemo(() => crypto.randomUUID(), [sent]);
}
