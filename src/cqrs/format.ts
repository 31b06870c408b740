/**
 * The shape of a stream's instances, as its change log and its read model hold them. Processes of two versions may run
 * side by side: each reads and writes Redis under a name of its own format, and reads what the other has logged.
 */
export interface Format<T> {
  /** Counts from 1, and is raised with each change of the shape or of what instances are sorted by. It is a part of the read model's name. */
  readonly version: number;
  /**
   * Makes an instance of one that a process of an older version logged as added: with what the table has in such a row,
   * which is the column's default. What is whole stays as it is.
   */
  readonly complete: (logged: Partial<T>) => Partial<T>;
  /**
   * Corrects an instance of the past that was logged by a version which knew less, and was made whole by what the database
   * has of it from later on: what that says of times may be of later ones. Absent where there is nothing to correct.
   */
  readonly past?: (whole: T, known: PastTimes) => T;
}

/** What the change log says of the times of an instance of the past, in UTC in ISO 8601. */
export interface PastTimes {
  /** When it had last been changed, or at the latest. */
  readonly changedAt: string;
  /** When it was added; null where the log has that no more. */
  readonly addedAt: string | null;
}

/** The properties that were added after the first version of a format, whose own are `First`. */
export type Added<T, First extends keyof T> = {
  readonly [Property in Exclude<keyof T, First>]: {
    /** The version that has added it, which is one more than the newest was before. */
    readonly since: number;
    /** What instances from before have: what the migration put into the column, and has as its default. */
    readonly was: T[Property];
  };
};

/**
 * The format of instances that have had `First` from the beginning, and `added` since. `orderedSince` is the version that
 * was the last to change what they are sorted by; 1 for those that are sorted as ever.
 */
export function formatOf<T, First extends keyof T>(orderedSince: number, added: Added<T, First>): Format<T> {
  const entries = Object.entries(added) as [string, { since: number; was: unknown }][];
  const before = Object.fromEntries(entries.map(([property, { was }]) => [property, was])) as Partial<T>;
  return {
    version: Math.max(orderedSince, ...entries.map(([, { since }]) => since)),
    complete: (logged) => ({ ...before, ...logged }),
  };
}
