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
  /** The statements that make one anew which was made by a version before, if that is not the same. */
  readonly toCurrent: (index: WordColumns) => readonly string[];
  readonly foundBy: (index: WordColumns) => FoundWords;
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
export type FoundWords = WordsInOrder | WordsAtOnce;

/** By an index that has the rows in the order of their ids, so that a portion takes no more than its rows. */
export interface WordsInOrder {
  readonly isInOrder: true;
  /** A statement that selects the ids of the rows, as {@link FOUND_ID}. It does not read the rows. */
  readonly ids: (demand: WordDemand) => RawBuilder<unknown>;
}

/** By an index that collects rows before it hands out the first. */
export interface WordsAtOnce {
  readonly isInOrder: false;
  /** A statement that selects the rows, and collects no more of them than need be if it is limited. */
  readonly rows: (demand: WordDemand) => RawBuilder<unknown>;
  /** A condition by which the rows are found together with what other indexes tell. */
  readonly hold: (demand: WordDemand) => RawBuilder<boolean>;
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
