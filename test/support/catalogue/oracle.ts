import { fold } from "../../../src/cqrs/folding.ts";

/** A book as GraphQL answers it. */
export interface OracleBook {
  readonly id: string;
  readonly title: string;
  readonly author: string;
  readonly publishedDate: string | null;
  readonly isbn: string | null;
  readonly language: string | null;
  readonly stockQuantity: number;
  readonly addedAt: string;
  readonly updatedAt: string;
}

export interface Filter {
  readonly titleStartsWith?: string;
  readonly author?: string;
  readonly language?: string;
  readonly publishedFrom?: string;
  readonly publishedTo?: string;
  readonly inStock?: boolean;
  readonly addedSince?: string;
  readonly ids?: readonly string[];
  readonly isbns?: readonly string[];
}

export interface OrderBy {
  readonly field: "TITLE" | "AUTHOR" | "PUBLISHED_DATE" | "STOCK_QUANTITY" | "ADDED_AT" | "UPDATED_AT";
  readonly direction: "ASC" | "DESC";
}

export interface Range {
  readonly first?: number;
  readonly last?: number;
  readonly after?: OracleBook;
  readonly before?: OracleBook;
}

const beginning = (text: string) => Array.from(fold(text)).slice(0, 128).join("");
const rowOf = ({ id }: OracleBook) => Number(atob(id).split(":")[1]);

/** What a book is sorted by; null comes last. */
const KEYS: Readonly<Record<OrderBy["field"], (book: OracleBook) => readonly (string | number | null)[]>> = {
  TITLE: ({ title }) => [beginning(title), title],
  AUTHOR: (book) => [beginning(book.author), rowOf(book)],
  PUBLISHED_DATE: (book) => [book.publishedDate, rowOf(book)],
  STOCK_QUANTITY: (book) => [book.stockQuantity, rowOf(book)],
  ADDED_AT: (book) => [book.addedAt, rowOf(book)],
  UPDATED_AT: (book) => [book.updatedAt, rowOf(book)],
};

/** The catalogue as a plain list, which answers what `booksConnection` is asked by looking at every book. */
export class Oracle {
  books: OracleBook[] = [];

  page(filter: Filter, orderBy: OrderBy, { first, last, after, before }: Range) {
    const compare = comparing(orderBy);
    const all = this.books.filter((book) => passes(book, filter)).sort(compare);
    const isBackwards = first === undefined && last !== undefined;
    const isAfter = (book: OracleBook) => !after || compare(book, after) > 0;
    const isBefore = (book: OracleBook) => !before || compare(book, before) < 0;
    const range = all.filter((book) => isAfter(book) && isBefore(book));
    const taken = isBackwards ? range.slice(Math.max(0, range.length - (last ?? 0))) : range.slice(0, first ?? 50);
    const rows = first !== undefined && last !== undefined ? taken.slice(Math.max(0, taken.length - last)) : taken;
    // where cursors come in the wrong order the page is where its direction begins
    const earlier = all.filter((book) => !isAfter(book) && (!isBackwards || isBefore(book))).length;
    const later = all.filter((book) => !isBefore(book) && (isBackwards || isAfter(book))).length;
    return {
      rows,
      hasPreviousPage: earlier > 0 || (isBackwards && taken.length < range.length) || rows.length < taken.length,
      hasNextPage: later > 0 || (!isBackwards && taken.length < range.length),
      totalCount: all.length,
      facets: {
        authors: countsOf(all.map(({ author }) => author)),
        languages: countsOf(all.flatMap(({ language }) => language ?? [])),
        inStock: countsOf(all.map(({ stockQuantity }) => String(stockQuantity > 0))),
        isExact: true,
      },
    };
  }
}

/** What the cursor of a book holds, beside which list it is of. */
export function placeOf(book: OracleBook, { field }: OrderBy): readonly unknown[] {
  const [key, tie] = KEYS[field](book);
  if (field === "TITLE") return [0, tie];
  return key === null ? [1, tie] : [0, key, tie];
}

function comparing({ field, direction }: OrderBy): (a: OracleBook, b: OracleBook) => number {
  const sign = direction === "ASC" ? 1 : -1;
  return (a, b) => {
    const others = KEYS[field](b);
    for (const [i, value] of KEYS[field](a).entries()) {
      const other = others[i] as typeof value;
      if (value === other) continue;
      if (value === null || other === null) return value === null ? 1 : -1;
      if (typeof value === "number") return sign * (value - (other as number));
      return sign * Buffer.compare(Buffer.from(value), Buffer.from(other as string));
    }
    return 0;
  };
}

function passes(book: OracleBook, filter: Filter): boolean {
  const { titleStartsWith, author, language, publishedFrom, publishedTo, inStock, addedSince, ids, isbns } = filter;
  return (
    (titleStartsWith === undefined || fold(book.title).startsWith(fold(titleStartsWith))) &&
    (author === undefined || fold(book.author) === fold(author)) &&
    (language === undefined || book.language === language) &&
    (publishedFrom === undefined || (book.publishedDate !== null && book.publishedDate >= publishedFrom)) &&
    (publishedTo === undefined || (book.publishedDate !== null && book.publishedDate <= publishedTo)) &&
    (inStock === undefined || book.stockQuantity > 0 === inStock) &&
    (addedSince === undefined || book.addedAt >= addedSince) &&
    (ids === undefined || ids.includes(book.id)) &&
    (isbns === undefined || (book.isbn !== null && isbns.includes(book.isbn)))
  );
}

function countsOf(values: readonly string[]) {
  const counted = [...Map.groupBy(values, (value) => value)].map(([value, { length }]) => ({ value, count: length }));
  return counted.sort((a, b) => b.count - a.count || Buffer.compare(Buffer.from(a.value), Buffer.from(b.value)));
}
