import type { LoggedChange } from "../../cqrs/change.ts";
import type { Consistency } from "../../cqrs/consistency.ts";
import { ServiceError } from "../../cqrs/errors.ts";
import { HandlerKey } from "../../cqrs/handlers.ts";
import type { LiveEvent } from "../../cqrs/queries/follower.ts";
import type { Condition, Order, Position } from "../../cqrs/queries/list-question.ts";
import type { LiveChanges, LiveEvents } from "../../cqrs/queries/live-changes.ts";
import type { PastPage } from "../../cqrs/queries/log-reads.ts";
import type { Reader } from "../../cqrs/queries/reader.ts";
import type { ListLimits } from "../../cqrs/queries/reads.ts";
import type { PageRange } from "../../graphql/page.ts";
import type { Book } from "../book.ts";
import { type BookEditForm, bookEditForm } from "../book-edit-form.ts";
import type { Sought } from "../book-keys.ts";
import { isbnKeys } from "../isbn.ts";
import { BOOK_FACETS, type BookFacet, type FoundFacets } from "./book-facets.ts";
import { WHOLE_CATALOGUE } from "./book-list.ts";
import { placeOfTitle, TITLE_ORDER } from "./book-orders.ts";

/** A page of a list of books. `facets` says which, if any were selected at all. */
interface AskedPage extends PageRange<Position> {
  readonly conditions: readonly Condition[];
  readonly order: Order;
  readonly withPage: boolean;
  readonly withTotal: boolean;
}

interface AskedList extends AskedPage {
  readonly facets: readonly BookFacet[] | undefined;
}

interface FoundList {
  readonly rows: readonly Book[];
  readonly places: readonly Position[];
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
  readonly total: { readonly count: number; readonly isExact: boolean } | undefined;
  readonly facets: FoundFacets | undefined;
}

/**
 * The read side: Redis first, the database whenever Redis cannot answer honestly. What a query found and how new it is
 * goes into `consistency`.
 *
 * Every method throws the `ServiceError`s of `Reader.read`.
 */
export class BookQueryHandler {
  readonly #reader: Reader<Book>;
  readonly #live: LiveChanges<Book>;
  readonly #limits: ListLimits;
  /** Fields of one request that ask for all books have one answer, which is read once. */
  readonly #all = new WeakMap<Consistency, Promise<readonly Book[]>>();

  /** `limits` are those of `books`. */
  constructor(reader: Reader<Book>, live: LiveChanges<Book>, limits: ListLimits) {
    this.#reader = reader;
    this.#live = live;
    this.#limits = limits;
  }

  /** The whole catalogue in title order. */
  books(consistency: Consistency): Promise<readonly Book[]> {
    let books = this.#all.get(consistency);
    if (!books) {
      books = this.#readAll(consistency);
      this.#all.set(consistency, books);
    }
    return books;
  }

  /** The book with this title or id, or null. */
  book(sought: Sought, consistency: Consistency): Promise<Book | null> {
    return sought.by === "title" ? this.#byTitle(sought.title, consistency) : this.#byId(sought.id, consistency);
  }

  /** Everything that a form to edit this book needs, or null when there is no such book. */
  async bookEditForm(sought: Sought, consistency: Consistency): Promise<BookEditForm | null> {
    const book = await this.book(sought, consistency);
    return book && bookEditForm(book);
  }

  /** One page of a list, and what is said of all of it as far as that is asked for. */
  async list(asked: AskedList, consistency: Consistency): Promise<FoundList> {
    const { facets, ...page } = asked;
    if (asked.conditions === WHOLE_CATALOGUE.conditions && asked.order === TITLE_ORDER && !facets)
      return this.#wholeCatalogue(page, consistency);
    const named = facets ?? [];
    const columns = named.map((name) => BOOK_FACETS[name]);
    const question = { ...page, withTotal: page.withTotal || facets !== undefined, facets: columns };
    const found = await this.#reader.readTable(consistency, (table, lists) => table.list(question, lists));
    const counts = Object.fromEntries(named.map((name, i) => [name, found.facets?.counts[i]]));
    return {
      ...found,
      places: found.positions,
      facets: facets && { counts, isExact: found.facets?.isExact ?? found.total?.isExact ?? true },
    };
  }

  /** The book with this ISBN, in whichever form either has it, or null. */
  async bookByIsbn(isbn: string, consistency: Consistency): Promise<Book | null> {
    const forms = isbnKeys(isbn);
    const books = await this.#reader.readTable(consistency, (table) => table.where("isbn", forms));
    // of two from before that have one ISBN in two forms, the one that has it as it would be stored today
    return books.find((book) => book.isbn === forms[0]) ?? books[0] ?? null;
  }

  /** The book that had this title, id or ISBN at a revision, as it then was, or null. */
  async bookAt(
    sought: Sought | { readonly isbn: string },
    revision: number,
    consistency: Consistency,
  ): Promise<Book | null> {
    return this.#reader.readTable(consistency, ({ log }) => {
      if ("isbn" in sought) return log.at("isbn", isbnKeys(sought.isbn), revision);
      return sought.by === "id" ? log.at("id", [sought.id], revision) : log.at("title", [sought.title], revision);
    });
  }

  /** The last changes of the book with this id, the newest first; those before a revision, if it is given. */
  async history(
    id: number,
    { limit, before }: { readonly limit: number; readonly before: number | undefined },
    consistency: Consistency,
  ): Promise<PastPage<Book>> {
    return this.#reader.readTable(consistency, ({ log }, large) => log.historyOf(id, limit, before, large));
  }

  /** The first changes of all books after a revision, in their order. */
  async changes(after: number, limit: number, consistency: Consistency): Promise<readonly LoggedChange<Book>[]> {
    return this.#reader.readTable(consistency, ({ log }, large) => log.changesAfter(after, limit, large));
  }

  /** The books with these ids, in their order; null for an id that no book has. */
  async booksById(ids: readonly number[], consistency: Consistency): Promise<readonly (Book | null)[]> {
    const books = await this.#reader.readTable(consistency, (table) => table.where("id", ids));
    const byId = new Map(books.map((book) => [book.id, book]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  /** The list that the read model has, too. */
  async #wholeCatalogue({ after, before, ...page }: AskedPage, consistency: Consistency): Promise<FoundList> {
    const request = { ...page, after: titleAt(after), before: titleAt(before) };
    const { total, ...found } = await this.#reader.read(consistency, (reads, large) => reads.page(request, large));
    return {
      ...found,
      places: found.rows.map(({ title }) => placeOfTitle(title)),
      total: total === undefined ? undefined : { count: total, isExact: true },
      facets: undefined,
    };
  }

  #byTitle(title: string, consistency: Consistency): Promise<Book | null> {
    return this.#reader.read(consistency, (reads) => reads.get(title));
  }

  async #byId(id: number, consistency: Consistency): Promise<Book | null> {
    const [book] = await this.booksById([id], consistency);
    return book ?? null;
  }

  /**
   * The changes after `since`, or from now on, of the books that have or had this title or id; of all if neither is given.
   *
   * @throws what `LiveChanges.follow` throws
   */
  follow(
    { since, title, id }: { readonly since?: number; readonly title?: string; readonly id?: number },
    consistency: Consistency,
  ): Promise<LiveEvents<Book>> {
    const is = (book: Book | null) =>
      book !== null && (title === undefined || book.title === title) && (id === undefined || book.id === id);
    return this.#live.follow(consistency, since, ({ before, after }) => is(before) || is(after));
  }

  /** An event of `follow` as it is told. */
  told(event: LiveEvent<Book>, consistency: Consistency): LiveEvent<Book> {
    this.#live.show(event, consistency);
    return event;
  }

  async #readAll(consistency: Consistency): Promise<readonly Book[]> {
    const books = await this.#reader.read(consistency, (reads, large) => reads.all(this.#limits, large));
    if (typeof books !== "string") return books;
    const { rows, bytes } = this.#limits;
    const size = books === "rows" ? `holds more than ${rows} books` : `comes to more than ${bytes / 1_000_000} MB`;
    throw new ServiceError("TOO_MANY_BOOKS", `The catalogue ${size}. Read it page by page: booksConnection.`);
  }
}

/** The title that a place in title order is at. */
function titleAt(place: Position | undefined): string | undefined {
  return place && String(place.values.at(-1));
}

/** Where resolvers find it. */
export const bookQueries = new HandlerKey<BookQueryHandler>("BookQueryHandler");
