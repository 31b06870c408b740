import { sql as expression, type RawBuilder } from "kysely";

/** Folded words that are looked for. */
export interface SoughtWords {
  /** At least one. */
  readonly words: readonly string[];
  /** The columns of the index of words in which each must be found, in one or the other. */
  readonly within: readonly string[];
}

/** What rows are to be found: those that have all of these words, and not all of any of those. */
export interface WordDemand {
  /** At least one. */
  readonly all: readonly SoughtWords[];
  readonly none: readonly SoughtWords[];
}

/** The index of words over a table, and the columns that it has, which hold what `wordsText` makes of a text. */
export interface WordColumns {
  readonly table: string;
  readonly columns: readonly string[];
}

/** How an engine finds rows by words. The database itself keeps the index in step with the columns, whoever writes them. */
export interface WordIndex {
  /** The statements that make it. */
  readonly create: (index: WordColumns) => readonly string[];
  /** A statement that selects the ids of the rows that are found, as {@link FOUND_ID}. It need not read the rows. */
  readonly ids: (index: WordColumns, demand: WordDemand) => RawBuilder<unknown>;
  /** Whether the index has the rows in the order of {@link FOUND_ID}, so that a portion takes no more than its rows. */
  readonly isInOrder: boolean;
  /** A statement that selects the rows, and {@link FOUND_ID}. */
  readonly rows: (index: WordColumns, demand: WordDemand) => RawBuilder<unknown>;
}

/** Keeps the index of a database in order. */
export interface WordUpkeep {
  /** Where the index and the table differ. Rows may be written meanwhile. */
  readonly differences: (index: WordColumns) => Promise<readonly WordDifference[]>;
  /** Makes the content of the index anew. */
  readonly rebuild: (index: WordColumns) => Promise<void>;
}

export interface WordDifference {
  /** The row, if it is known. */
  readonly id: number | undefined;
  /** What of the index is not as it should be, to be read after its name. */
  readonly what: string;
}

/** The column that has the id of a row that was found. */
export const FOUND_ID = "found_id";

/** How rows of one table are found. */
export interface FoundWords {
  readonly isInOrder: boolean;
  readonly ids: (demand: WordDemand) => RawBuilder<unknown>;
  readonly rows: (demand: WordDemand) => RawBuilder<unknown>;
}

/** Words that must be there whole, each once, and one whose beginning is enough, unless a whole one begins so. */
export function demandOf({ words }: Pick<SoughtWords, "words">): {
  readonly whole: readonly string[];
  readonly beginning: string | undefined;
} {
  const whole = [...new Set(words.slice(0, -1))];
  const last = words.at(-1) ?? "";
  return { whole, beginning: whole.some((word) => word.startsWith(last)) ? undefined : last };
}

/** Whether a row has the words, without the index: for rows that are looked at one after the other. */
export function hasWords(sought: SoughtWords): RawBuilder<boolean> {
  const { whole, beginning } = demandOf(sought);
  // words hold no wildcards
  const patterns = whole.map((word) => `% ${word} %`);
  if (beginning !== undefined) patterns.push(`% ${beginning}%`);
  const each = patterns.map((pattern) => {
    const tests = sought.within.map((column) => expression`${expression.ref(column)} like ${pattern}`);
    return expression`(${expression.join(tests, expression` or `)})`;
  });
  return expression<boolean>`(${expression.join(each, expression` and `)})`;
}
