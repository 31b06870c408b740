import { byTitle, type Change } from "../change-log.ts";
import type { Book } from "../history.ts";

/** The catalogue at one revision; applying the change log in order makes it every revision in turn. */
export class Catalogue {
  readonly #byTitle = new Map<string, Book>();
  #list: Book[] = [];

  /** All books in title order. */
  get list(): readonly Book[] {
    return this.#list;
  }

  get(title: string): Book | undefined {
    return this.#byTitle.get(title);
  }

  withId(id: number): Book | undefined {
    return this.#list.find((book) => book.id === id);
  }

  withIsbn(isbn: string): Book | undefined {
    return this.#list.find((book) => book.isbn === isbn);
  }

  /** Applies the change that comes next, and says what is wrong with it. */
  apply({ kind, before, after }: Change): string | undefined {
    const fault = this.#faultOf(kind, before, after);
    if (before) this.#byTitle.delete(before.title);
    if (after) this.#byTitle.set(after.title, after);
    this.#list = this.#list.filter(({ title }) => title !== before?.title);
    if (after) {
      const place = this.#list.findIndex(({ title }) => byTitle(title, after.title) > 0);
      this.#list.splice(place < 0 ? this.#list.length : place, 0, after);
    }
    return fault;
  }

  #faultOf(kind: string, before: Book | null, after: Book | null): string | undefined {
    const fits = { add: !before && after, update: before && after, delete: before && !after }[kind];
    if (!fits) return `a change of kind ${kind} cannot have this before and after`;
    if (before && !sameBook(before, this.#byTitle.get(before.title))) return "it started from another state";
    if (!after) return undefined;
    if (after.title !== before?.title && this.#byTitle.has(after.title)) return "the title was taken";
    const other = after.isbn !== null && this.withIsbn(after.isbn);
    if (other && other.id !== before?.id) return "the ISBN was taken";
    if (after.version !== (before?.version ?? 0) + 1) return "the version is not the next";
    if (before && after.id !== before.id) return "the book became another";
    return undefined;
  }
}

export function sameBook(a: Book | null | undefined, b: Book | null | undefined): boolean {
  if (!a || !b) return !a && !b;
  return (
    a.id === b.id &&
    a.title === b.title &&
    a.author === b.author &&
    a.publishedDate === b.publishedDate &&
    a.isbn === b.isbn &&
    a.stockQuantity === b.stockQuantity &&
    a.version === b.version
  );
}

export function sameList(a: readonly Book[], b: readonly Book[]): boolean {
  return a.length === b.length && a.every((book, index) => sameBook(book, b[index]));
}
