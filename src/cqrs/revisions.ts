/** Revisions by the names of their streams. */
export type Revisions = Readonly<Record<string, number>>;

/** What most requests ask for. */
export const NO_REVISIONS: Revisions = {};

/** What answered: `both` where one request needed several reads and not all came from the same store. */
export type ServedBy = "redis" | "database" | "both";

/** What an answer says of itself: the revisions that it is true at, and what served it. */
export interface Report {
  /** That of the first stream, if it was read or written. */
  readonly revision?: number;
  readonly servedBy: ServedBy;
  /** Those of all that were read or written, where there is more than one stream. */
  readonly streams?: Revisions;
}

/** The report on an answer. `streams` names all there are, `revisions` has those that were read or written. */
export function reportOf(streams: readonly string[], revisions: Revisions, servedBy: ServedBy): Report {
  const revision = revisions[streams[0] ?? ""];
  if (streams.length === 1 && revision !== undefined) return { revision, servedBy };
  return {
    ...(revision !== undefined && { revision }),
    servedBy,
    ...(streams.length > 1 && { streams: revisions }),
  };
}

/** The report on an answer for which one stream alone was read or written. */
export function reportOfOne(streams: readonly string[], stream: string, revision: number, servedBy: ServedBy): Report {
  return streams.length === 1 ? { revision, servedBy } : reportOf(streams, { [stream]: revision }, servedBy);
}

/** For each stream the higher one of two revisions that an answer must have reached. */
export function highest(one: Revisions, other: Revisions): Revisions {
  if (one === NO_REVISIONS) return other;
  if (other === NO_REVISIONS) return one;
  const highest: Record<string, number> = { ...one };
  for (const [stream, revision] of Object.entries(other)) highest[stream] = Math.max(highest[stream] ?? 0, revision);
  return highest;
}
