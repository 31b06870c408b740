interface Versioned {
  readonly id: string;
  readonly version: number;
}

const newest = new Map<string, Versioned>();

/**
 * The data with each book as new as it was ever seen. Answers overtake each other: a list that was read before a change may
 * arrive after the event that tells of it, and the cache would believe whichever came last.
 */
export function newestOnly<T>(data: T): T {
  if (Array.isArray(data)) return data.map(newestOnly) as T;
  if (typeof data !== "object" || data === null) return data;
  const current = isVersioned(data) ? asNewAsSeen(data) : data;
  return Object.fromEntries(Object.entries(current).map(([name, value]) => [name, newestOnly(value)])) as T;
}

function isVersioned(data: object): data is Versioned {
  return "id" in data && "version" in data;
}

/** All documents ask for the same fields of a book, so the newer one has what the older one lacks. */
function asNewAsSeen(book: Versioned): Versioned {
  const seen = newest.get(book.id);
  if (seen && seen.version > book.version) return seen;
  newest.set(book.id, book);
  return book;
}
