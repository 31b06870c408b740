import type { Edit, Operation } from "../history.ts";

const NONE: ReadonlySet<string> = new Set();

/**
 * The rows that somebody has changed by hand. For `boundMs` after an edit, in which whatever looks for such rows must
 * have found it, answers from Redis may be wrong about its title, at any branch: a copy begins with the same read model.
 */
export class Edits {
  readonly #edits: readonly Edit[];
  readonly #boundMs: number;

  constructor(edits: readonly Edit[], boundMs: number) {
    this.#edits = edits;
    this.#boundMs = boundMs;
  }

  /** When the last of them must have been put right. */
  get over(): number {
    return Math.max(0, ...this.#edits.map(({ at }) => at + this.#boundMs));
  }

  /** The titles that the answer may be wrong about. */
  titlesFor({ invoked, completed, outcome }: Operation): ReadonlySet<string> {
    if (this.#edits.length === 0 || outcome?.kind !== "read" || outcome.servedBy === "database") return NONE;
    const during = this.#edits.filter(({ at }) => at <= (completed?.ms ?? 0) && invoked.ms <= at + this.#boundMs);
    return during.length > 0 ? new Set(during.map(({ title }) => title)) : NONE;
  }
}
