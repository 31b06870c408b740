import { Agent, request as httpRequest } from "node:http";
import { ADD_BOOK, BOOK, DELETE_BOOK, UPDATE_BOOK } from "../../../test/support/service/book-requests.ts";
import type { Book, History, Operation, Outcome, Refusal, Request } from "../history.ts";
import { isMutation } from "../history.ts";
import type { Member } from "./member.ts";

/** Generous: a process that is only slow is not at fault. */
const TIMEOUT_MS = 10_000;

/**
 * Connections are kept: what waits on one is the first that a process reads when it goes on after a stop. An idle one
 * is dropped long before the server does so after five seconds, lest a request meet a connection that is being closed.
 */
const agent = new Agent({ keepAlive: true, timeout: 1500 });

const FIELDS = "id title author publishedDate isbn stockQuantity version";
const BOOKS = `{ books { ${FIELDS} } }`;
const FORM = `query Form($title: String!) { bookEditForm(title: $title) { book { ${FIELDS} } formData } }`;
const PAGE = `query Page($first: Int, $after: String, $last: Int, $before: String) {
  booksConnection(first: $first, after: $after, last: $last, before: $before) {
    totalCount pageInfo { hasPreviousPage hasNextPage } edges { node { ${FIELDS} } }
  }
}`;

const ISBN = `query Isbn($isbn: String!) { bookByIsbn(isbn: $isbn) { ${FIELDS} } }`;
const NODES = `query Nodes($ids: [ID!]!) { nodes(ids: $ids) { ... on Book { ${FIELDS} } } }`;

/** Sends a request to a process and records it, from invocation to completion. Never throws: a failure is an outcome. */
export async function perform(
  history: History,
  client: string,
  member: Member,
  request: Request,
  atLeast?: number,
): Promise<Operation> {
  const operation = history.invoke(client, member, request, atLeast);
  if (isMutation(request)) member.mutating.set(operation, history.now);
  let outcome: Outcome;
  try {
    const { query, variables } = documentOf(request);
    const extensions = atLeast === undefined ? undefined : { consistency: { atLeast } };
    const answer = await post(member.url, JSON.stringify({ query, variables, extensions }));
    outcome = outcomeOf(request, answer, (book) => history.keep(book));
  } catch (error) {
    const { code = "NO_ANSWER", message } = error as NodeJS.ErrnoException;
    // nothing was sent where nobody listens
    outcome = { kind: "failed", code, message, definite: code === "ECONNREFUSED" };
  }
  member.mutating.delete(operation);
  if (outcome.kind === "failed") outcome = { ...outcome, excuse: member.outageSince(operation.invoked.ms) };
  history.complete(operation, outcome);
  return operation;
}

/** Whether a process answers a point read from Redis. */
export async function answersFromRedis(history: History, member: Member): Promise<boolean> {
  const { outcome } = await perform(history, "observer", member, { kind: "book", title: "any" });
  return outcome?.kind === "read" && outcome.servedBy === "redis";
}

function documentOf(request: Request): { query: string; variables?: object } {
  switch (request.kind) {
    case "add":
      return { query: ADD_BOOK, variables: { input: { title: request.title, ...request.input } } };
    case "update": {
      const { title, input, expectedVersion } = request;
      return { query: UPDATE_BOOK, variables: { title, input: { ...input, expectedVersion } } };
    }
    case "delete":
      return { query: DELETE_BOOK, variables: { title: request.title, expectedVersion: request.expectedVersion } };
    case "book":
      return { query: BOOK, variables: { title: request.title } };
    case "form":
      return { query: FORM, variables: { title: request.title } };
    case "books":
      return { query: BOOKS };
    case "page": {
      const cursor = request.cursor === undefined ? undefined : Buffer.from(request.cursor).toString("base64url");
      const variables = request.backwards
        ? { last: request.limit, before: cursor }
        : { first: request.limit, after: cursor };
      return { query: PAGE, variables };
    }
    case "isbn":
      return { query: ISBN, variables: { isbn: request.isbn } };
    case "nodes": {
      const ids = request.ids.map((id) => Buffer.from(`Book:${id}`).toString("base64"));
      return { query: NODES, variables: { ids } };
    }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: an answer of any shape; what is not there fails the request
type Answer = any;

function post(url: string, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const request = httpRequest(url, { method: "POST", agent, headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        try {
          resolve(JSON.parse(text));
        } catch {
          reject(new Error(`status ${response.statusCode}: ${text.slice(0, 100)}`));
        }
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

function outcomeOf(request: Request, answer: Answer, keep: (book: Book) => Book): Outcome {
  const [error] = answer.errors ?? [];
  if (error) {
    const { code = "NO_CODE" } = error.extensions ?? {};
    if (code === "REVISION_NOT_REACHED") return { kind: "not reached" };
    // these two say that nothing was changed; of all else it is not known
    const definite = code === "DATABASE_UNAVAILABLE" || code === "BAD_USER_INPUT";
    return { kind: "failed", code, message: error.message, definite };
  }
  const { revision, servedBy } = answer.extensions.consistency;
  const bookOf = (book: Answer): Book => {
    const { title, author, publishedDate, isbn, stockQuantity, version } = book;
    const id = Number(/^Book:(\d+)$/.exec(Buffer.from(book.id, "base64").toString())?.[1]);
    return keep({ id, title, author, publishedDate, isbn, stockQuantity, version });
  };
  const read = (...books: Answer[]) => ({ kind: "read" as const, revision, servedBy, books: books.map(bookOf) });
  const { data } = answer;
  switch (request.kind) {
    case "books":
      return read(...data.books);
    case "book":
      return data.book ? read(data.book) : read();
    case "isbn":
      return data.bookByIsbn ? read(data.bookByIsbn) : read();
    case "nodes":
      return read(...data.nodes.filter((node: Answer) => node !== null));
    case "form": {
      const form = data.bookEditForm;
      if (!form) return read();
      // the two halves of a form come from one read, and both are judged
      const { expectedVersion: version, ...fields } = form.formData;
      return read(form.book, { ...fields, id: form.book.id, version });
    }
    case "page": {
      const { edges, totalCount, pageInfo } = data.booksConnection;
      return { ...read(...edges.map(({ node }: Answer) => node)), page: { totalCount, ...pageInfo } };
    }
    default: {
      const result = data.addBook ?? data.updateBook ?? data.deleteBook;
      if (result.__typename === "Book") return { kind: "acknowledged", revision, book: bookOf(result) };
      return { kind: "refused", revision, refusal: refusalOf(result, bookOf) };
    }
  }
}

function refusalOf(result: Answer, bookOf: (book: Answer) => Book): Refusal {
  const { __typename: type, taken, notFound, expectedVersion, actualVersion, book } = result;
  return { type, subject: taken ?? notFound, expectedVersion, actualVersion, book: book && bookOf(book) };
}
