/** Why Redis did not answer a read. */
const FALLBACKS = [
  "no connection",
  "no look-up",
  "not in force here",
  "not verified",
  "asked for more",
  "behind",
  "unsound",
  "refused",
  "no answer",
] as const;

export type Fallback = (typeof FALLBACKS)[number];

/** What has happened to a stream in this process, in whole numbers that only rise. Whoever wants to know reads them. */
export class Counts {
  /** Reads that were answered, by what answered them; but for those that are made again to find out whether an answer is still true. */
  readonly reads = { redis: 0, database: 0 };
  /** Reads that were made again, and found that an answer still is true. */
  readonly readsAgain = { redis: 0, database: 0 };
  /** Reads that Redis did not answer though there is one. */
  readonly fallbacks: Record<Fallback, number> = Object.fromEntries(FALLBACKS.map((reason) => [reason, 0])) as never;
  /** Transactions for commands, and the commands in them. */
  commits = 0;
  commands = 0;
  /** Commits that were acknowledged because the read model was refreshed, and such for which a lease was waited out. */
  readonly acknowledgements = { refresh: 0, lease: 0 };
  catchUps = 0;
  rebuilds = 0;
}
