import { useSyncExternalStore } from "react";
import type { BookChangesSubscription } from "../generated/graphql.ts";

/** What has become of the catalogue while this page was open, beyond what the cache shows by itself. */
export interface Changes {
  /** How often a book was added or deleted. Lists do not move under the reader's eyes; this says that there is more. */
  readonly addedOrDeleted: number;
  readonly deletedIds: ReadonlySet<string>;
}

let changes: Changes = { addedOrDeleted: 0, deletedIds: new Set() };
const listeners = new Set<() => void>();

export function noteChange({ kind, before }: BookChangesSubscription["bookChanges"]): void {
  if (kind !== "ADDED" && kind !== "DELETED") return;
  const { addedOrDeleted, deletedIds } = changes;
  changes = {
    addedOrDeleted: addedOrDeleted + 1,
    deletedIds: kind === "DELETED" && before ? new Set([...deletedIds, before.id]) : deletedIds,
  };
  for (const tell of listeners) tell();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useChanges(): Changes {
  return useSyncExternalStore(subscribe, () => changes);
}

export function useIsDeleted(id: string): boolean {
  return useSyncExternalStore(subscribe, () => changes.deletedIds.has(id));
}
