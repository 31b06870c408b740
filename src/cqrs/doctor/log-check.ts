import { isDeepStrictEqual } from "node:util";
import type { Sql } from "../database/engine.ts";
import type { Findings } from "./findings.ts";
import type { Entry, StoredRow, TableAndLog } from "./table-and-log.ts";

/** What the table has of an instance, and the log does not tell of. */
export interface Unlogged<T> {
  readonly id: number;
  /** The newest entry of it; undefined where there is none. */
  readonly revision: number | undefined;
  readonly logged: Partial<T> | null;
  readonly row: T | null;
}

/** What is told where the log itself has lost something. */
export const RESTORE_LOG =
  "What the log has lost nobody can tell any more: the past that history, changes and asOf tell of is wrong there. " +
  "If that matters, restore a backup from before (npm run restore); the catalogue as it is now is not concerned.";

const SHAPES: Readonly<Record<string, readonly [before: boolean, after: boolean]>> = {
  add: [false, true],
  update: [true, true],
  delete: [true, false],
};

/**
 * Compares each row with what the newest entry of the log has left of it, and each entry with what the one before has: what
 * an older version has logged says nothing of what that did not know. A log that was trimmed tells of its instances from the
 * first entry on that it still has.
 */
export class LogCheck<T extends object> {
  readonly #source: TableAndLog<T>;
  readonly #trimmedTo: number;
  readonly #findings: Findings;
  readonly #onUnlogged: (unlogged: Unlogged<T>) => void | Promise<void>;
  readonly #properties: readonly (keyof T & string)[];

  constructor(
    source: TableAndLog<T>,
    trimmedTo: number,
    findings: Findings,
    onUnlogged: (unlogged: Unlogged<T>) => void | Promise<void>,
  ) {
    this.#source = source;
    this.#trimmedTo = trimmedTo;
    this.#findings = findings;
    this.#onUnlogged = onUnlogged;
    this.#properties = Object.keys(source.mapper.columns) as (keyof T & string)[];
  }

  /** @returns how many entries there are */
  async run(sql: Sql, portions: AsyncGenerator<readonly StoredRow<T>[]>): Promise<number> {
    const rows = new Cursor(portions);
    await rows.next();
    let newest: Entry | undefined;
    let count = 0;
    const settle = async (entry: Entry) => {
      for (; rows.head && rows.head.id < entry.id; await rows.next()) await this.#compare(undefined, rows.head);
      const own = rows.head?.id === entry.id ? rows.head : undefined;
      await this.#compare(entry, own);
      if (own) await rows.next();
    };
    for await (const entries of this.#source.entriesByInstance(sql)) {
      count += entries.length;
      for (const entry of entries) {
        if (newest && newest.id !== entry.id) {
          await settle(newest);
          newest = undefined;
        }
        const fault = this.#fault(entry, newest);
        if (fault) this.#findings.differ("log", `revision ${entry.revision} ${fault}`, RESTORE_LOG);
        newest = entry;
      }
    }
    if (newest) await settle(newest);
    for (; rows.head; await rows.next()) await this.#compare(undefined, rows.head);
    return count;
  }

  /** What is wrong with an entry beside the one before of the same instance. */
  #fault({ id, kind, before, after }: Entry, last: Entry | undefined): string | undefined {
    const own = `${this.#source.table} ${id}`;
    const [hasBefore, hasAfter] = SHAPES[kind] ?? [];
    if ((before !== null) !== hasBefore || (after !== null) !== hasAfter) return `is no ${kind} of ${own}`;
    // mostly the very same text
    if (last && last.after === before) return undefined;
    const [was, found] = [this.#parsed(last?.after, id), this.#parsed(before, id)];
    if (found === undefined) return `of ${own} cannot be read`;
    if (!last) return found && this.#trimmedTo === 0 ? `finds ${own} there, which no change has added` : undefined;
    if (was === undefined) return `follows on revision ${last.revision} of ${own}, which cannot be read`;
    if (!was !== !found)
      return `finds ${own} ${found ? "there" : "gone"}, as revision ${last.revision} did not leave it`;
    const differing = this.#differing(was, found);
    if (differing.length === 0) return undefined;
    return `finds of ${own} not what revision ${last.revision} left: ${differing.join(", ")}`;
  }

  /** The newest entry of an instance beside its row. */
  async #compare(newest: Entry | undefined, own: StoredRow<T> | undefined): Promise<void> {
    const row = own?.instance ?? null;
    const id = own?.id ?? (newest?.id as number);
    if (newest && newest.after === (row && JSON.stringify(row))) return;
    const logged = this.#parsed(newest?.after, id);
    if (logged === undefined) {
      const fault = `revision ${newest?.revision} of ${this.#source.table} ${id} cannot be read`;
      this.#findings.differ("log", fault, RESTORE_LOG);
      return;
    }
    const name = this.#source.named(id, row ?? logged);
    const what = this.#unlogged(newest, logged, row);
    if (what === undefined) return;
    this.#findings.differ("table", `${name} ${what}`);
    await this.#onUnlogged({ id, revision: newest?.revision, logged, row });
  }

  #unlogged(newest: Entry | undefined, logged: Partial<T> | null, row: T | null): string | undefined {
    if (!newest) return this.#isOlderThanLog(row as T) ? undefined : "is there, and no change has added it";
    const { revision } = newest;
    if (!row) return logged ? `is gone, and revision ${revision} had left it there` : undefined;
    if (!logged) return `is there, and revision ${revision} had deleted it`;
    const differing = this.#differing(logged, row);
    return differing.length > 0 ? `is not as revision ${revision} left it: ${differing.join(", ")}` : undefined;
  }

  /** Whether what the log had of a row may have been trimmed. */
  #isOlderThanLog(row: T): boolean {
    const { derived } = this.#source.definition;
    return this.#trimmedTo > 0 && (!derived || Number(row[derived.version]) <= this.#trimmedTo);
  }

  #differing(one: Partial<T> | null, other: Partial<T> | null): readonly string[] {
    if (!one || !other) return [];
    return this.#properties.filter(
      (property) => property in one && property in other && !isDeepStrictEqual(one[property], other[property]),
    );
  }

  /** What was logged of the instance with this id; undefined when it is none of it. */
  #parsed(json: string | null | undefined, id: number): Partial<T> | null | undefined {
    if (json == null) return null;
    try {
      const parsed: unknown = JSON.parse(json);
      if (typeof parsed !== "object" || parsed === null || ("id" in parsed && parsed.id !== id)) return undefined;
      return parsed as Partial<T>;
    } catch {
      return undefined;
    }
  }
}

/** Goes through portions one by one. */
class Cursor<R> {
  head: R | undefined;
  readonly #portions: AsyncGenerator<readonly R[]>;
  #portion: readonly R[] = [];
  #place = 0;

  constructor(portions: AsyncGenerator<readonly R[]>) {
    this.#portions = portions;
  }

  async next(): Promise<void> {
    while (this.#place === this.#portion.length) {
      const { value, done } = await this.#portions.next();
      if (done) {
        this.head = undefined;
        return;
      }
      this.#portion = value;
      this.#place = 0;
    }
    this.head = this.#portion[this.#place++];
  }
}
