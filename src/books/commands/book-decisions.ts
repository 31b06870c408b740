import type { Decision, Decisions, Found, Keys, New } from "../../cqrs/decisions.ts";
import type { Book } from "../book.ts";
import { MAX_STOCK } from "../max-stock.ts";
import type { BookCommand, BookRefused } from "./book-command.ts";

type BookDecision = Decision<Book, BookRefused>;

/** The rules of the catalogue. What is invalid comes first, then what is not found, then the version, then what is taken. */
export const decisions: Decisions<Book, BookCommand, BookRefused> = {
  module: import.meta.url,

  keys(command): Keys<Book> {
    switch (command.kind) {
      case "add":
      case "import":
        return keysOf(command.book);
      case "update": {
        const { title = [], isbn = [] } = keysOf(command.patch);
        return { title: [command.title, ...title], isbn };
      }
      case "adjustStock":
      case "delete":
        return { title: [command.title] };
      case "invalid":
        return {};
    }
  },

  adds: ({ kind }) => kind === "add" || kind === "import",

  decide(command, books): BookDecision {
    switch (command.kind) {
      case "add":
        return add(command.book, books);
      case "import": {
        const stored = books.find("title", command.book.title);
        if (stored && has(stored, command.known)) return { refused: { kind: "unchanged", title: stored.title } };
        return add(command.book, books);
      }
      case "update": {
        const before = find(command, books);
        if ("refused" in before) return before;
        const refused = taken(command.patch, before, books);
        if (refused) return { refused };
        return { kind: "update", before, after: { ...before, ...command.patch, version: before.version + 1 } };
      }
      case "adjustStock": {
        const before = find(command, books);
        if ("refused" in before) return before;
        const { stockQuantity, version } = before;
        const inStock = stockQuantity + command.by;
        if (inStock < 0) return { refused: { kind: "insufficientStock", available: stockQuantity } };
        if (inStock > MAX_STOCK) return { refused: { kind: "tooMuchStock", room: MAX_STOCK - stockQuantity } };
        return { kind: "update", before, after: { ...before, stockQuantity: inStock, version: version + 1 } };
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

function add(book: New<Book>, books: Found<Book>): BookDecision {
  const refused = taken(book, undefined, books);
  return refused ? { refused } : { kind: "add", after: book };
}

function find(
  { asked, title, expectedVersion }: { asked: string; title: string; expectedVersion?: number | undefined },
  books: Found<Book>,
): Book | { readonly refused: BookRefused } {
  const book = books.find("title", title);
  if (!book) return { refused: { kind: "notFound", title: asked } };
  if (expectedVersion !== undefined && expectedVersion !== book.version)
    return { refused: { kind: "versionConflict", expectedVersion, book } };
  return book;
}

/** What of `wanted` another book has; of a title and an ISBN the title is told. */
function taken(
  { title, isbn }: Partial<New<Book>>,
  before: Book | undefined,
  books: Found<Book>,
): BookRefused | undefined {
  const isAnothers = (holder: Book | undefined) => holder !== undefined && holder !== before;
  if (title !== undefined && isAnothers(books.find("title", title))) return { kind: "titleTaken", title };
  if (isbn != null && isAnothers(books.find("isbn", isbn))) return { kind: "isbnTaken", isbn };
  return undefined;
}

function keysOf({ title, isbn }: Partial<New<Book>>): Keys<Book> {
  return { title: title === undefined ? [] : [title], isbn: isbn == null ? [] : [isbn] };
}

function has(stored: Book, known: Partial<Book>): boolean {
  return Object.entries(known).every(([field, value]) => stored[field as keyof Book] === value);
}
