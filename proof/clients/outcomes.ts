import { KINDS, type ToldChange } from "../checker/told.ts";
import type { Change } from "../history/change.ts";
import type { Answer, Book, Outcome, Query, Refusal, Request } from "../history/operation.ts";
import { isMutation, queriesOf } from "../history/operation.ts";
import type { Namespace } from "./namespace.ts";

// biome-ignore lint/suspicious/noExplicitAny: an answer of any shape; what is not there fails the request
type Json = any;

/** What an answer says of the books that are in the namespace. Throws when it has no such shape. */
export function outcomeOf(request: Request, answer: Json, names: Namespace, keep: (book: Book) => Book): Outcome {
  const [error] = answer.errors ?? [];
  if (error) {
    const { code = "NO_CODE" } = error.extensions ?? {};
    if (code === "REVISION_NOT_REACHED") return { kind: "not reached" };
    if (code === "REVISION_TRIMMED") return { kind: "trimmed", oldest: error.extensions.oldest };
    // these two say that nothing was changed; of all else it is not known
    const definite = code === "DATABASE_UNAVAILABLE" || code === "BAD_USER_INPUT";
    return { kind: "failed", code, message: error.message, definite };
  }
  const { revision, servedBy } = answer.extensions.consistency;
  const { data } = answer;
  const bookOf = (book: Json) => keep(shapeOf(book));
  if (!isMutation(request)) {
    if (request.kind === "improper") return { kind: "read", revision, servedBy, answers: [] };
    if (request.kind === "past") {
      const books = data.book === null ? [] : [bookOf(data.book)];
      return { kind: "read", revision, servedBy, answers: [{ books }] };
    }
    if (request.kind === "history") return { kind: "read", revision, servedBy, answers: [historyIn(data.book, names)] };
    if (request.kind === "changes") {
      const changes = data.changes.map((told: Json) => changeIn(told, names));
      return { kind: "read", revision, servedBy, answers: [{ books: [], changes }] };
    }
    const answers = queriesOf(request).map((query, place) => {
      const told = answerOf(query, data[`answer${place}`], bookOf);
      return names.isPart ? partOf(query, told, names) : told;
    });
    return { kind: "read", revision, servedBy, answers };
  }
  const result = data.addBook ?? data.updateBook ?? data.adjustStock ?? data.deleteBook;
  if (result.__typename === "Book") return { kind: "acknowledged", revision, book: bookOf(result) };
  return { kind: "refused", revision, refusal: refusalOf(result, bookOf) };
}

function answerOf(query: Query, data: Json, bookOf: (book: Json) => Book): Answer {
  switch (query.kind) {
    case "books":
      return { books: data.map(bookOf) };
    case "nodes":
      return { books: data.map((node: Json) => node && bookOf(node)) };
    case "form": {
      if (data === null) return { books: [] };
      const { book, mutation, formData, fields } = data;
      // the parts of a form come from one read, and all are judged
      const { expectedVersion: version, ...values } = formData;
      const { id, addedAt, updatedAt } = book;
      const own = { id, addedAt, updatedAt };
      const filled = Object.fromEntries(fields.map(({ name, value }: Json) => [name, value]));
      const filledBook = {
        ...filled,
        ...own,
        stockQuantity: Number(filled.stockQuantity),
        version: Number(filled.expectedVersion),
      };
      const books = [book, { ...values, ...own, version }, filledBook].map(bookOf);
      return { books, names: [mutation, ...fields.map(({ name }: Json) => name)] };
    }
    case "search":
      // a count that is not that of the books is a book too many
      return { books: [...data.nodes.map(bookOf), ...(data.totalCount === data.nodes.length ? [] : [null])] };
    case "page": {
      const { edges, totalCount, pageInfo } = data;
      const cursors = edges.map(({ cursor }: Json) => cursor);
      return { books: edges.map(({ node }: Json) => bookOf(node)), page: { totalCount, ...pageInfo, cursors } };
    }
    default:
      return { books: data === null ? [] : [bookOf(data)] };
  }
}

/** What an answer says of the namespace alone. Of the books of others nothing is known. */
function partOf({ kind }: Query, { books, page, names: form, ...more }: Answer, names: Namespace): Answer {
  const isOwn = (book: Book | null | undefined) => !book || names.has(book.title);
  const own = kind === "nodes" ? books.map((book) => (isOwn(book) ? book : null)) : books.filter(isOwn);
  const cursors = page?.cursors.filter((_, place) => isOwn(books[place]));
  return {
    ...more,
    books: own,
    ...(form && own.length > 0 && { names: form }),
    ...(cursors && { page: { cursors, isPart: true } }),
  };
}

function historyIn(book: Json, names: Namespace): Answer {
  if (book === null) return { books: [], changes: [] };
  return { books: [shapeOf(book)], changes: book.history.nodes.map((told: Json) => changeIn(told, names)) };
}

/** What a subscriber is told. */
export function toldIn({ revision, kind, before, after }: Json, names: Namespace): ToldChange {
  const [was, is] = [before, after].map((book) => book && shapeOf(book));
  if (kind === "CHECKPOINT" || [was, is].some((book) => book && names.has(book.title))) {
    return { revision, kind, before: was, after: is };
  }
  return { revision, kind: "ELSEWHERE", before: null, after: null };
}

function changeIn(told: Json, names: Namespace): Change {
  const { revision, kind, before, after } = toldIn(told, names);
  const tokens = { token: undefined, previousToken: undefined };
  return { revision, ...tokens, at: told.at, kind: KINDS[kind] ?? kind, before, after };
}

function shapeOf({ id, title, author, publishedDate, isbn, stockQuantity, version, ...more }: Json): Book {
  const number = Number(/^Book:(\d+)$/.exec(Buffer.from(id, "base64").toString())?.[1]);
  const { language, description, coverUrl, addedAt, updatedAt } = more;
  const texts = { language, description, coverUrl, addedAt, updatedAt };
  return { id: number, title, author, publishedDate, isbn, stockQuantity, version, ...texts };
}

function refusalOf(result: Json, bookOf: (book: Json) => Book): Refusal {
  const {
    __typename: type,
    message,
    taken,
    isbn,
    notFound,
    expectedVersion,
    actualVersion,
    book,
    fieldErrors,
    available,
  } = result;
  return {
    type,
    message,
    subject: taken ?? isbn ?? notFound,
    expectedVersion,
    actualVersion,
    available,
    book: book && bookOf(book),
    fields: fieldErrors?.map(({ field }: Json) => field),
  };
}
