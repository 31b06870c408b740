/** The column with the version of a row that its derived columns were made for. It has the type of the version's column. */
export const FOLDED_VERSION = "folded_version";

/**
 * What a table stores of its instances that only this program can make of them, such as folded texts to sort and search by.
 * It is in columns beside the instance's own, which may be null, and neither in the change log nor in Redis.
 *
 * Commands write it with the row. A process of the version before does not: what it adds or changes is stale, which shows
 * in `folded_version`, and is made anew before anything is read by it (`derivation.ts`). So a later version that derives more,
 * or something else, takes other columns for that, and another one for the version: processes of this one go on saying that
 * they have made all there is.
 */
export interface Derived<T> {
  /** `import.meta.url` of the module, which exports it as `derived`: a thread imports it. */
  readonly module: string;
  /** The property that is another number after each change. */
  readonly version: keyof T & string;
  /** What each column has. Its type is a text. */
  readonly columns: Readonly<Record<string, (instance: T) => string | null>>;
  /** Those that the index of words has (`database/word-index.ts`), made by `wordsText`; absent where there is none. */
  readonly words?: readonly string[];
}

/** The columns that are written with a row. */
export function derivedColumns({ columns }: Derived<never>): string[] {
  return [...Object.keys(columns), FOLDED_VERSION];
}

/** What these columns have for an instance, in the same order. */
export function derivedValues<T>({ version, columns }: Derived<T>, instance: T): (string | number | null)[] {
  return [...Object.values(columns).map((of) => of(instance)), instance[version] as number];
}
