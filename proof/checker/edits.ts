import type { Operation } from "../history/operation.ts";

/** A row of a read model that somebody has changed by hand so that it cannot be seen in the row that it is wrong. */
export interface Edit {
  readonly title: string;
  readonly at: number;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * The rows that somebody has changed by hand. For `boundMs` after an edit, in which whatever looks for such rows must
 * have found it, answers from Redis may be wrong about its title, at any branch: a copy begins with the same read model.
 */
export class Edits {
  readonly #boundMs: number;
  #edits: Edit[];
  #over = 0;
  #count: number;

  constructor(edits: readonly Edit[], boundMs: number) {
    this.#boundMs = boundMs;
    this.#edits = [];
    this.#count = 0;
    for (const edit of edits) this.add(edit);
  }

  add(edit: Edit): void {
    this.#edits.push(edit);
    this.#over = Math.max(this.#over, edit.at + this.#boundMs);
    this.#count++;
  }

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /** When the last of them must have been put right. */
  get over(): number {
    return this.#over;
  }

  /** Forgets those that were over before `ms`. */
  forget(ms: number): void {
    this.#edits = this.#edits.filter(({ at }) => at + this.#boundMs >= ms);
  }

  /** The titles that the answer may be wrong about. */
  titlesFor({ invoked, completed, outcome }: Operation): ReadonlySet<string> {
    if (this.#edits.length === 0 || outcome?.kind !== "read" || outcome.servedBy === "database") return NONE;
    const during = this.#edits.filter(({ at }) => at <= (completed?.ms ?? 0) && invoked.ms <= at + this.#boundMs);
    return during.length > 0 ? new Set(during.map(({ title }) => title)) : NONE;
  }
}
