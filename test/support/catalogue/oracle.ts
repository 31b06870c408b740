import * as folding from "../../../src/cqrs/folding.ts";

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
  readonly authorContains?: string;
  readonly language?: string;
  readonly publishedFrom?: string;
  readonly publishedTo?: string;
  readonly inStock?: boolean;
  readonly addedSince?: string;
  readonly ids?: readonly string[];
  readonly isbns?: readonly string[];
}

export interface OrderBy {
  readonly field: "RELEVANCE" | "TITLE" | "AUTHOR" | "PUBLISHED_DATE" | "STOCK_QUANTITY" | "ADDED_AT" | "UPDATED_AT";
  readonly direction: "ASC" | "DESC";
}

/** A list that is asked for. */
export interface AskedList {
  readonly search?: string | undefined;
  readonly filter: Filter;
  readonly orderBy: OrderBy;
}

export interface Range {
  readonly first?: number;
  readonly last?: number;
  readonly after?: OracleBook;
  readonly before?: OracleBook;
}

/** It is asked for the same texts over and over: a page is that of the whole list. */
function remembered<R>(work: (text: string) => R): (text: string) => R {
  const known = new Map<string, R>();
  return (text) => {
    const result = known.get(text) ?? work(text);
    known.set(text, result);
    return result;
  };
}

const fold = remembered(folding.fold);
const words = remembered(folding.words);

const beginning = (text: string) => Array.from(fold(text)).slice(0, 128).join("");
const rowOf = ({ id }: OracleBook) => Number(atob(id).split(":")[1]);

/** Whether each word is in one of the texts, and the beginning of one that starts with the last. */
function haveWords(search: string, ...texts: readonly string[]): boolean {
  const there = texts.flatMap((text) => words(text));
  const sought = words(search);
  return sought.every((word, i) =>
    there.some((one) => one === word || (i === sought.length - 1 && one.startsWith(word))),
  );
}

/** How good a match a book is for a search; the best is 0, and no match at all undefined. */
function tierOf({ title, author }: OracleBook, search: string): number | undefined {
  const begins = fold(title).startsWith(fold(search.trim()));
  if (words(search).length === 0 ? !begins : !haveWords(search, title, author)) return undefined;
  if (fold(title) === fold(search.trim())) return 0;
  if (begins) return 1;
  if (haveWords(search, title)) return 2;
  return haveWords(search, author) ? 4 : 3;
}

/** What a book is sorted by; null comes last. */
const KEYS: Readonly<
  Record<OrderBy["field"], (book: OracleBook, search: string) => readonly (string | number | null)[]>
> = {
  RELEVANCE: (book, search) => [tierOf(book, search) as number, ...KEYS.TITLE(book, search)],
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
  /** The list that was asked for last. */
  #last: { question: string; books: OracleBook[]; all: OracleBook[]; compare: Comparison } | undefined;

  page(list: AskedList, { first, last, after, before }: Range) {
    const { all, compare } = this.#list(list);
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

  #list({ search, filter, orderBy }: AskedList) {
    const question = JSON.stringify({ search, filter, orderBy });
    const { books } = this;
    if (this.#last?.question !== question || this.#last.books !== books) {
      const compare = comparing(orderBy, search ?? "");
      const isFound = (book: OracleBook) => search === undefined || tierOf(book, search) !== undefined;
      const all = books.filter((book) => isFound(book) && passes(book, filter)).sort(compare);
      this.#last = { question, books, all, compare };
    }
    return this.#last;
  }
}

type Comparison = (a: OracleBook, b: OracleBook) => number;

/** What the cursor of a book holds, beside which list it is of. */
export function placeOf(
  book: OracleBook,
  { search = "", orderBy: { field, direction } }: AskedList,
): readonly unknown[] {
  const [key, tie] = KEYS[field](book, search);
  if (field === "RELEVANCE") {
    const last = words(search).length === 0 ? 1 : 4;
    return [direction === "ASC" ? key : last - Number(key), book.title];
  }
  if (field === "TITLE") return [0, tie];
  return key === null ? [1, tie] : [0, key, tie];
}

function comparing({ field, direction }: OrderBy, search: string): Comparison {
  const sign = direction === "ASC" ? 1 : -1;
  const known = new Map<OracleBook, readonly (Buffer | number | null)[]>();
  const keyOf = (book: OracleBook) => {
    const inBytes = () =>
      KEYS[field](book, search).map((value) => (typeof value === "string" ? Buffer.from(value) : value));
    const key = known.get(book) ?? inBytes();
    known.set(book, key);
    return key;
  };
  return (a, b) => {
    const others = keyOf(b);
    for (const [i, value] of keyOf(a).entries()) {
      const other = others[i] as typeof value;
      if (value === other) continue;
      if (value === null || other === null) return value === null ? 1 : -1;
      const order = typeof value === "number" ? value - (other as number) : value.compare(other as Buffer);
      if (order !== 0) return sign * order;
    }
    return 0;
  };
}

function passes(book: OracleBook, filter: Filter): boolean {
  const {
    titleStartsWith,
    author,
    authorContains,
    language,
    publishedFrom,
    publishedTo,
    inStock,
    addedSince,
    ids,
    isbns,
  } = filter;
  return (
    (titleStartsWith === undefined || fold(book.title).startsWith(fold(titleStartsWith))) &&
    (author === undefined || fold(book.author) === fold(author)) &&
    (authorContains === undefined || haveWords(authorContains, book.author)) &&
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
