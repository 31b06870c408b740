import { useSyncExternalStore } from "react";

export interface Connection {
  /** Since when the service cannot be heard; undefined while it can. */
  readonly lostAt?: Date;
  /** Whether the service has forgotten what this page shows, as after a backup was restored. */
  readonly mustReload?: boolean;
}

let connection: Connection = {};
const listeners = new Set<() => void>();

function set(now: Connection): void {
  connection = now;
  for (const tell of listeners) tell();
}

export function setConnected(connected: boolean): void {
  const { lostAt, ...rest } = connection;
  if (connected === !lostAt) return;
  set(connected ? rest : { ...rest, lostAt: new Date() });
}

export function askForReload(): void {
  set({ ...connection, mustReload: true });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, () => connection);
}
