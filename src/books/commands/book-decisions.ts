import type { Decision, Decisions, Found, Keys, Next } from "../../cqrs/decisions.ts";
import type { Book } from "../book.ts";
import type { Sought } from "../book-keys.ts";
import { isbnForms, isSameIsbn, storedIsbn } from "../isbn-forms.ts";
import { MAX_STOCK } from "../max-stock.ts";
import type { BookCommand, BookRefused, GivenBook } from "./book-command.ts";

type BookDecision = Decision<Book, BookRefused>;

/** The rules of the catalogue. What is invalid comes first, then what is not found, then the version, then what is taken. */
export const decisions: Decisions<Book, BookCommand, BookRefused> = {
  module: import.meta.url,

  keys(command): Keys<Book> {
    switch (command.kind) {
      case "add":
      case "import":
        return keysOf(command.book);
      case "update":
        return keysOf(command.patch, command.sought);
      case "adjustStock":
      case "delete":
        return keysOf({}, command.sought);
      case "invalid":
        return {};
    }
  },

  // an ISBN that is stored as it was once gets the form of today
  keysOfChange: ({ isbn }) => (isbn === null || storedIsbn(isbn) === isbn ? {} : { isbn: [storedIsbn(isbn)] }),

  touched: (book, books, next) => changed(book, {}, books, next),

  adds: ({ kind }) => kind === "add" || kind === "import",

  decide(command, books, next): BookDecision {
    switch (command.kind) {
      case "add":
        return add(command.book, books, next);
      case "import": {
        const stored = books.find("title", command.book.title);
        if (stored && has(stored, command.known)) return { refused: { kind: "unchanged", title: stored.title } };
        return add(command.book, books, next);
      }
      case "update": {
        const before = find(command, books);
        if ("refused" in before) return before;
        const refused = taken(command.patch, before, books);
        if (refused) return { refused };
        return { kind: "update", before, after: changed(before, command.patch, books, next) };
      }
      case "adjustStock": {
        const before = find(command, books);
        if ("refused" in before) return before;
        const { stockQuantity } = before;
        const inStock = stockQuantity + command.by;
        if (inStock < 0) return { refused: { kind: "insufficientStock", available: stockQuantity } };
        if (inStock > MAX_STOCK) return { refused: { kind: "tooMuchStock", room: MAX_STOCK - stockQuantity } };
        return { kind: "update", before, after: changed(before, { stockQuantity: inStock }, books, next) };
      }
      case "delete": {
        const before = find(command, books);
        return "refused" in before ? before : { kind: "delete", before };
      }
      case "invalid":
        return { refused: { kind: "invalid" } };
    }
  },
};

function add(book: GivenBook, books: Found<Book>, { revision, at }: Next): BookDecision {
  const refused = taken(book, undefined, books);
  return refused ? { refused } : { kind: "add", after: { ...book, version: revision, addedAt: at, updatedAt: at } };
}

function find(
  { sought, expectedVersion }: { readonly sought: Sought; readonly expectedVersion?: number | undefined },
  books: Found<Book>,
): Book | { readonly refused: BookRefused } {
  const book = sought.by === "id" ? books.find("id", sought.id) : books.find("title", sought.title);
  if (!book) return { refused: { kind: "notFound", sought } };
  if (expectedVersion !== undefined && expectedVersion !== book.version)
    return { refused: { kind: "versionConflict", expectedVersion, book } };
  return book;
}

/** What of `wanted` another book has; of a title and an ISBN the title is told. */
function taken(
  { title, isbn }: Partial<GivenBook>,
  before: Book | undefined,
  books: Found<Book>,
): BookRefused | undefined {
  const other = (holder: Book | undefined) => (holder === before ? undefined : holder);
  const ofTitle = title === undefined ? undefined : other(books.find("title", title));
  if (title !== undefined && ofTitle) return { kind: "titleTaken", title, book: ofTitle };
  // of two that have had the same one since it was told apart by its form alone, each may keep it
  if (isbn == null || (before && isSameIsbn(before.isbn, isbn))) return undefined;
  for (const form of isbnForms(isbn)) {
    const ofIsbn = other(books.find("isbn", form));
    if (ofIsbn) return { kind: "isbnTaken", isbn, book: ofIsbn };
  }
  return undefined;
}

function changed(before: Book, patch: Partial<GivenBook>, books: Found<Book>, { revision, at }: Next): Book {
  return { ...before, ...patch, isbn: isbnAfter(before, patch, books), version: revision, updatedAt: at };
}

/** The ISBN in the form of today, unless another book has it in that. */
function isbnAfter(before: Book, { isbn = before.isbn }: Partial<GivenBook>, books: Found<Book>): string | null {
  if (isbn === null || !isSameIsbn(before.isbn, isbn)) return isbn;
  const stored = storedIsbn(isbn);
  return stored === before.isbn || !books.find("isbn", stored) ? stored : before.isbn;
}

function keysOf({ title, isbn }: Partial<GivenBook>, sought?: Sought): Keys<Book> {
  const titles = title === undefined ? [] : [title];
  return {
    title: sought?.by === "title" ? [sought.title, ...titles] : titles,
    isbn: isbn == null ? [] : isbnForms(isbn),
    ...(sought?.by === "id" && { id: [sought.id] }),
  };
}

function has(stored: Book, known: Partial<GivenBook>): boolean {
  return Object.entries(known).every(
    ([field, value]) =>
      stored[field as keyof Book] === value || (field === "isbn" && isSameIsbn(stored.isbn, known.isbn ?? null)),
  );
}
