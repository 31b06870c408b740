import type { Answer, Book, Outcome, Query, Refusal, Request } from "../history/operation.ts";
import { isMutation, queriesOf } from "../history/operation.ts";

// biome-ignore lint/suspicious/noExplicitAny: an answer of any shape; what is not there fails the request
type Json = any;

/** What an answer says. Throws when it has no such shape. */
export function outcomeOf(request: Request, answer: Json, keep: (book: Book) => Book): Outcome {
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
    const answers = queriesOf(request).map((query, place) => answerOf(query, data[`answer${place}`], bookOf));
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
