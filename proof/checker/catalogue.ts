import type { Change } from "../history/change.ts";
import type { Book } from "../history/operation.ts";
import { byTitle } from "./title-order.ts";

/** The catalogue at one revision. A change makes another one of it, so that every revision's can be kept. */
export class Catalogue {
  static readonly empty = new Catalogue([]);
  /** All books in title order. */
  readonly list: readonly Book[];

  private constructor(list: readonly Book[]) {
    this.list = list;
  }

  get(title: string): Book | undefined {
    return this.list.find((book) => book.title === title);
  }

  withId(id: number): Book | undefined {
    return this.list.find((book) => book.id === id);
  }

  withIsbn(isbn: string): Book | undefined {
    return this.list.find((book) => book.isbn === isbn);
  }

  /** How many titles come before `title`. */
  rankOf(title: string): number {
    let [low, high] = [0, this.list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (byTitle((this.list[middle] as Book).title, title) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The catalogue after a change. */
  after({ before, after }: Change): Catalogue {
    const list = this.list.filter(({ title }) => title !== before?.title && title !== after?.title);
    const next = new Catalogue(list);
    if (after) list.splice(next.rankOf(after.title), 0, after);
    return next;
  }

  /** What is wrong with a change that comes next. */
  faultOf({ revision, at, kind, before, after }: Change): string | undefined {
    const fits = { add: !before && after, update: before && after, delete: before && !after }[kind];
    if (!fits) return `a change of kind ${kind} cannot have this before and after`;
    if (before && !sameBook(before, this.get(before.title))) return "it started from another state";
    if (!after) return undefined;
    if (after.title !== before?.title && this.get(after.title)) return "the title was taken";
    const other = after.isbn !== null && this.withIsbn(after.isbn);
    if (other && other.id !== before?.id) return "the ISBN was taken";
    if (after.version !== revision) return "the version is not the revision";
    if (after.updatedAt !== at || after.addedAt !== (before?.addedAt ?? at))
      return "the times are not those of the log";
    if (before && after.id !== before.id) return "the book became another";
    return undefined;
  }
}

export function sameBook(a: Book | null | undefined, b: Book | null | undefined): boolean {
  if (a === b) return true;
  if (!a || !b) return !a && !b;
  return (
    a.id === b.id &&
    a.title === b.title &&
    a.author === b.author &&
    a.publishedDate === b.publishedDate &&
    a.isbn === b.isbn &&
    a.language === b.language &&
    a.description === b.description &&
    a.coverUrl === b.coverUrl &&
    a.stockQuantity === b.stockQuantity &&
    a.version === b.version &&
    a.addedAt === b.addedAt &&
    a.updatedAt === b.updatedAt
  );
}

export function sameList(a: readonly (Book | null)[], b: readonly (Book | null)[]): boolean {
  return a.length === b.length && a.every((book, index) => sameBook(book, b[index]));
}
