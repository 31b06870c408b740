/**
 * What is looked after: the database by its engine, the table beside the log, the log by itself, what is derived of rows, the
 * index of words, idempotency keys, the read model, keys of others in Redis; and what could not be looked at.
 */
const AREAS = ["database", "table", "log", "derived", "words", "keys", "read model", "left over", "unseen"] as const;

export type Area = (typeof AREAS)[number];

/** Lines of an area that are kept to be shown; of others it is told how many there are. */
const MOST_SHOWN = 100;

/** Lines of one kind: the first of them, and how many there were. */
export interface Told {
  readonly shown: readonly string[];
  readonly count: number;
}

/** What was found of a stream, or of the database. Its size is bounded, however much that is. */
export class Findings {
  readonly of: string;
  /** How much was looked at, in words for each kind of thing. */
  readonly seen = new Map<string, number>();
  /** What to do about what cannot be repaired. */
  readonly remedies = new Set<string>();
  /** The names of indexes that are to be made anew. */
  readonly unusable: string[] = [];
  /** The name of the read model that was looked at, if one was. */
  readModel: string | undefined;
  readonly #differences = new Map<Area, { shown: string[]; count: number }>();
  readonly #notes: string[] = [];
  #notesCount = 0;

  constructor(of: string) {
    this.of = of;
  }

  /** Notes what is not as it must be. `remedy` is given where no repair can help. */
  differ(area: Area, what: string, remedy?: string): void {
    const told = this.#differences.get(area) ?? { shown: [], count: 0 };
    told.count++;
    if (told.shown.length < MOST_SHOWN) told.shown.push(what);
    this.#differences.set(area, told);
    if (remedy !== undefined) this.remedies.add(remedy);
  }

  /** Notes what is worth knowing, and no damage. */
  note(what: string): void {
    this.#notesCount++;
    if (this.#notes.length < MOST_SHOWN) this.#notes.push(what);
  }

  /** Takes over what was found by a part of the examination. */
  add(part: Findings): void {
    for (const [area, { shown, count }] of part.#differences) {
      for (const what of shown) this.differ(area, what);
      const told = this.#differences.get(area);
      if (told) told.count += count - shown.length;
    }
    for (const what of part.#notes) this.note(what);
    this.#notesCount += part.#notesCount - part.#notes.length;
    this.readModel = part.readModel ?? this.readModel;
    for (const remedy of part.remedies) this.remedies.add(remedy);
    for (const [what, count] of part.seen) this.seen.set(what, count);
  }

  /** Whether anything differs in one of these areas. */
  has(...areas: readonly Area[]): boolean {
    return areas.some((area) => this.#differences.has(area));
  }

  /** What differs, in the order of the areas. */
  get differences(): ReadonlyMap<Area, Told> {
    const found = AREAS.map((area) => [area, this.#differences.get(area)] as const);
    return new Map(found.flatMap(([area, told]) => (told ? [[area, told]] : [])));
  }

  /** How many differences there are in all. */
  get count(): number {
    return [...this.#differences.values()].reduce((sum, { count }) => sum + count, 0);
  }

  get notes(): Told {
    return { shown: this.#notes, count: this.#notesCount };
  }
}
