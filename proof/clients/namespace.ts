import { ISBNS } from "../checker/isbn.ts";
import type { Query } from "../history/operation.ts";

/** Few, so that clients meet. The last ones sort otherwise by code point, UTF-16 unit or locale than in title order. */
const BUSY_TITLES = [
  ...Array.from({ length: 11 }, (_, index) => `Book ${String.fromCharCode("A".charCodeAt(0) + index)}`),
  "book a",
  "BOOK B",
  "arger",
  "Ärger",
  "\uff21",
  "\u{1f600}",
];
/** Books that are added and then left alone: what is wrong with their rows no later write puts right. */
const STILL_TITLES = ["Still 1", "Still 2", "Still 3"];
/** What clients in a hurry write, each a book of its own that nobody else changes: no write of theirs is refused. */
const HURRIED_TITLES = ["Hurried 1", "Hurried 2"];
/** Words of titles and of authors, whole and begun; some find all books, and some none. */
const SEARCHES = [
  "book",
  "Book A",
  "b",
  "arg",
  "ärger",
  "a",
  "still",
  "operation",
  "op 1",
  "operation 12",
  "book oper",
  "\u{1f600}",
  "no",
];
/** More than there are books of one namespace at a time. */
const MANY = 100;

/** A part of a catalogue that is not the clients' own. */
export interface Part {
  /** Letters and digits, as they are in folded titles: one word that nobody else has. */
  readonly word: string;
  /** As many ISBNs as there are usually, which no other book has. */
  readonly isbns: readonly string[];
  /** Whether lists of the whole catalogue are short enough to be asked for. */
  readonly hasShortList: boolean;
}

/** The books that clients write and read: all of a catalogue, or those that have a word of their own. */
export class Namespace {
  readonly busy: readonly string[];
  readonly still: readonly string[];
  readonly hurried: readonly string[];
  readonly searches: readonly string[];
  readonly isbns: readonly string[];
  readonly #part: Part | undefined;
  readonly #prefix: string;

  constructor(part?: Part) {
    this.#part = part;
    this.#prefix = part ? `${part.word} ` : "";
    const own = (texts: readonly string[]) => texts.map((text) => `${this.#prefix}${text}`);
    this.busy = own(BUSY_TITLES);
    this.still = own(STILL_TITLES);
    this.hurried = own(HURRIED_TITLES);
    this.searches = own(SEARCHES);
    this.isbns = part?.isbns ?? ISBNS;
  }

  /** Those that clients ask for again and again. */
  get titles(): readonly string[] {
    return [...this.busy, ...this.still];
  }

  /** Whether there are other books in the catalogue, of which nothing is known. */
  get isPart(): boolean {
    return this.#part !== undefined;
  }

  has(title: string): boolean {
    return title.startsWith(this.#prefix);
  }

  /** A title that only one client knows. */
  passing(number: number): string {
    return `${this.#prefix}Passing ${number}`;
  }

  /** What nobody else writes. */
  author(number: number): string {
    return `${this.#prefix}operation ${number}`;
  }

  key(number: number): string {
    return `${this.#prefix}key ${number}`;
  }

  /** What comes before and behind all its titles in title order; undefined where nothing else is. */
  get bounds(): { readonly after: string; readonly before: string } | undefined {
    return this.#part && { after: this.#part.word, before: `${this.#prefix}\u{1f7eb}` };
  }

  /** The query that has all its books. */
  get list(): Query {
    if (!this.#part || this.#part.hasShortList) return { kind: "books" };
    return { kind: "page", limit: MANY, backwards: false, after: this.#part.word };
  }
}
