import {
  type Answer,
  type Book,
  type PageQuery,
  type Query,
  queriesOf,
  type Reading,
  type ReadOutcome,
} from "../history/operation.ts";
import { showList } from "../history/show.ts";
import { type Catalogue, sameList } from "./catalogue.ts";
import { cursorOf } from "./cursor.ts";
import { asStored } from "./isbn.ts";
import type { Entry } from "./ledger.ts";
import { searched } from "./search.ts";

/** In which order the fields of a form come, behind the mutation that takes them. */
const FORM = [
  ...["updateBook", "title", "author", "publishedDate", "isbn", "language", "description", "coverUrl"],
  ...["stockQuantity", "expectedVersion"],
];

/**
 * What is wrong with an answer of which the revision that it reports is the first of `entries`, and the last one that
 * there can have been when it came is the last of them. Of several queries each may be answered at a later revision, for
 * the report is the lowest; one at least is answered at that. Of the titles in `edited` it may say anything, for somebody
 * has changed their rows.
 */
export function faultOfRead(
  request: Reading,
  { answers }: ReadOutcome,
  entries: readonly Entry[],
  edited: ReadonlySet<string>,
): string | undefined {
  const queries = queriesOf(request);
  if (answers.length !== queries.length) return `it has ${answers.length} answers to ${queries.length} queries`;
  const [reported, ...later] = entries;
  if (!reported) return "there is no such revision";
  const faults = queries.map((query, index) =>
    faultOfAnswer(query, answers[index] as Answer, reported.catalogue, edited),
  );
  if (queries.length === 1) return faults[0];
  for (const [index, query] of queries.entries()) {
    if (!faults[index]) continue;
    const isTrueLater = later.some(
      ({ catalogue }) => !faultOfAnswer(query, answers[index] as Answer, catalogue, edited),
    );
    if (!isTrueLater) return `of its answers, ${index + 1}: ${faults[index]}`;
  }
  return faults.every((fault) => fault !== undefined) ? "none of its answers is of that revision" : undefined;
}

function faultOfAnswer(
  query: Query,
  { books, page, names }: Answer,
  catalogue: Catalogue,
  edited: ReadonlySet<string>,
): string | undefined {
  if (query.kind === "page" && edited.size > 0) return faultOfEditedPage(books, page, catalogue, edited);
  const expected = expectedOf(query, catalogue);
  const isFact = (book: Book | null) => !edited.has(book?.title ?? "");
  const [told, facts] =
    edited.size > 0 ? [books.filter(isFact), expected.books.filter(isFact)] : [books, expected.books];
  if (!sameList(told, facts)) return `it shows ${showList(told)}, there is ${showList(facts)}`;
  if (!sameNames(names, books.length > 0 ? expected.names : undefined)) return `the form is of ${names}`;
  return page || expected.page ? faultOfPage(page, expected.page) : undefined;
}

/** What the answer to a query is in a catalogue. */
function expectedOf(query: Query, catalogue: Catalogue): Answer {
  const only = (book: Book | undefined) => ({ books: book ? [book] : [] });
  switch (query.kind) {
    case "book":
      return only(catalogue.get(query.title));
    case "form": {
      const book = catalogue.get(query.title);
      return { books: book ? [book, book, book] : [], names: FORM };
    }
    case "isbn":
      return only(catalogue.withIsbn(asStored(query.isbn)));
    case "node":
      return only(catalogue.withId(query.id));
    case "nodes":
      return { books: query.ids.map((id) => catalogue.withId(id) ?? null) };
    case "books":
      return { books: catalogue.list };
    case "search":
      return { books: searched(catalogue.list, query.text) };
    case "page":
      return pageOf(query, catalogue);
  }
}

function pageOf({ limit, after, before, backwards }: PageQuery, catalogue: Catalogue): Answer {
  const { list } = catalogue;
  const isThere = after !== undefined && catalogue.get(after) !== undefined;
  let first = after === undefined ? 0 : catalogue.rankOf(after) + (isThere ? 1 : 0);
  let stop = before === undefined ? list.length : catalogue.rankOf(before);
  // with bounds in the wrong order it is empty, where its direction begins
  if (backwards) first = Math.min(stop, Math.max(first, stop - limit));
  else stop = Math.max(first, Math.min(stop, first + limit));
  const books = list.slice(first, stop);
  const cursors = books.map(({ title }) => cursorOf(title));
  const [startCursor, endCursor] = [cursors.at(0) ?? null, cursors.at(-1) ?? null];
  const [hasPreviousPage, hasNextPage] = [first > 0, stop < list.length];
  return { books, page: { totalCount: list.length, hasPreviousPage, hasNextPage, startCursor, endCursor, cursors } };
}

function faultOfPage(told: Answer["page"], expected: Answer["page"]): string | undefined {
  if (told && "isPart" in told) {
    return sameNames(told.cursors, expected?.cursors) ? undefined : `it says ${told.cursors}, not ${expected?.cursors}`;
  }
  const [toldPage, truePage] = [told, expected].map((page) =>
    JSON.stringify(
      page &&
        !("isPart" in page) && [
          page.totalCount,
          page.hasPreviousPage,
          page.hasNextPage,
          page.startCursor,
          page.endCursor,
          ...page.cursors,
        ],
    ),
  );
  return toldPage === truePage ? undefined : `it says ${toldPage}, true is ${truePage}`;
}

/** A row that is missing, or elsewhere, moves the bounds of a page, but not what is between them. */
function faultOfEditedPage(
  books: Answer["books"],
  page: Answer["page"],
  catalogue: Catalogue,
  edited: ReadonlySet<string>,
): string | undefined {
  const isFact = (book: Book | null) => !edited.has(book?.title ?? "");
  const told = books.filter(isFact);
  const facts = catalogue.list.filter(isFact);
  const first = facts.findIndex(({ title }) => title === told[0]?.title);
  const between = told.length === 0 ? [] : facts.slice(Math.max(0, first), Math.max(0, first) + told.length);
  if (!sameList(told, between)) return `it shows ${showList(told)}, there is ${showList(between)}`;
  const cursors = books.map((book) => cursorOf(book?.title ?? ""));
  return sameNames(page?.cursors, cursors) ? undefined : `it says ${page?.cursors}, true is ${cursors}`;
}

function sameNames(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return (
    a === b || (a !== undefined && b !== undefined && a.length === b.length && a.every((name, i) => name === b[i]))
  );
}
