import { byTitle } from "../change-log.ts";
import type { Book, Outcome, Query } from "../history.ts";
import { showList } from "../show.ts";
import { type Catalogue, sameList } from "./catalogue.ts";

/**
 * What is wrong with an answer when the catalogue is at the revision that it reports. Of the titles in `edited` it may
 * say anything, for somebody has changed their rows.
 */
export function faultOfRead(
  request: Query,
  { books, page }: Extract<Outcome, { kind: "read" }>,
  catalogue: Catalogue,
  edited: ReadonlySet<string>,
): string | undefined {
  // a row that is missing, or elsewhere, moves the bounds of a page
  if (request.kind === "page" && edited.size > 0) return undefined;
  const expected = expectedOf(request, catalogue);
  const told = books.filter(({ title }) => !edited.has(title));
  const facts = expected.books.filter(({ title }) => !edited.has(title));
  if (!sameList(told, facts)) return `it shows ${showList(told)}, there is ${showList(facts)}`;
  const [toldPage, factsOfPage] = [JSON.stringify(page), JSON.stringify(expected.page)];
  return toldPage === factsOfPage ? undefined : `it says ${toldPage}, true is ${factsOfPage}`;
}

type Expected = Pick<Extract<Outcome, { kind: "read" }>, "books" | "page">;

function expectedOf(request: Query, catalogue: Catalogue): Expected {
  const only = (book: Book | undefined): Expected => ({ books: book ? [book] : [] });
  switch (request.kind) {
    case "book":
      return only(catalogue.get(request.title));
    case "form": {
      const book = catalogue.get(request.title);
      return { books: book ? [book, book] : [] };
    }
    case "isbn":
      return only(catalogue.withIsbn(request.isbn));
    case "nodes":
      return { books: request.ids.flatMap((id) => catalogue.withId(id) ?? []) };
    case "books":
      return { books: catalogue.list };
    case "page":
      return pageOf(request, catalogue.list);
  }
}

function pageOf({ limit, cursor, backwards }: Extract<Query, { kind: "page" }>, list: readonly Book[]) {
  const inRange = list.filter(({ title }) => {
    if (cursor === undefined) return true;
    return backwards ? byTitle(title, cursor) < 0 : byTitle(title, cursor) > 0;
  });
  const books = backwards ? inRange.slice(-limit) : inRange.slice(0, limit);
  const first = books[0];
  const last = books.at(-1);
  // an empty page stands before or after all books
  const before = first ? list.indexOf(first) : backwards ? 0 : list.length;
  const after = last ? list.length - 1 - list.indexOf(last) : backwards ? list.length : 0;
  return { books, page: { totalCount: list.length, hasPreviousPage: before > 0, hasNextPage: after > 0 } };
}
