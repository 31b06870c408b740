/*
 * Everything that Redis holds of a stream; `scripts` has what is done to it.
 *
 *   {STREAM:NAME}:rows   hash        key -> JSON of the instance; the field "" holds the mark that the hash stands at
 *   {STREAM:NAME}:order  sorted set  what each is sorted by, NUL, and its key, all with score 0, so in code-point order
 *   {STREAM}:rebuilding  string      the name that a process is building, while it does
 *   {STREAM:rate:CLIENT} string      when all that a client may ask in a minute is there again, of the first stream
 *
 * NAME is the name of the read model (`read-model-name.ts`). The braces keep both keys on one node of a cluster.
 */

/** Without a look-up to extend it, a read model vanishes after this time. Milliseconds. */
export const TIME_TO_LIVE_MS = 600_000;

/** The field that holds the mark. No instance has it: a key is never empty. */
export const MARK_FIELD = "";

export interface ReadModelKeys {
  readonly rows: string;
  readonly order: string;
}

export function readModelKeys(stream: string, name: string): ReadModelKeys {
  return { rows: `{${stream}:${name}}:rows`, order: `{${stream}:${name}}:order` };
}

/**
 * The member of the sorted set for `key`, of a stream that has an order beside its keys. Neither part holds a NUL, which comes
 * before all else: so members are in the order of what they are sorted by, and then of their keys.
 */
export function memberOf(order: ((key: string) => string) | undefined, key: string): string {
  return `${order?.(key) ?? ""}\0${key}`;
}

/** Says that a process is rebuilding the stream's read model. It spares work; nothing depends on it. */
export function rebuildLockKey(stream: string): string {
  return `{${stream}}:rebuilding`;
}

/** What a client has used up. Each client has its own place on a cluster; the stream's name is what users' rights begin with. */
export function rateKey(stream: string, client: string): string {
  return `{${stream}:rate:${client}}`;
}
