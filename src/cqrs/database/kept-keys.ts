import type { Done } from "../repeats.ts";

/** How long a key stands for what was done under it, in seconds of the database's clock: all processes have the same. */
export const KEPT_SECONDS = 24 * 60 * 60;

/**
 * Keys whose time is over that are removed for each one that is kept: whoever writes one prunes, and a command has little
 * of that to do, however many there are.
 */
export const PRUNED_PER_KEY = 10;

/** A key that was found, with its entry of the change log, if that is still there. */
export interface DoneRow {
  readonly subject: string;
  readonly key: string;
  readonly digest: string;
  readonly kind: "add" | "update" | "delete" | null;
  readonly before: string | null;
  readonly after: string | null;
}

/** What a row of `DoneRow` says. */
export function doneOf<T>({ subject, key, digest, kind, before, after }: DoneRow): Done<T> {
  const parsed = (json: string | null): T | null => (json === null ? null : JSON.parse(json));
  const effect = kind === null ? undefined : { kind, before: parsed(before), after: parsed(after) };
  return { subject, key, digest, effect };
}
