import type { LoggedChange } from "../change.ts";
import { RevisionTrimmed } from "../errors.ts";
import type { Mark } from "../mark.ts";
import type { Lists } from "./large-lists.ts";
import type { LogReads } from "./log-reads.ts";

/** Entries of the log in their order, and the state that it was read at. */
export interface LoggedChanges<T> {
  readonly changes: readonly LoggedChange<T>[];
  readonly mark: Mark;
  /** What they take, about. */
  readonly bytes: number;
}

/** An entry with its instances, beside their texts. */
const ENTRY_BYTES = 1000;
const CHARACTER_BYTES = 2;

/** The change log for those who are told of changes: nobody of them waits for it as one does for an answer. */
export class ChangeLog<T extends object> {
  readonly #log: LogReads<T>;
  readonly #lists: Lists;

  constructor(log: LogReads<T>, lists: Lists) {
    this.#log = log;
    this.#lists = lists;
  }

  /**
   * Up to `limit` changes after `revision`; where the log was trimmed, those that it begins with.
   *
   * @throws DatabaseUnavailable
   */
  async after(revision: number, limit: number): Promise<LoggedChanges<T>> {
    try {
      return await this.#after(revision, limit);
    } catch (error) {
      if (error instanceof RevisionTrimmed) return this.#after(error.details.oldest, limit);
      throw error;
    }
  }

  async #after(revision: number, limit: number): Promise<LoggedChanges<T>> {
    const { value, ...mark } = await this.#log.changesAfter(revision, limit, this.#lists);
    const bytes = value.reduce((sum, { before, after }) => sum + ENTRY_BYTES + sizeOf(before) + sizeOf(after), 0);
    return { changes: value, mark, bytes };
  }
}

function sizeOf(instance: object | null): number {
  let characters = 0;
  for (const value of Object.values(instance ?? {})) if (typeof value === "string") characters += value.length;
  return CHARACTER_BYTES * characters;
}
