/** What a form holds, field by field. */
export type Values = Readonly<Record<string, string | number | null | undefined>>;

/** A field that two people have changed, each in another way. */
export interface Conflict {
  readonly field: string;
  readonly mine: Values[string];
  readonly theirs: Values[string];
}

export interface Merged {
  /** Theirs, with what I have changed on top. */
  readonly values: Values;
  /** What they have changed and I have not: it comes into my form by itself. */
  readonly takenOver: readonly string[];
  readonly conflicts: readonly Conflict[];
}

/** Puts what I have changed of `base` onto what others have made of it since. */
export function merge(base: Values, mine: Values, theirs: Values): Merged {
  const fields = Object.keys(theirs).filter((field) => field !== "expectedVersion");
  const changedByThem = fields.filter((field) => theirs[field] !== base[field]);
  const changedByMe = fields.filter((field) => mine[field] !== base[field]);
  return {
    values: { ...theirs, ...Object.fromEntries(changedByMe.map((field) => [field, mine[field]])) },
    takenOver: changedByThem.filter((field) => !changedByMe.includes(field)),
    conflicts: changedByThem
      .filter((field) => changedByMe.includes(field) && mine[field] !== theirs[field])
      .map((field) => ({ field, mine: mine[field], theirs: theirs[field] })),
  };
}
