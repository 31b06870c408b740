import { ADD_BOOK, ADJUST_STOCK, DELETE_BOOK, UPDATE_BOOK } from "../../test/support/service/book-requests.ts";
import { cursorOf } from "../checker/cursor.ts";
import { type Query, queriesOf, type Request } from "../history/operation.ts";

/** A field of a query, with `#` in the names of its variables and in its own for its place in the request. */
interface Field {
  readonly declares: string;
  readonly text: string;
}

/** Everything of a book that the log has. */
export const BOOK_FIELDS =
  "id title author publishedDate isbn language description coverUrl stockQuantity version addedAt updatedAt";

const FIELDS: Readonly<Record<Query["kind"], Field>> = {
  book: { declares: "$title#: String!", text: `answer#: book(title: $title#) { ${BOOK_FIELDS} }` },
  form: {
    declares: "$title#: String!",
    text: `answer#: bookEditForm(title: $title#) {
      book { ${BOOK_FIELDS} } mutation formData fields { name value }
    }`,
  },
  books: { declares: "", text: `answer#: books { ${BOOK_FIELDS} }` },
  page: {
    declares: "$first#: Int, $after#: String, $last#: Int, $before#: String",
    text: `answer#: booksConnection(first: $first#, after: $after#, last: $last#, before: $before#) {
      totalCount pageInfo { hasPreviousPage hasNextPage startCursor endCursor } edges { cursor node { ${BOOK_FIELDS} } }
    }`,
  },
  search: {
    declares: "$search#: String!",
    text: `answer#: booksConnection(search: $search#, first: 100) { totalCount nodes { ${BOOK_FIELDS} } }`,
  },
  isbn: { declares: "$isbn#: String!", text: `answer#: bookByIsbn(isbn: $isbn#) { ${BOOK_FIELDS} }` },
  node: { declares: "$id#: ID!", text: `answer#: node(id: $id#) { ... on Book { ${BOOK_FIELDS} } }` },
  nodes: { declares: "$ids#: [ID!]!", text: `answer#: nodes(ids: $ids#) { ... on Book { ${BOOK_FIELDS} } }` },
};

const PAST = `query Past($title: String!, $asOf: Revision!) { book(title: $title, asOf: $asOf) { ${BOOK_FIELDS} } }`;

const CHANGE_FIELDS = `revision kind at before { ${BOOK_FIELDS} } after { ${BOOK_FIELDS} }`;

/** How many changes are asked for of a history. */
export const HISTORY_FIRST = 10;

const HISTORY = `query History($title: String!) {
  book(title: $title) { ${BOOK_FIELDS} history(first: ${HISTORY_FIRST}) { nodes { ${CHANGE_FIELDS} } } }
}`;

/** The document of each combination of queries, so that it is the same text each time. */
const documents = new Map<string, string>();

/** A request as it is sent. */
export function documentOf(request: Request): { readonly query: string; readonly variables: object } {
  switch (request.kind) {
    case "add":
      return {
        query: ADD_BOOK,
        variables: { input: { title: request.title, ...request.input }, idempotencyKey: request.key },
      };
    case "update": {
      const { title, input, expectedVersion, key } = request;
      return { query: UPDATE_BOOK, variables: { title, input: { ...input, expectedVersion }, idempotencyKey: key } };
    }
    case "adjust":
      return {
        query: ADJUST_STOCK,
        variables: { title: request.title, by: request.by, idempotencyKey: request.key },
      };
    case "delete": {
      const { title, expectedVersion, key } = request;
      return { query: DELETE_BOOK, variables: { title, expectedVersion, idempotencyKey: key } };
    }
    case "past":
      return { query: PAST, variables: { title: request.title, asOf: request.asOf } };
    case "history":
      return { query: HISTORY, variables: { title: request.title } };
    case "changes": {
      const { after, first, name } = request;
      const query = `query ${name}($after: Revision!, $first: Int!) { changes(after: $after, first: $first) { ${CHANGE_FIELDS} } }`;
      return { query, variables: { after, first } };
    }
    case "improper":
      return { query: queryOf(["page"]), variables: { first0: request.first, after0: request.after } };
    default: {
      const queries = queriesOf(request);
      const variables = queries.flatMap((query, place) =>
        Object.entries(variablesOf(query)).map(([name, value]) => [`${name}${place}`, value]),
      );
      return { query: queryOf(queries.map(({ kind }) => kind)), variables: Object.fromEntries(variables) };
    }
  }
}

function queryOf(kinds: readonly Query["kind"][]): string {
  const name = kinds.join(" ");
  const known = documents.get(name);
  if (known) return known;
  const fields = kinds.map((kind, place) => {
    const { declares, text } = FIELDS[kind];
    return { declares: declares.replaceAll("#", `${place}`), text: text.replaceAll("#", `${place}`) };
  });
  const declared = fields.map(({ declares }) => declares).filter((text) => text !== "");
  const head = declared.length > 0 ? `query Read(${declared.join(", ")})` : "query Read";
  const document = `${head} { ${fields.map(({ text }) => text).join(" ")} }`;
  documents.set(name, document);
  return document;
}

function variablesOf(query: Query): object {
  switch (query.kind) {
    case "book":
    case "form":
      return { title: query.title };
    case "search":
      return { search: query.text };
    case "isbn":
      return { isbn: query.isbn };
    case "node":
      return { id: globalId(query.id) };
    case "nodes":
      return { ids: query.ids.map(globalId) };
    case "page": {
      const [after, before] = [query.after, query.before].map((title) => title !== undefined && cursorOf(title));
      const size = query.backwards ? { last: query.limit } : { first: query.limit };
      return { ...size, ...(after !== false && { after }), ...(before !== false && { before }) };
    }
    case "books":
      return {};
  }
}

function globalId(id: number): string {
  return Buffer.from(`Book:${id}`).toString("base64");
}
