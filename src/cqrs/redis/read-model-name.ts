import { randomBytes } from "node:crypto";

/** The version of the kernel's keys and of how they hold a stream. It is raised with each change of either. */
const KEY_FORMAT = 2;

/** A server run and the database in it, as the server itself reports them. */
export interface RedisPlace {
  readonly runId: string;
  readonly database: number;
}

/** The place of what lives on a Redis Cluster. */
export const ON_CLUSTER: RedisPlace = { runId: "cluster", database: 0 };

/** What the name of a read model says of it. */
export interface ReadModelName extends RedisPlace {
  readonly keyFormat: number;
  /** The version of the stream's own {@link Format}; 0 for a name from before streams had one. */
  readonly format: number;
}

/**
 * A name for a new read model at `place`, of a stream whose format has this version. It never comes back: its last part
 * is random.
 */
export function newReadModelName({ runId, database }: RedisPlace, format: number): string {
  return `${KEY_FORMAT}.${format}-${runId}-${database}-${randomBytes(9).toString("hex")}`;
}

/** What a name says; `undefined` for what no version of this program wrote that this one knows. */
export function parseReadModelName(name: string): ReadModelName | undefined {
  const [, keyFormat, format = 0, runId = "", database] = /^(\d+)(?:\.(\d+))?-(\w+)-(\d+)-\w+$/.exec(name) ?? [];
  if (keyFormat === undefined) return undefined;
  return { keyFormat: Number(keyFormat), format: Number(format), runId, database: Number(database) };
}

/**
 * Whether the read model is as this program makes it for a stream of this format, or of an older or a newer version.
 * Newer is what has anything newer: of two versions neither of which is the later, neither may replace the other's.
 */
export function ageOf({ keyFormat, format }: ReadModelName, own: number): "older" | "same" | "newer" {
  if (keyFormat > KEY_FORMAT || format > own) return "newer";
  return keyFormat < KEY_FORMAT || format < own ? "older" : "same";
}

export function samePlace(a: RedisPlace | undefined, b: RedisPlace): boolean {
  return a?.runId === b.runId && a.database === b.database;
}

/** Whether a read model of this program's version lives at `place`, for a stream of this format. */
export function livesAt(name: string, place: RedisPlace, format: number): boolean {
  const parsed = parseReadModelName(name);
  return parsed !== undefined && ageOf(parsed, format) === "same" && samePlace(parsed, place);
}
